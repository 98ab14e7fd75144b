"""Each user finds the own mail through one address: every client, every way to log in."""

import base64
import hashlib
import os
import tempfile
import unittest

from testbed import HOST, PASSWORD, Client, Site, message, run, write_file


def plain(user, password=PASSWORD):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class Delivery:
    """The cases; the classes below run them with either kind of directory."""

    with_slapd = False

    @classmethod
    def setUpClass(cls):
        cls.site = Site(cls.with_slapd)
        cls.addClassCleanup(cls.site.close)
        cls.site.start()
        cls.mmp = cls.site.instance
        cls.users = list(cls.site.store_of)

    def imap_client(self):
        client = Client(self.mmp.imap_port)
        self.addCleanup(client.close)
        self.assertTrue(client.line().startswith("* OK "))
        return client

    def pop_client(self):
        client = Client(self.mmp.pop3_port)
        self.addCleanup(client.close)
        self.assertTrue(client.line().startswith("+OK"))
        return client

    def test_imaplib(self):
        for user in self.users:
            connection = self.mmp.imap(user)
            connection.select("INBOX", readonly=True)
            text = connection.fetch("1", "(BODY.PEEK[])")[1][0][1].decode()
            connection.logout()
            self.assertIn(f"Subject: mail of {user}\r\n", text)

    def test_poplib(self):
        for user in self.users:
            connection = self.mmp.pop(user)
            self.assertEqual(connection.stat()[0], 1)
            lines = connection.retr(1)[1]
            connection.quit()
            self.assertIn(f"Subject: mail of {user}".encode(), lines)

    def test_curl_imap(self):
        for user in self.users:
            for extra in ([], ["--sasl-ir"]):
                url = f"imap://{HOST}:{self.mmp.imap_port}/INBOX;MAILINDEX=1"
                done = run(["curl", "-sS", "-m", "20", "-u", f"{user}:{PASSWORD}", *extra, url])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"Subject: mail of {user}\n", done.stdout)

    def test_curl_pop3(self):
        for user in self.users:
            for extra in ([], ["--sasl-ir"]):
                url = f"pop3://{HOST}:{self.mmp.pop3_port}/1"
                done = run(["curl", "-sS", "-m", "20", "-u", f"{user}:{PASSWORD}", *extra, url])
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"Subject: mail of {user}\n", done.stdout)

    def test_mbsync(self):
        for user in self.users:
            with tempfile.TemporaryDirectory(dir="/tmp") as folder:
                self.mbsync(user, folder)
                names = [os.path.join(folder, "inbox", part, name) for part in ("new", "cur")
                         for name in os.listdir(os.path.join(folder, "inbox", part))]
                self.assertEqual(len(names), 1)
                with open(names[0], encoding="ascii") as file:
                    self.assertIn(f"Subject: mail of {user}\n", file.read())

    def mbsync(self, user, folder):
        config = os.path.join(folder, "mbsyncrc")
        write_file(config, f"""\
IMAPAccount far
Host {HOST}
Port {self.mmp.imap_port}
User {user}
Pass {PASSWORD}
SSLType None
AuthMechs LOGIN

IMAPStore far
Account far

MaildirStore near
Inbox {folder}/inbox

Channel all
Far :far:
Near :near:
Create Near
Sync Pull
SyncState *
""")
        done = run(["mbsync", "-c", config, "all"])
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_imap_pipelined_behind_login(self):
        for user in self.users:
            client = self.imap_client()
            client.send(f"a LOGIN {user} {PASSWORD}\r\nb EXAMINE INBOX\r\n"
                        "c FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\nd NOOP\r\ne LOGOUT\r\n")
            lines = client.rest().decode().split("\r\n")
            answers = [line for line in lines if line[1:2] == " " and line[0] in "abcde"]
            self.assertEqual([line.split()[:2] for line in answers],
                             [[tag, "OK"] for tag in "abcde"])
            self.assertIn(f"Subject: mail of {user}", lines)

    def test_pop_pipelined_behind_pass(self):
        for user in self.users:
            client = self.pop_client()
            client.send(f"USER {user}\r\nPASS {PASSWORD}\r\nSTAT\r\nTOP 1 0\r\nQUIT\r\n")
            lines = client.rest().decode().split("\r\n")
            self.assertEqual(len([line for line in lines if line.startswith("+OK")]), 5, lines)
            self.assertIn(f"Subject: mail of {user}", lines)

    def test_imap_one_byte_at_a_time(self):
        client = self.imap_client()
        for byte in f"a LOGIN {self.site.bob} {PASSWORD}\r\nb LOGOUT\r\n":
            client.send(byte)
        self.assertTrue(client.until("a ")[-1].startswith("a OK"))
        self.assertTrue(client.until("b ")[-1].startswith("b OK"))

    def test_imap_literals(self):
        name, size = self.site.alice, len(self.site.alice)
        client = self.imap_client()
        client.send(f"a LOGIN {{{size}}}\r\n")
        self.assertTrue(client.line().startswith("+"))
        client.send(f"{name} {{{len(PASSWORD)}}}\r\n")
        self.assertTrue(client.line().startswith("+"))
        client.send(f"{PASSWORD}\r\n")
        self.assertTrue(client.until("a ")[-1].startswith("a OK"))
        client = self.imap_client()
        client.send(f"a LOGIN {{{size}+}}\r\n{name} {{{len(PASSWORD)}+}}\r\n{PASSWORD}\r\n")
        self.assertTrue(client.until("a ")[-1].startswith("a OK"))

    def test_imap_authenticate_plain(self):
        client = self.imap_client()
        client.send("a AUTHENTICATE PLAIN\r\n")
        self.assertTrue(client.line().startswith("+"))
        client.send("*\r\n")
        self.assertRegex(client.line(), "^a (BAD|NO) ")
        client.send(f"b AUTHENTICATE PLAIN {plain(self.site.alice)}\r\n")
        self.assertTrue(client.until("b ")[-1].startswith("b OK"))
        client = self.imap_client()
        client.send("a AUTHENTICATE PLAIN\r\n")
        self.assertTrue(client.line().startswith("+"))
        client.send(plain(self.site.bob) + "\r\n")
        self.assertTrue(client.until("a ")[-1].startswith("a OK"))

    def test_pop_auth_plain(self):
        client = self.pop_client()
        client.send(f"AUTH PLAIN {plain(self.site.alice)}\r\n")
        self.assertTrue(client.line().startswith("+OK"))
        client = self.pop_client()
        client.send("AUTH PLAIN\r\n")
        self.assertTrue(client.line().startswith("+"))
        client.send(plain(self.site.bob) + "\r\n")
        self.assertTrue(client.line().startswith("+OK"))

    def test_default_domain(self):
        connection = self.mmp.imap("bob")
        self.assertEqual(connection.select("INBOX", readonly=True), ("OK", [b"1"]))
        connection.logout()

    def test_capability_after_login_is_the_stores(self):
        client = self.imap_client()
        client.send("a CAPABILITY\r\n")
        before = client.until("a ")[0]
        self.assertIn("IMAP4rev1", before)
        client.send(f"b LOGIN {self.site.alice} {PASSWORD}\r\n")
        told = " ".join(client.until("b "))
        client.send("c CAPABILITY\r\n")
        asked = client.until("c ")[0].removeprefix("* CAPABILITY ")
        self.assertIn("THREAD=REFERENCES", asked)
        self.assertNotIn("THREAD=REFERENCES", before)
        self.assertIn(asked, told)


