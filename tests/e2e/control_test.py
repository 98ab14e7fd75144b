"""mmpctl and mmpd as an operator types them."""

import json
import os
import unittest

from testbed import BIN, Instance, Site, run, wait_until, write_file


class Control(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()
        cls.addClassCleanup(cls.site.close)
        cls.site.start()
        cls.mmp = cls.site.instance

    def test_lookup(self):
        done = self.mmp.ctl("lookup", "alice@example.com")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("alice@example.com", "example.com", "(mail=alice@example.com)", "127.0.0.11"):
            self.assertIn(words, done.stdout)

    def test_lookup_of_nobody(self):
        done = self.mmp.ctl("lookup", "nobody@example.com")
        self.assertEqual(done.returncode, 1)
        self.assertIn("(mail=nobody@example.com)", done.stdout)

    def test_lookup_json(self):
        done = self.mmp.ctl("--json", "lookup", "bob@example.com")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("127.0.0.12", json.dumps(json.loads(done.stdout)))

    def test_status(self):
        done = self.mmp.ctl("status")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("ImapProxyAService@", done.stdout)
        self.assertIn("PopProxyAService@", done.stdout)
        status = self.mmp.status()
        self.assertEqual(len(status["workers"]), 4)
        self.assertEqual({w["state"] for w in status["workers"]}, {"ready"})
        for worker in status["workers"]:
            self.assertTrue(os.path.exists(f"/proc/{worker['pid']}"))
            self.assertGreater(worker["memory_bytes"], 100_000)

    def test_status_counts_sessions(self):
        session = self.mmp.imap(self.site.alice)
        count = lambda: sum(worker["sessions"] for worker in self.mmp.status()["workers"])
        wait_until(lambda: count() == 1, "one session")
        session.logout()
        wait_until(lambda: count() == 0, "no session")

    def test_workers_are_unprivileged(self):
        # Only root can change user; an instance of somebody else's stays what it is.
        user = "65534" if os.getuid() == 0 else str(os.getuid())
        for worker in self.mmp.status()["workers"]:
            with open(f"/proc/{worker['pid']}/status", encoding="ascii") as file:
                fields = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            self.assertEqual(set(fields["Uid"].split()), {user})
            self.assertEqual(int(fields["CapEff"], 16), 0)
            if os.getuid() == 0:
                self.assertEqual(set(fields["Gid"].split()), {"65534"})
                self.assertLessEqual(set(fields["Groups"].split()), {"65534"})

    def test_check(self):
        done = self.mmp.ctl("check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        document = json.loads(self.mmp.ctl("--json", "check").stdout)
        self.assertTrue(document["ok"])

    def test_bad_arguments(self):
        self.assertEqual(self.mmp.ctl("no-such-command").returncode, 2)
        self.assertEqual(self.mmp.ctl("lookup").returncode, 2)


class NotRunning(unittest.TestCase):
    def setUp(self):
        self.mmp = Instance("ldif:users.ldif")
        self.addCleanup(self.mmp.close)
        write_file(self.mmp.path("users.ldif"), "")
        self.mmp.write_configuration()

    def mmpd(self, *arguments):
        return run([os.path.join(BIN, "mmpd"), "-d", self.mmp.directory, *arguments])

    def test_status(self):
        self.assertEqual(self.mmp.ctl("status").returncode, 3)
        self.assertEqual(self.mmp.control_script("status").returncode, 3)

    def test_check_needs_no_running_instance(self):
        self.assertEqual(self.mmp.ctl("check").returncode, 0)
        self.assertEqual(self.mmpd("--check").returncode, 0)

    def test_check_names_file_line_and_option(self):
        self.mmp.options["LdapCacheSize"] = "many"
        self.mmp.options["LdapCacheTTI"] = "5"
        self.mmp.write_configuration()
        for done in (self.mmp.ctl("check"), self.mmpd("--check")):
            text = done.stdout + done.stderr
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(text, r"ImapProxyAService\.cfg:\d+: LdapCacheSize: ")
            self.assertRegex(text, r"ImapProxyAService\.cfg:\d+: LdapCacheTTI: .*LdapCacheTTL")
        document = json.loads(self.mmp.ctl("--json", "check").stdout)
        self.assertFalse(document["ok"])
        self.assertIn("LdapCacheSize", [d["option"] for d in document["diagnostics"]])

    def test_bad_value_starts_nothing(self):
        self.mmp.options["LdapCacheSize"] = "many"
        self.mmp.write_configuration()
        self.assertNotEqual(self.mmpd("--foreground").returncode, 0)

    def test_nothing_to_start(self):
        write_file(self.mmp.path("AService.cfg"), "default:ServiceList NoSuchService@12345\n")
        done = self.mmpd("--foreground")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("NoSuchService", done.stdout + done.stderr)

    def test_port_in_use(self):
        with Site() as site:
            self.mmp.imap_port = site.instance.imap_port
            self.mmp.write_configuration()
            done = self.mmpd("--foreground")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(str(self.mmp.imap_port), done.stdout + done.stderr)
            site.instance.imap(site.alice).logout()


class TwoInstances(unittest.TestCase):
    def test_do_not_see_each_other(self):
        with Site() as one, Site() as other:
            pids = [{w["pid"] for w in s.instance.status()["workers"]} for s in (one, other)]
            self.assertFalse(pids[0] & pids[1])
            one.instance.stop()
            other.instance.imap(other.alice).logout()


if __name__ == "__main__":
    unittest.main()
