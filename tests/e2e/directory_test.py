"""The directory: LDIF and LDAP answer alike, and what users notice when slapd is away."""

import json
import time
import unittest

from testbed import BASE_DN, PASSWORD, STORE_HOSTS, Client, Site, wait_until

HOMELESS = "homeless@example.com"
TWINS = "twins@example.com"
# Two entries with one address: whose mail would it be?
TWIN_ENTRIES = "".join(
    f"\ndn: uid=twin{number},ou=people,{BASE_DN}\nobjectClass: inetOrgPerson\n"
    f"objectClass: inetLocalMailRecipient\nuid: twin{number}\ncn: Twin\nsn: Twin\n"
    f"mail: {TWINS}\nmailHost: {STORE_HOSTS[0]}\n"
    for number in (1, 2)
)


def imap_answer(mmp, user, password=PASSWORD):
    """The tagged answer to a LOGIN."""
    with Client(mmp.imap_port, timeout=40) as client:
        client.line()
        client.send(f'a LOGIN "{user}" "{password}"\r\n')
        return client.until("a ")[-1]


def pop_answer(mmp, user):
    with Client(mmp.pop3_port, timeout=40) as client:
        client.line()
        client.send(f"USER {user}\r\n")
        client.line()
        client.send(f"PASS {PASSWORD}\r\n")
        return client.line()


class Alike(unittest.TestCase):
    """One table of names, asked of an LDIF instance and of an LDAP instance."""

    NAMES = (
        "alice@example.com", "bob@example.com", "ALICE@EXAMPLE.COM", "alice", "bob",
        "nobody@example.com", "alice@other.example", "*", "al*", "*@example.com",
        "alice@example.com)(uid=*", "(uid=alice)", "a\\\\b@example.com", "@example.com", "alice@",
        "alice@@example.com", "älice@example.com", HOMELESS, TWINS, "second@example.com",
        "down@example.com",
    )

    def test_answers(self):
        homes = {
            HOMELESS: None,
            "second@example.com": f"127.0.0.13 {STORE_HOSTS[0]}",
            "down@example.com": "127.0.0.13",
        }
        with Site(False, homes, entries=TWIN_ENTRIES) as ldif, Site(
            True, homes, entries=TWIN_ENTRIES
        ) as ldap:
            for user in self.NAMES:
                with self.subTest(user=user):
                    by_ldif = imap_answer(ldif.instance, user)
                    self.assertEqual(by_ldif.split()[:3], imap_answer(ldap.instance, user).split()[:3])
                    self.assertEqual(
                        pop_answer(ldif.instance, user).split()[:2],
                        pop_answer(ldap.instance, user).split()[:2],
                    )
            for user in ("*", "al*", "(uid=alice)", "alice@example.com)(uid=*", TWINS):
                answer = imap_answer(ldif.instance, user)
                self.assertTrue(answer.startswith("a NO [AUTHENTICATIONFAILED]"), user)

    def test_lookup_steps(self):
        with Site(False) as ldif, Site(True) as ldap:
            for user in ("alice@example.com", "bob", "nobody@example.com"):
                with self.subTest(user=user):
                    one = ldif.instance.ctl("--json", "lookup", user)
                    other = ldap.instance.ctl("--json", "lookup", user)
                    self.assertEqual(one.returncode, other.returncode)
                    self.assertEqual(self.steps(one), self.steps(other))

    def steps(self, done):
        """Which directory was asked, where it was asked to begin, and ports may differ."""
        steps = json.loads(done.stdout)["steps"]
        return [step for step in steps if step["what"] not in ("base", "answer from", "store")]


class SlapdAway(unittest.TestCase):
    def setUp(self):
        self.site = Site(True, users=("carol@example.com", "dave@example.com"), LDAPTimeout="2")
        self.addCleanup(self.site.close)
        self.site.start()
        self.mmp = self.site.instance

    def assert_away(self):
        """Not in any cache: a temporary answer. In the cache: served."""
        self.assertTrue(imap_answer(self.mmp, "carol@example.com").startswith("a NO [UNAVAILABLE]"))
        self.assertTrue(pop_answer(self.mmp, "carol@example.com").startswith("-ERR [SYS/TEMP]"))
        # Even a name that does not exist: a failure is not "no such user".
        self.assertIn("[UNAVAILABLE]", imap_answer(self.mmp, "nobody@example.com"))

    def assert_back(self):
        """Each worker finds out by itself, at its next attempt."""
        self.await_answer("carol@example.com", "a OK")
        self.await_answer("dave@example.com", "a OK")
        self.await_answer("nobody@example.com", "a NO [AUTHENTICATIONFAILED]")

    def await_answer(self, user, start):
        wait_until(lambda: imap_answer(self.mmp, user).startswith(start), f"{start} for {user}")

    def test_stopped_and_started(self):
        session = self.mmp.imap(self.site.alice)
        self.site.slapd.stop()
        self.assert_away()
        self.assertEqual(session.noop()[0], "OK")
        self.site.slapd.start()
        self.assert_back()
        session.logout()

    def test_stopped_before_the_first_login(self):
        self.site.slapd.stop()
        self.assert_away()
        self.site.slapd.start()
        self.assert_back()

    def test_silent(self):
        # Every worker knows alice before the directory falls silent.
        for _ in range(20):
            self.mmp.imap(self.site.alice).logout()
        self.site.slapd.pause()
        with Client(self.mmp.imap_port, timeout=40) as waiting:
            waiting.line()
            waiting.send(f"a LOGIN carol@example.com {PASSWORD}\r\n")
            begin = time.monotonic()
            self.assertTrue(imap_answer(self.mmp, self.site.alice).startswith("a OK"))
            self.assertLess(time.monotonic() - begin, 1.5, "a waiting look-up held up another user")
            self.assertEqual(waiting.until("a ")[-1].split()[:3], ["a", "NO", "[UNAVAILABLE]"])
        self.site.slapd.resume()
        self.assert_back()


if __name__ == "__main__":
    unittest.main()