class DeliveryByLdif(Delivery, unittest.TestCase):
    pass


class DeliveryBySlapd(Delivery, unittest.TestCase):
    with_slapd = True


class BigMessages(unittest.TestCase):
    """Twenty megabytes through the relay, in both directions, byte for byte."""

    SIZE = 20 * 1024 * 1024

    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.close)
        self.site.start()
        lines = base64.encodebytes(os.urandom(self.SIZE * 3 // 4)).replace(b"\n", b"\r\n")
        self.data = message(self.site.alice, "big", "") + lines

    def digest(self, data):
        return hashlib.sha256(data).hexdigest()

    def test_append_fetch_and_retr(self):
        alice = self.site.alice
        imap = self.site.instance.imap(alice, timeout=120)
        self.assertEqual(imap.append("INBOX", None, None, self.data)[0], "OK")
        imap.select("INBOX", readonly=True)
        fetched = imap.fetch("2", "(BODY.PEEK[])")[1][0][1]
        self.assertEqual(self.digest(fetched), self.digest(self.data))
        imap.logout()
        pop = self.site.instance.pop(alice, timeout=120)
        retrieved = b"\r\n".join(pop.retr(2)[1]) + b"\r\n"
        self.assertEqual(self.digest(retrieved), self.digest(self.data))
        pop.quit()


if __name__ == "__main__":
    unittest.main()
