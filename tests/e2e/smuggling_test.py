"""SMTP smuggling: no relay, strict or lax, ever takes for commands what was said within a message.

The variants are those of the public tools (CVE-2023-51764 and its kin). Each goes through the proxy
to a relay that ends a message at CRLF.CRLF alone and to one that takes whatever servers of the field
have taken; both record every byte.
"""

import unittest

from relays import StubRelay
from smtp_site import StubSite

# Instead of CRLF.CRLF: what one server passes as text and another takes for the end.
BARE = (
    b"\n.\n", b"\n.\r", b"\r.\n", b"\r.\r", b"\n.\r\n", b"\r.\r\n", b"\r\n\0.\r\n",
    b"\r\n.\r\r\n", b"\r\r\n.\r\r\n", b"\r\n.\n", b"\r\n.\r", b"\n\n.\r\n", b"\r\n.\0\r\n",
)
# Looks like an end and is none to anybody, or is one to everybody.
CLEAN = (b"\r\n..\r\n", b"\r\n.x\r\n", b"\r\n. \r\n", b"\r\n...\r\n.\t\r\n")
INNER = b"MAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nSubject: evil\r\n\r\n"


class SmugglingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.relays = {"strict": StubRelay(), "lax": StubRelay(lax=True)}
        cls.sites = {}
        try:
            for name, relay in cls.relays.items():
                cls.sites[name, "reject"] = StubSite(relay).__enter__()
                cls.sites[name, "normalize"] = StubSite(relay, BareNewline="normalize").__enter__()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        for site in cls.sites.values():
            site.close()

    def cases(self, rule):
        for name, relay in self.relays.items():
            yield name, relay, self.sites[name, rule]

    def begin(self, client):
        client.begin()
        client.send("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n")
        self.assertEqual([client.reply()[:3] for _ in range(3)], ["250", "250", "354"])

    def last(self, relay):
        return relay.sessions[-1]

    def assert_no_evil_command(self, relay):
        for session in relay.sessions:
            for command in session.commands:
                self.assertNotIn(b"evil", command)
            for mail in session.mails:
                self.assertNotIn(b"evil", mail.sender)

    def test_bare_newlines_are_refused(self):
        for name, relay, site in self.cases("reject"):
            for variant in BARE:
                for split in (False, True):
                    with self.subTest(relay=name, variant=variant, split=split):
                        self.refuse(relay, site, variant, split)

    def refuse(self, relay, site, variant, split):
        with site.client() as client:
            self.begin(client)
            mails = len(relay.mails())
            data = b"Subject: x\r\n\r\ntext" + variant + INNER + b"x\r\n.\r\n"
            pieces = [data[i:i + 1] for i in range(len(data))] if split else [data]
            for piece in pieces:
                client.send(piece)
            reply = client.reply()
            self.assertTrue(reply.startswith("521 5.5.2"), reply)
            self.assertEqual(client.rest(), b"")
        self.assertEqual(len(relay.mails()), mails)
        self.assert_no_evil_command(relay)

    def test_bare_newlines_are_normalized(self):
        """Nobody's end is in it any more but the true one, and both relays see one message."""
        for name, relay, site in self.cases("normalize"):
            for variant in BARE:
                with self.subTest(relay=name, variant=variant), site.client() as client:
                    self.begin(client)
                    mails = len(relay.mails())
                    client.send(b"Subject: x\r\n\r\ntext" + variant + INNER + b"x\r\n.\r\n")
                    self.assertEqual(client.reply()[:3], "250")
                    self.assertEqual(client.ask("NOOP")[:3], "250")
                    self.assertEqual(client.ask("QUIT")[:3], "221")
                    self.assertEqual(len(relay.mails()), mails + 1)
                    mail = relay.mails()[-1]
                    self.assertEqual(mail.end, b"\r\n.\r\n")
                    self.assertNotRegex(mail.data, rb"(?<!\r)\n|\r(?!\n)|\0")
                    self.assert_no_evil_command(relay)

    def test_clean_messages_pass_unchanged(self):
        for rule in ("reject", "normalize"):
            for name, relay, site in self.cases(rule):
                for variant in CLEAN:
                    with self.subTest(rule, relay=name, variant=variant), site.client() as client:
                        self.begin(client)
                        data = b"Subject: x\r\n\r\ntext" + variant + INNER + b"x"
                        client.send(data + b"\r\n.\r\n")
                        self.assertEqual(client.reply()[:3], "250")
                        self.assertEqual(relay.mails()[-1].data, data)
                        self.assert_no_evil_command(relay)

    def test_every_split_of_the_end(self):
        for name, relay, site in self.cases("reject"):
            for at in range(6):
                with self.subTest(relay=name, at=at), site.client() as client:
                    self.begin(client)
                    data = b"x\r\n.\r\n"
                    client.send(data[:at])
                    client.send(data[at:] + b"NOOP\r\n")
                    self.assertEqual([client.reply()[:3] for _ in range(2)], ["250", "250"])
                    self.assertEqual(relay.mails()[-1].data, b"x")
                    self.assertEqual(self.last(relay).verbs()[-1], "NOOP")

    def test_empty_message(self):
        for name, relay, site in self.cases("reject"):
            with self.subTest(relay=name), site.client() as client:
                self.begin(client)
                client.send(b".\r\n")
                self.assertEqual(client.reply()[:3], "250")
                self.assertEqual(relay.mails()[-1].data, b"")

    def test_chunks_are_never_looked_into(self):
        body = b"Subject: x\r\n\r\ntext" + b"".join(BARE) + INNER + b".\r\n"
        for name, relay, site in self.cases("reject"):
            for sizes in ([len(body)], [0, len(body)], [1, 7, len(body) - 8, 0]):
                with self.subTest(relay=name, sizes=sizes), site.client() as client:
                    client.begin()
                    client.send("MAIL FROM:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\n")
                    self.assertEqual([client.reply()[:3] for _ in range(2)], ["250", "250"])
                    at, text = 0, b""
                    for i, size in enumerate(sizes):
                        last = b" LAST" if i == len(sizes) - 1 else b""
                        text += b"BDAT %d%s\r\n" % (size, last) + body[at:at + size]
                        at += size
                    client.send(text + b"NOOP\r\n")
                    self.assertEqual([client.reply()[:3] for _ in range(len(sizes) + 1)],
                                     ["250"] * (len(sizes) + 1))
                    self.assertEqual(relay.mails()[-1].data, body)
                    self.assert_no_evil_command(relay)

    def test_commands_behind_starttls_are_nobodys(self):
        """Without TLS here STARTTLS is refused, and what follows is a command like any other."""
        site = self.sites["strict", "reject"]
        with site.client() as client:
            client.begin(logged_in=False)
            client.send("STARTTLS\r\nNOOP\r\n")
            self.assertEqual([client.reply()[:3] for _ in range(2)], ["502", "250"])


if __name__ == "__main__":
    unittest.main()
