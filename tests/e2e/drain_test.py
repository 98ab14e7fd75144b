"""A reload or a stop in the middle of messages: what has begun is finished and answered by the relay,
nothing is lost or taken twice, and the next generation serves meanwhile.

A session that is idle hears that its time is over at once, so it tells a test when that is.
"""

import threading
import unittest

from relays import StubRelay
from smtp_site import StubSite
from testbed import wait_until

# The relay's own words, so that nobody else's count.
TAKEN = "250 2.0.0 taken by the stub"
GONE = "421 4.3.2"
HEAD = "Subject: {0}\r\n\r\nfirst half of {0}\r\nhal"
TAIL = "f a line, second half of {0}\r\n"


class DrainTest(unittest.TestCase):
    def setUp(self):
        self.relay = StubRelay(replies={"MESSAGE": f"{TAKEN}\r\n".encode()})
        self.site = StubSite(self.relay, Banner='"first generation"')
        self.addCleanup(self.site.close)
        self.mmp = self.site.instance
        self.mmp.process_options["DrainTime"] = "1"
        self.site.__enter__()
        self.idle = self.client()

    def client(self):
        client = self.site.client()
        self.addCleanup(client.close)
        client.begin()
        return client

    def begin(self, name):
        """A client in the middle of a message, half of which the relay has."""
        client = self.client()
        client.send(f"MAIL FROM:<{name}@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n")
        self.assertEqual([client.reply()[:3] for _ in range(3)], ["250", "250", "354"])
        client.send(HEAD.format(name))
        self.await_heard(HEAD.format(name))
        return client

    def await_heard(self, text):
        wait_until(lambda: any(text.encode() in s.raw for s in self.relay.sessions), "it is heard")

    def reload(self):
        self.mmp.smtp_options["Banner"] = '"second generation"'
        self.mmp.write_configuration()
        done = self.mmp.ctl("reload")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def await_goodbye(self):
        self.assert_ends(self.idle)

    def assert_ends(self, client):
        self.assertTrue(client.reply().startswith(GONE))
        self.assertEqual(client.rest(), b"")
        client.close()  # until then its worker waits for it, lest the last words are lost

    def finish(self, client, name, behind=""):
        """The rest of the message, and the only two answers to it."""
        client.send(TAIL.format(name) + ".\r\n" + behind)
        self.assertEqual(client.reply(), TAKEN)
        self.assert_ends(client)

    def assert_taken(self, *names):
        """Each of these once, whole, and nothing else."""
        wanted = [(HEAD + TAIL).format(name).removesuffix("\r\n").encode() for name in sorted(names)]
        self.assertEqual(sorted(mail.data for mail in self.relay.mails()), wanted)
        lines = lambda: self.mmp.log_text().count(" accepted - ")
        wait_until(lambda: lines() >= len(names), "the log tells of each")
        self.assertEqual(lines(), len(names))

    def await_old_one_gone(self):
        wait_until(lambda: len({w["generation"] for w in self.mmp.status()["workers"]}) == 1,
                   "the old generation has gone")

    def test_reload(self):
        names = [f"sender{number}" for number in range(5)]
        clients = [self.begin(name) for name in names]
        self.reload()
        with self.site.client() as new:
            self.assertIn("second generation", new.begin())
            new.send("MAIL FROM:<new@example.com>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n"
                     + (HEAD + TAIL).format("new") + ".\r\n")
            self.assertEqual([new.reply()[:3] for _ in range(3)], ["250", "250", "354"])
            self.assertEqual(new.reply(), TAKEN)
            self.await_goodbye()
            for client, name in zip(clients, names):
                self.finish(client, name)
            self.await_old_one_gone()
            self.assertEqual(new.ask("NOOP")[:3], "250")
        self.assert_taken("new", *names)

    def test_stop(self):
        names = [f"sender{number}" for number in range(5)]
        clients = [self.begin(name) for name in names]
        self.mmp.process.terminate()
        self.await_goodbye()
        for client, name in zip(clients, names):
            self.finish(client, name)
        self.assertEqual(self.mmp.process.wait(20), 0)
        self.assert_taken(*names)

    def test_nothing_begins_behind_it(self):
        client = self.begin("sender")
        self.reload()
        self.await_goodbye()
        self.finish(client, "sender", "MAIL FROM:<evil@example.com>\r\nQUIT\r\n")
        self.await_old_one_gone()
        self.assert_taken("sender")
        for session in self.relay.sessions:
            self.assertNotIn(b"evil", session.raw)

    def test_the_relays_answer_is_waited_for(self):
        answer = threading.Event()
        self.addCleanup(answer.set)

        def take(_):
            answer.wait(20)
            return f"{TAKEN}\r\n".encode()

        client = self.begin("sender")
        self.relay.replies["MESSAGE"] = take
        client.send(TAIL.format("sender") + ".\r\n")
        wait_until(self.relay.mails, "the relay has it")
        self.reload()
        self.await_goodbye()
        answer.set()
        self.assertEqual(client.reply(), TAKEN)
        self.assert_ends(client)
        self.assert_taken("sender")

    def test_chunk(self):
        """What is counted is finished, too; and the message is not when that was not its last."""
        whole, part = self.client(), self.client()
        for client, last in ((whole, " LAST"), (part, "")):
            client.send("MAIL FROM:<a@example.com>\r\nRCPT TO:<bob@example.com>\r\n")
            self.assertEqual([client.reply()[:3] for _ in range(2)], ["250", "250"])
            client.send(f"BDAT 20{last}\r\n0123456789")
            self.await_heard(f"BDAT 20{last}\r\n0123456789")
        self.reload()
        self.await_goodbye()
        for client, answer in ((whole, TAKEN), (part, "250 2.0.0 ok")):
            client.send("abcdefghij")
            self.assertEqual(client.reply(), answer)
            self.assert_ends(client)
        self.assertEqual([mail.data for mail in self.relay.mails()], [b"0123456789abcdefghij"])

    def test_half_a_message_is_none(self):
        client = self.begin("sender")
        self.reload()
        self.await_goodbye()
        # It says no more, and after a few seconds nobody waits for it.
        self.assertNotIn(b"250", client.rest())
        self.await_old_one_gone()
        wait_until(lambda: all(session.ended for session in self.relay.sessions), "it is over")
        self.assert_taken()


if __name__ == "__main__":
    unittest.main()
