"""SmtpRelays: in turn, and around those that do not work, for every worker at once."""

import json
import time
import unittest

from relays import StubRelay
from smtp_site import StubSite
from testbed import wait_until

# Seconds for a relay to greet, and minutes to be left alone.
TIMEOUT = 1
WORKERS = 2


class RelaysTest(unittest.TestCase):
    def site(self, *relays, **options):
        options.setdefault("FailoverTimeout", TIMEOUT)
        site = StubSite(*relays, workers=WORKERS, **options)
        self.addCleanup(site.close)
        return site.__enter__()

    def stub(self, **options):
        relay = StubRelay(**options)
        self.addCleanup(relay.stop)
        return relay

    def hello(self, site):
        """A session as far as it takes to need a relay."""
        with site.client() as client:
            client.reply()
            return client.ask("EHLO client.example.com")

    def rows(self, site):
        done = site.instance.ctl("--json", "relays")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        document = json.loads(done.stdout)
        rows = document["relays"] if isinstance(document, dict) else document
        return {row["relay"]: row for row in rows}

    def count(self, *relays):
        return [len(relay.sessions) for relay in relays]

    def test_each_in_turn(self):
        relays = [self.stub() for _ in range(3)]
        site = self.site(*relays)
        for _ in range(30):
            self.assertIn("250", self.hello(site))
        # Each worker has a turn of its own.
        for number in self.count(*relays):
            self.assertLessEqual(abs(number - 10), WORKERS, self.count(*relays))

    def fails_over(self, bad, after_first):
        """Only the first session meets the bad one, if that."""
        good = self.stub()
        site = self.site(bad, good)
        for number in range(10):
            self.assertIn("PIPELINING", self.hello(site))
            if number == 3:  # by then each worker has had a session or two
                wait_until(lambda: self.rows(site)[bad.name]["avoided_seconds"], "it is avoided")
                time.sleep(0.2)
                met = len(bad.sessions)
        self.assertEqual(len(good.sessions), 10)
        self.assertEqual(len(bad.sessions), met)
        self.assertTrue(site.instance.await_log([bad.name]))
        row = self.rows(site)[bad.name]
        self.assertGreater(row["avoided_seconds"], 30, row)
        self.assertTrue(row["reason"], row)
        # Whoever has found it out tells the others a few milliseconds later.
        self.assertLessEqual(met, after_first * WORKERS)
        return site, good

    def test_refused(self):
        bad = self.stub()
        bad.stop()
        self.fails_over(bad, 0)

    def test_silent(self):
        bad = self.stub(replies={"GREETING": lambda _: time.sleep(5)})
        begin = time.monotonic()
        self.fails_over(bad, 1)
        self.assertGreaterEqual(time.monotonic() - begin, TIMEOUT)

    def test_refuses_to_greet(self):
        self.fails_over(self.stub(replies={"GREETING": b"554 5.3.2 go away\r\n"}), 1)

    def test_greets_with_nonsense(self):
        self.fails_over(self.stub(replies={"GREETING": b"* OK IMAP4rev1\r\n"}), 1)

    def test_closes_at_once(self):
        self.fails_over(self.stub(replies={"GREETING": lambda _: None}), 1)

    def test_all_down_is_said_and_ends_when_one_is_back(self):
        relays = [self.stub(), self.stub()]
        for relay in relays:
            relay.stop()
        site = self.site(*relays)
        with site.client() as client:
            self.assertEqual(client.reply()[:3], "220")
            self.assertTrue(client.ask("EHLO client.example.com").startswith("421 4.3.2"))
            self.assertEqual(client.rest(), b"")
        # Both are avoided, and are tried all the same while there is no other.
        relays[1].start()
        self.assertIn("PIPELINING", self.hello(site))

    def test_avoided_by_every_worker_over_reload_and_restart(self):
        bad = self.stub(replies={"GREETING": b"421 4.3.2 closed\r\n"})
        site, good = self.fails_over(bad, 1)
        tried = len(bad.sessions)
        mmp = site.instance
        self.assertEqual(mmp.ctl("reload").returncode, 0)
        self.assertGreater(self.rows(site)[bad.name]["avoided_seconds"], 30)
        for _ in range(6):
            self.hello(site)
        mmp.stop()
        mmp.start()
        self.assertGreater(self.rows(site)[bad.name]["avoided_seconds"], 20)
        for _ in range(6):
            self.hello(site)
        self.assertEqual(len(bad.sessions), tried)
        self.assertEqual(len(good.sessions), 22)

    def test_operator_decides_apart_from_health(self):
        relays = [self.stub(), self.stub()]
        site = self.site(*relays)
        mmp = site.instance
        done = mmp.ctl("relays", "down", relays[0].name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for _ in range(6):
            self.hello(site)
        self.assertEqual(self.count(*relays), [0, 6])
        self.assertFalse(self.rows(site)[relays[0].name]["enabled"])
        mmp.stop()
        mmp.start()
        self.hello(site)
        self.assertEqual(len(relays[0].sessions), 0)
        self.assertEqual(mmp.ctl("relays", "down", relays[1].name).returncode, 0)
        with site.client() as client:
            client.reply()
            wait_until(lambda: not self.rows(site)[relays[1].name]["enabled"], "both are down")
            self.assertTrue(client.ask("EHLO x").startswith("421 4.3.2"))
        self.assertEqual(mmp.ctl("relays", "up", relays[0].name).returncode, 0)
        wait_until(lambda: "PIPELINING" in self.hello(site), "the relay is used again")

    def test_sessions_are_counted(self):
        relay = self.stub()
        site = self.site(relay)
        clients = [site.client() for _ in range(5)]
        for client in clients:
            client.reply()
            client.ask("EHLO x")
        wait_until(lambda: self.rows(site)[relay.name]["sessions"] == 5, "five sessions")
        for client in clients:
            client.close()
        wait_until(lambda: self.rows(site)[relay.name]["sessions"] == 0, "none")

    def test_death_in_a_session(self):
        relay = self.stub()
        site = self.site(relay)
        for stage in ("EHLO", "MAIL", "RCPT", "DATA", "MESSAGE"):
            with self.subTest(stage), site.client() as client:
                self.dies_at(relay, client, stage)
                relay.stop()
                relay.start()

    def dies_at(self, relay, client, stage):
        """No answer but the relay's own may say that a message is taken."""
        kept = dict(relay.replies)
        relay.replies[stage] = lambda _: None
        client.reply()
        answers = [client.ask("EHLO client.example.com")]
        if stage != "EHLO":
            client.log_in()
            for command in ("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA"):
                answers.append(client.ask(command))
                if command.startswith(stage):
                    break
            if stage == "MESSAGE":
                client.send("Subject: x\r\n\r\nx\r\n.\r\n")
                answers.append(client.reply())
        # Nobody knows whether the relay has the message: the client must send it again.
        wanted = "451 4.4.2" if stage == "MESSAGE" else "421 4.3."
        self.assertTrue(answers[-1].startswith(wanted), (stage, answers))
        if stage == "MESSAGE":
            client.send("NOOP\r\n")
            self.assertTrue(client.reply().startswith("421 4.3.0"))
        self.assertEqual(client.rest(), b"")
        relay.replies.clear()
        relay.replies.update(kept)

    def test_big_message_through_a_slow_relay_in_constant_memory(self):
        size = 100 << 20
        relay = self.stub(rate=25 << 20, keep_data=False)
        site = self.site(relay)
        worker = next(w for w in site.instance.status()["workers"] if "Smtp" in w["service"])
        # Not more than the first session's buffers, whichever worker it comes to.
        pids = [w["pid"] for w in site.instance.status()["workers"]
                if w["service"] == worker["service"]]
        line = b"x" * 1022 + b"\r\n"
        chunk = line * 1024
        with site.client() as client:
            client.begin()
            client.send("MAIL FROM:<a@b> SIZE=%d\r\nRCPT TO:<c@d>\r\nDATA\r\n" % size)
            self.assertEqual([client.reply()[:3] for _ in range(3)], ["250", "250", "354"])
            before = sum(memory_of(pid) for pid in pids)
            most = 0
            client.socket.settimeout(60)
            for _ in range(size // len(chunk)):
                client.send(chunk)
                most = max(most, sum(memory_of(pid) for pid in pids))
            client.send(b".\r\n")
            self.assertEqual(client.reply()[:3], "250")
        self.assertLess(most - before, 4 << 20)
        self.assertGreaterEqual(relay.received, size - 100)


def memory_of(pid):
    """Bytes of anonymous memory: what a process has allocated."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    unittest.main()
