"""What protects the other services protects submission, too."""

import json
import unittest

from relays import StubRelay
from smtp_site import SmtpClient
from testbed import HOST, Instance, ldif, wait_until, write_file

USER = "alice@example.com"


class SmtpLimitsTest(unittest.TestCase):
    def start(self, relay, **smtp):
        mmp = Instance("ldif:users.ldif")
        self.addCleanup(mmp.close)
        write_file(mmp.path("users.ldif"), ldif({USER: HOST}))
        mmp.enable_smtp(relay.name)
        mmp.smtp_options.update(smtp)
        # Several workers may greet one too many before they have told each other, and end it then.
        mmp.process_options["NumThreads"] = "1"
        mmp.start()
        return mmp

    def relay(self, **options):
        relay = StubRelay(**options)
        self.addCleanup(relay.stop)
        return relay

    def badness(self, mmp):
        document = json.loads(mmp.ctl("--json", "badguys").stdout)
        return {row["address"]: row["badness"] for row in document["bad_guys"]}.get(HOST, 0)

    def guess(self, mmp):
        with SmtpClient(mmp.smtp_port) as client:
            client.begin(logged_in=False)
            self.assertEqual(client.log_in(USER, "wrong")[:3], "535")

    def test_a_guess_makes_a_bad_guy_whoever_checks_it(self):
        refuses = self.relay(replies={"AUTH": b"535 5.7.8 no\r\n"})
        for relay, pre_auth in ((refuses, "no"), (self.relay(), "yes")):
            with self.subTest(pre_auth=pre_auth):
                mmp = self.start(relay, PreAuth=pre_auth, BGPenalty=1)
                self.assertEqual(self.badness(mmp), 0)
                self.guess(mmp)
                wait_until(lambda mmp=mmp: self.badness(mmp), "the address is one")

    def test_what_is_no_guess_makes_none(self):
        mmp = self.start(self.relay(replies={"AUTH": b"454 4.7.0 later\r\n"}), BGPenalty=1)
        with SmtpClient(mmp.smtp_port) as client:
            client.begin(logged_in=False)
            self.assertEqual(client.log_in()[:3], "454")
        self.assertEqual(self.badness(mmp), 0)

    def test_connections_of_an_address_are_limited(self):
        mmp = self.start(self.relay(), ConnLimits=f'"{HOST}|255.255.255.255:2"')
        clients = [SmtpClient(mmp.smtp_port) for _ in range(2)]
        for client in clients:
            self.addCleanup(client.close)
            self.assertEqual(client.reply()[:3], "220")
        with SmtpClient(mmp.smtp_port) as third:
            self.assertEqual(third.reply()[:3], "421")
        clients[0].close()

        def is_let_in():
            with SmtpClient(mmp.smtp_port) as client:
                return client.reply().startswith("220")

        wait_until(is_let_in, "there is room again")

    def test_sessions_of_a_user_are_limited(self):
        mmp = self.start(self.relay(), MaxUserSessions=1)
        first = SmtpClient(mmp.smtp_port)
        self.addCleanup(first.close)
        first.begin()
        with SmtpClient(mmp.smtp_port) as second:
            second.begin(logged_in=False)
            second.log_in()
            # Let in or not, it is told to go.
            self.assertRegex(second.rest(), rb"(?m)^421 ")


if __name__ == "__main__":
    unittest.main()
