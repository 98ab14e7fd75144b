"""Hosted and virtual domains in front of real stores. One table of names is asked of a slapd and of
the same entries in a file, by IMAP and by POP."""

import imaplib
import json
import poplib
import unittest

from domain_site import (
    DC_ROOT, DOMAIN_STATUS, ONE, STATUSES, USER_STATUS, domain_instance, domain_slapd, site_ldif,
)
from testbed import (
    HOST, PASSWORD, STORE_HOSTS, Client, Dovecot, free_port, message, write_file,
)

# How a login ends: for the mailbox that the client sees, "its name at the store, the store".
WRONG, LATER = "no such user or password", "try again later"
JOE_ONE = f"joe@one.example, {STORE_HOSTS[0]}"
JIM_ONE = f"jim@one.example, {STORE_HOSTS[1]}"
JOE_TWO = f"joe_two.example, {STORE_HOSTS[1]}"
NEAR = f"near@one.example, {STORE_HOSTS[0]}"
VIRTUAL = "127.0.0.2"


def imap_outcome(mmp, user, password=PASSWORD, host=HOST):
    connection = imaplib.IMAP4(host, mmp.imap_port, 40)
    try:
        quoted = user.replace("\\", "\\\\")  # which imaplib does for passwords only
        connection.login(f'"{quoted}"', password)
        connection.select("INBOX", readonly=True)
        return subject_of(connection.fetch("1", "(RFC822.HEADER)")[1][0][1])
    except imaplib.IMAP4.error as error:
        return {"AUTHENTICATIONFAILED": WRONG, "UNAVAILABLE": LATER}[code_of(str(error))]
    finally:
        connection.shutdown()


def pop_outcome(mmp, user, password=PASSWORD, host=HOST):
    connection = poplib.POP3(host, mmp.pop3_port, 40)
    try:
        connection.user(user)
        connection.pass_(password)
        return subject_of(b"\r\n".join(connection.top(1, 0)[1]))
    except poplib.error_proto as error:
        return {"AUTH": WRONG, "SYS/TEMP": LATER}[code_of(str(error))]
    finally:
        connection.close()


def subject_of(header):
    (line,) = (x for x in header.decode().split("\r\n") if x.startswith("Subject: "))
    return line.partition(" ")[2]


def code_of(answer):
    return answer.partition("[")[2].partition("]")[0]


def raw_imap_answer(mmp, user):
    """The tagged answer to a LOGIN with a name of any bytes."""
    with Client(mmp.imap_port, timeout=40) as client:
        client.line()
        client.send(b"a LOGIN {%d+}\r\n%s secret\r\n" % (len(user), user))
        return client.until("a ")[-1]


def raw_pop_answer(mmp, user):
    with Client(mmp.pop3_port, timeout=40) as client:
        client.line()
        client.send(b"USER " + user + b"\r\nPASS secret\r\n")
        return client.line(), client.line()


def steps_of(mmp, *arguments):
    """Whether a lookup finds a store, and what it says on the way."""
    done = mmp.ctl("--json", "lookup", *arguments)
    document = json.loads(done.stdout)
    return document["found"], [(step["what"], step["value"]) for step in document["steps"]]


def status_outcomes():
    """What docs/directory.md says of each value."""
    good = {"active", "overquota"}
    for status in STATUSES:
        later_for_domain = status in ("hold", "inactive")
        later_for_user = later_for_domain or status in ("defer", "defer-submit")
        for name in DOMAIN_STATUS:
            outcome = LATER if later_for_domain else WRONG
            user = f"joe@{name}-{status}.example"
            yield user, f"{user.lower()}, {STORE_HOSTS[0]}" if status in good else outcome
        for name in USER_STATUS:
            outcome = LATER if later_for_user else WRONG
            user = f"{name}-{status}@one.example".lower()
            yield user, f"{user}, {STORE_HOSTS[0]}" if status in good else outcome


