"""Whatever code a relay answers with, at whatever step: where it can be meant the client hears it as
it is, and never that something was taken which was not."""

import unittest

from relays import StubRelay
from smtp_site import SmtpClient, StubSite

# The one yes of a step; of the others each 2xx is one.
FINE = {"AUTH": 235, "DATA": 354}
CODES = (211, 235, 250, 252, 334, 354, 421, 432, 450, 451, 452, 454, 455, 500, 501, 502, 503, 504,
         521, 530, 534, 535, 538, 550, 551, 552, 553, 554, 555, 556)


class ReplyCodesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.relay = StubRelay()
        cls.site = StubSite(cls.relay)
        cls.site.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.site.close()

    def with_every_code(self, step, before, then):
        """`before` leads a client to where the relay answers `step` by each code; `then` goes on."""
        usual = dict(self.relay.replies)
        for code in CODES:
            with self.subTest(step=step, code=code), self.site.client() as client:
                before(client)
                self.relay.replies[step] = b"%d so it is\r\n" % code
                try:
                    then(code, client)
                finally:
                    self.relay.replies.clear()
                    self.relay.replies.update(usual)

    def logged_in(self, client):
        client.begin()

    def with_sender(self, client):
        self.logged_in(client)
        self.assertEqual(client.ask("MAIL FROM:<a@b>")[:3], "250")

    def with_recipient(self, client):
        self.with_sender(client)
        self.assertEqual(client.ask("RCPT TO:<c@d>")[:3], "250")

    def with_go_ahead(self, client):
        self.with_recipient(client)
        self.assertEqual(client.ask("DATA")[:3], "354")

    def check(self, step, code, client, answer, nonsense="421 4.3.0"):
        """Refusals and the yes of this step come as they are, `nonsense` in place of the rest."""
        is_yes = code < 300 if step not in FINE else code == FINE[step]
        if code < 400 and not is_yes:
            self.assertTrue(answer.startswith(nonsense), answer)
            return
        self.assertEqual(answer, f"{code} so it is")
        if code == 421:
            self.assertEqual(client.rest(), b"")
        elif code > 421:
            self.relay.replies["NOOP"] = b"250 still here\r\n"
            self.assertEqual(client.ask("NOOP"), "250 still here")

    def test_commands(self):
        for step, command, before in (
            ("MAIL", "MAIL FROM:<a@b>", self.logged_in),
            ("RCPT", "RCPT TO:<c@d>", self.with_sender),
            ("DATA", "DATA", self.with_recipient),
            ("RSET", "RSET", self.with_sender),
            ("VRFY", "VRFY c", self.logged_in),
            ("HELP", "HELP", self.logged_in),
        ):
            self.with_every_code(step, before, lambda code, client:
                                 self.check(step, code, client, client.ask(command)))

    def test_auth(self):
        def then(code, client):
            answer = client.log_in()
            if code == 334:
                self.assertEqual(answer, "334 so it is")
                self.assertEqual(client.ask("eA=="), "235 2.7.0 welcome")
                return
            self.check("AUTH", code, client, answer, nonsense="454 4.7.0")
            if code not in (235, 421):
                self.assertEqual(client.ask("MAIL FROM:<a@b>")[:3], "530")

        self.with_every_code("AUTH", lambda client: client.begin(logged_in=False), then)

    def test_message(self):
        def then(code, client):
            client.send("Subject: x\r\n\r\nx\r\n.\r\n")
            self.check("MESSAGE", code, client, client.reply(), nonsense="451 4.4.2")

        self.with_every_code("MESSAGE", self.with_go_ahead, then)

    def test_chunks(self):
        for step, last in (("BDAT", ""), ("MESSAGE", " LAST")):
            def then(code, client):
                client.send(f"BDAT 3{last}\r\nx\r\n")
                self.check(step, code, client, client.reply(), nonsense="451 4.4.2")

            self.with_every_code(step, self.with_recipient, then)

    def test_greeting(self):
        """Whoever does not greet with 220 is not used, and here there is no other."""
        self.with_every_code("GREETING", SmtpClient.reply, lambda _, client: self.assertTrue(
            client.ask("EHLO x").startswith("421 4.3.2")))

    def test_ehlo(self):
        """Who does not know EHLO is asked by HELO; who does not want us is not used."""
        def then(code, client):
            wanted = "250" if code in (250, 500, 501, 502, 503, 504, 535) else "421 4.3.2"
            self.assertTrue(client.ask("EHLO x").startswith(wanted))

        self.with_every_code("EHLO", SmtpClient.reply, then)


if __name__ == "__main__":
    unittest.main()