class Stores(unittest.TestCase):
    """Two Dovecots with mailboxes for all who may come, and a directory in two shapes."""

    BOXES = (
        (JOE_ONE, JIM_ONE, JOE_TWO, NEAR),
        tuple(box for _, box in status_outcomes() if box not in (WRONG, LATER)),
        tuple(
            f"{box}, {STORE_HOSTS[0]}"
            for box in ("joe@else.example", "imaponly@one.example", "poponly@one.example",
                        "joe_sep.example@one.example")
        ),
    )

    @classmethod
    def setUpClass(cls):
        cls.ports = free_port(), free_port()
        names = [box.split(", ") for group in cls.BOXES for box in group]
        for host in STORE_HOSTS:
            users = [name for name, store in names if store == host]
            store = Dovecot(users, host, *cls.ports)
            cls.addClassCleanup(store.close)
            for user in users:
                store.deliver(user, message(user, f"{user}, {host}"))
            store.start()
        cls.slapd = domain_slapd(site_ldif())
        cls.addClassCleanup(cls.slapd.close)
        cls.slapd.start()

    @classmethod
    def started(cls, by_ldap, **options):
        """An instance that asks slapd, or the file."""
        mmp = domain_instance(cls.slapd.url if by_ldap else "ldif:users.ldif", cls.ports, **options)
        cls.addClassCleanup(mmp.close)
        write_file(mmp.path("users.ldif"), site_ldif())
        mmp.start()
        return mmp

    def check(self, mmp, table):
        for user, *expected in table:
            by_imap, by_pop = expected if len(expected) == 2 else expected * 2
            with self.subTest(user=user, url=mmp.options["LdapUrl"]):
                self.assertEqual(imap_outcome(mmp, user), by_imap)
                self.assertEqual(pop_outcome(mmp, user), by_pop)


class Schema2(Stores):
    NAMES = (
        # user, what becomes of it by IMAP, and by POP where that differs
        ("joe@one.example", JOE_ONE),
        ("jim@one.example", JIM_ONE),
        ("JOE@ONE.Example", JOE_ONE),
        ("joe@uno.example", JOE_ONE),
        ("joe@eins.example", JOE_ONE),
        ("joe@two.example", JOE_TWO, WRONG),
        ("jim@two.example", WRONG),
        ("joe@zwei.example", WRONG),
        ("joe@else.example", f"joe@else.example, {STORE_HOSTS[0]}"),
        ("joe@far.example", WRONG),
        ("joe@nowhere.example", WRONG),
        ("joe@twice.example", WRONG),
        ("joe@broken.example", LATER),
        ("nobody@one.example", WRONG),
        ("twin@one.example", WRONG),
        ("homeless@one.example", LATER),
        ("imaponly@one.example", f"imaponly@one.example, {STORE_HOSTS[0]}", WRONG),
        ("poponly@one.example", WRONG, f"poponly@one.example, {STORE_HOSTS[0]}"),
        ("near@one.example", NEAR),
        ("near@uno.example", NEAR),
        ("near@far.example", WRONG),
        ("abroad@one.example", WRONG),
        ("tlsonly@one.example", WRONG),
        ("ident@one.example", LATER),
        ("mistake@one.example", LATER),
        # Filter characters are just characters.
        ("*@one.example", WRONG),
        ("j*@one.example", WRONG),
        ("a*d@one.example", WRONG),
        ("joe)(uid=*@one.example", WRONG),
        ("*)(|(uid=*@one.example", WRONG),
        ("jo\\65@one.example", WRONG),
        ("joe@*", WRONG),
        ("joe@*.example", WRONG),
        ("joe@one.example)(o=*", WRONG),
        ("joe@two.example))(|(o=*", WRONG),
        ("joe@one\\2eexample", WRONG),
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.both = [cls.started(by_ldap) for by_ldap in (False, True)]

    def test_names(self):
        for mmp in self.both:
            self.check(mmp, self.NAMES)
            # Again, from the cache.
            self.check(mmp, self.NAMES[:8])

    def test_every_status(self):
        for mmp in self.both:
            self.check(mmp, status_outcomes())
            of_user = "user 'mailuserstatus-hold@one.example' mailUserStatus: 'hold'"
            of_domain = "domain 'inetdomainstatus-hold.example' inetDomainStatus: 'hold'"
            for why in (of_user, of_domain):
                mmp.await_log(["ImapProxy", why])
                mmp.await_log(["PopProxy", why])

    def test_bytes_that_no_name_has(self):
        """Not one of them may reach the store, end the worker, or be a fault of the directory."""
        names = (
            b"joe\xff@one.example", b"joe@one.example\xff", b"\xc0\xaajoe@one.example",
            b"jo\xed\xa0\x80e@one.example", b"joe@one.\xc3", b"\xf5\x80\x80\x80@one.example",
            "jöe@one.example".encode(), "joe@öne.example".encode(), b"joe\x7f@one.example",
            b"joe\x01@one.example", b"x" * 400 + b"@one.example",
            b"joe@" + b"x." * 200 + b"example",
        )
        with_nul = b"joe\0@one.example", b"joe@one.example\0", b"\0", b"joe@one\0.example"
        for mmp in self.both:
            for name in names:
                with self.subTest(name=name, url=mmp.options["LdapUrl"]):
                    self.assertIn("AUTHENTICATIONFAILED", raw_imap_answer(mmp, name))
                    self.assertIn("-ERR [AUTH]", " ".join(raw_pop_answer(mmp, name)))
            for name in with_nul:
                with self.subTest(name=name, url=mmp.options["LdapUrl"]):
                    self.assertRegex(raw_imap_answer(mmp, name), "^a (NO|BAD)")
                    self.assertIn("-ERR", " ".join(raw_pop_answer(mmp, name)))
            self.assertEqual({w["restarts"] for w in mmp.status()["workers"]}, {0})
            self.check(mmp, self.NAMES[:1])

    def test_lookups_are_alike(self):
        by_ldif, by_ldap = self.both
        for user in [row[0] for row in self.NAMES] + [user for user, _ in status_outcomes()]:
            with self.subTest(user=user):
                (found, one), (found_too, other) = (
                    steps_of(mmp, user, "--client-ip", HOST) for mmp in (by_ldif, by_ldap)
                )
                self.assertEqual(found, found_too)
                self.assertEqual(self.portable(one), self.portable(other))

    @staticmethod
    def portable(steps):
        """Where the answer came from differs. So do the words of what slapd does not take."""
        return [step for step in steps if not step[0].endswith("answer from") and step[0] != "base"]

    def test_lookup_explains(self):
        for mmp in self.both:
            found, steps = steps_of(mmp, "near@one.example", "--client-ip", "127.0.0.9")
            self.assertTrue(found, steps)
            says = dict(steps)
            self.assertEqual(says["domain entry"], ONE)
            self.assertEqual(says["entry"], f"uid=near,{ONE}")
            self.assertEqual(says["connections allowed"], "any number")
            self.assertEqual(says["held for"], "0 s")
            self.assertEqual(says["filter of user near@one.example"], "+imap,pop:127.")
            self.assertEqual(says["filter of user near@one.example says"], "yes")
            self.assertEqual(says["replay name"], "near@one.example")
            self.assertEqual(says["store"], f"{STORE_HOSTS[0]}:{self.ports[0]}")
            for user, client, words in (
                ("near@one.example", "192.0.2.7", "filter of user near@one.example says"),
                ("joe@far.example", "127.0.0.9", "filter of domain far.example says"),
            ):
                found, steps = steps_of(mmp, user, "--client-ip", client)
                self.assertFalse(found)
                self.assertIn((words, "no"), steps)
            # A worker of the service that is asked answers for it.
            arguments = "joe@two.example", "--client-ip", "127.0.0.9"
            found, steps = steps_of(mmp, *arguments, "--service", "PopProxyAService")
            self.assertFalse(found)
            self.assertIn(("filter of domain zwei.example says", "no"), steps)
            text = mmp.ctl("lookup", *arguments)
            self.assertEqual(text.returncode, 0, text.stdout)
            for words in ("joe@zwei.example", "joe_two.example", "here, then by the store"):
                self.assertIn(words, text.stdout)
            for arguments in (
                ("joe@nowhere.example",), ("mailuserstatus-hold@one.example",),
                ("near@one.example", "--client-ip", "10.0.0.1"),
            ):
                self.assertEqual(mmp.ctl("lookup", *arguments).returncode, 1, arguments)

    def test_the_log_tells_why(self):
        for mmp in self.both:
            imap_outcome(mmp, "joe@unheard.example")
            mmp.await_log(["ImapProxy", "domain 'unheard.example' not found in LDAP (-1 )"])
            pop_outcome(mmp, "joe@two.example")
            mmp.await_log(["PopProxy", "joe@zwei.example failed", "filter of domain zwei.example"])


class DcTree(Stores):
    NAMES = (
        ("joe@tree.example", JOE_ONE),
        ("joe@baum.example", JOE_ONE),
        ("jim@Baum.Example", JIM_ONE),
        ("joe@sep.example", f"joe_sep.example@one.example, {STORE_HOSTS[0]}"),
        ("jim@sep.example", WRONG),
        ("joe@held.example", LATER),
        ("joe@loop.example", LATER),
        ("nobody@baum.example", WRONG),
        ("joe@*", WRONG),
        ("joe@tree.example,dc=x", WRONG),
        ("joe@one.example", WRONG),  # not of this tree
    )

    def test_schema_1_and_compatibility(self):
        for level in ("1", "1.5"):
            for by_ldap in (False, True):
                with self.subTest(level=level):
                    mmp = self.started(by_ldap, SchemaLevel=level, LDAP_DOMAIN_ROOT=f'"{DC_ROOT}"')
                    self.check(mmp, self.NAMES)
                    mmp.close()


class VirtualDomains(Stores):
    # The parameters as release 5.1 spelt them.
    VDMAP = f"""\
# The hosted site keeps its own rules.
vdmap sandpit {VIRTUAL}
vdmap sandpit 127.0.0.3
sandpit:VDomain two.example
sandpit:LdapURL {{url}}
sandpit:BindDN ""
sandpit:BindPass ""
sandpit:AuthCacheSize 100
sandpit:AuthCacheSizeTTL 60
sandpit:LdapCacheSize 100
sandpit:LdapCacheTTL 60
sandpit:DomainDelim @+
sandpit:CanonicalVirtual @
sandpit:HostedDomains yes
sandpit:MailHostAttrs mailHost
sandpit:PreAuth no
sandpit:CRAMs no
sandpit:StoreAdmin storeadmin
sandpit:StoreAdminPass admin-secret
vdmap tarpit 127.0.0.4
tarpit:HostedDomains no
tarpit:SearchFormat (mail=%U@one.example)
tarpit:ReplayFormat %A[mail]
tarpit:VDomain other.example
vdmap closed 127.0.0.5
closed:TCPAccess -ALL:127.0.0.1
"""
    # local address, user, what becomes of it by IMAP, and by POP where that differs
    NAMES = (
        (HOST, "joe", JOE_ONE),
        (HOST, "joe@two.example", JOE_TWO, WRONG),
        (HOST, "joe+two.example", WRONG),
        (VIRTUAL, "joe", JOE_TWO, WRONG),
        (VIRTUAL, "joe@one.example", JOE_ONE),
        (VIRTUAL, "joe+one.example", JOE_ONE),
        (VIRTUAL, "jim", WRONG),
        ("127.0.0.3", "joe", JOE_TWO, WRONG),
        ("127.0.0.4", "joe", JOE_ONE),
        ("127.0.0.4", "jim@nowhere.example", JIM_ONE),
        ("127.0.0.4", "nobody", WRONG),
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.both = [cls.with_vdmap(by_ldap) for by_ldap in (False, True)]

    @classmethod
    def with_vdmap(cls, by_ldap):
        url = cls.slapd.url if by_ldap else "ldif:users.ldif"
        mmp = domain_instance(
            url, cls.ports, VirtualDomainFile="vdmap.cfg", DefaultDomain="one.example"
        )
        cls.addClassCleanup(mmp.close)
        write_file(mmp.path("users.ldif"), site_ldif())
        write_file(mmp.path("vdmap.cfg"), cls.VDMAP.format(url=url))
        services = (("Imap", mmp.imap_port), ("Pop", mmp.pop3_port))
        mmp.process_options["ServiceList"] = " ".join(
            f"{name}ProxyAService@" + "|".join(f"127.0.0.{n}:{port}" for n in range(1, 6))
            for name, port in services
        )
        mmp.start()
        return mmp

    def test_by_local_address(self):
        for mmp in self.both:
            for address, user, *expected in self.NAMES:
                with self.subTest(address=address, user=user, url=mmp.options["LdapUrl"]):
                    self.assertEqual(imap_outcome(mmp, user, host=address), expected[0])
                    self.assertEqual(pop_outcome(mmp, user, host=address), expected[-1])

    def test_a_filter_of_one_address(self):
        for mmp in self.both:
            for module, port in ((imaplib.IMAP4, mmp.imap_port), (poplib.POP3, mmp.pop3_port)):
                with self.assertRaises((imaplib.IMAP4.abort, poplib.error_proto, OSError)):
                    module("127.0.0.5", port, 20)
            found, steps = steps_of(mmp, "joe", "--local-ip", "127.0.0.5", "--client-ip", HOST)
            self.assertFalse(found)
            self.assertIn(("TCPAccess says", "no"), steps)

    def test_lookup_by_local_address(self):
        for mmp in self.both:
            for address, name, canonical in (
                (HOST, "none", "joe@one.example"), (VIRTUAL, "sandpit", "joe@zwei.example"),
                ("127.0.0.3", "sandpit", "joe@zwei.example"), ("127.0.0.4", "tarpit", None),
            ):
                found, steps = steps_of(mmp, "joe", "--local-ip", address, "--client-ip", HOST)
                self.assertTrue(found, steps)
                self.assertIn(("virtual domain", name), steps)
                if canonical:
                    self.assertIn(("canonical name", canonical), steps)

    def test_check_has_nothing_to_say(self):
        for mmp in self.both:
            done = mmp.ctl("check")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("ok: 0 errors, 0 warnings, 0 notes", done.stdout)


if __name__ == "__main__":
    unittest.main()
