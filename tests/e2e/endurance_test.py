"""Many thousand submissions through one worker, some of which end as those of clients do that lose
their network: afterwards it holds no more descriptors than before, and its memory has stopped growing."""

import os
import sys
import threading
import unittest

from relays_test import memory_of
from smtp_site import SmtpClient
from testbed import HOST, Instance, Server, free_port, ldif, read_greeting, wait_until, write_file

SESSIONS = 20_000
THREADS = 4
HELLO = b"EHLO client.example.com\r\n"
LOGIN = b"AUTH PLAIN AGFsaWNlQGV4YW1wbGUuY29tAHNlY3JldA==\r\n"
HALF = b"Subject: never finished\r\n\r\n" + 40 * b"half of it\r\n"
# What clients say and the answers that they wait for; for the last one those that vanish do not.
QUITS = ((HELLO, "250"), (b"QUIT\r\n", "221"))
VANISH = (
    ((HELLO, None),),
    ((HELLO, "250"), (LOGIN, None)),
    ((HELLO, "250"), (LOGIN, "235"), (b"MAIL FROM:<alice@example.com>\r\n", "250"),
     (b"RCPT TO:<bob@example.com>\r\n", "250"), (b"DATA\r\n", "354"), (HALF, None)),
)
KINDS = 7 * (QUITS,) + VANISH


class QuickRelay(Server):
    def __init__(self):
        super().__init__("relay")
        self.port = free_port()

    def start(self):
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "quick_relay.py")
        self.launch([sys.executable, "-B", program, HOST, str(self.port)])
        self.await_ready(lambda: read_greeting(self.port))


class EnduranceTest(unittest.TestCase):
    def setUp(self):
        relay = QuickRelay()
        self.addCleanup(relay.close)
        relay.start()
        self.mmp = Instance("ldif:users.ldif")
        self.addCleanup(self.mmp.close)
        write_file(self.mmp.path("users.ldif"), ldif({"alice@example.com": HOST}))
        self.mmp.process_options["NumThreads"] = "1"
        self.mmp.enable_smtp(f"{HOST}:{relay.port}")
        self.mmp.start()
        self.faults = []

    def worker(self):
        return next(w for w in self.mmp.status()["workers"] if w["service"].startswith("Smtp"))

    def session(self, number):
        with SmtpClient(self.mmp.smtp_port) as client:
            answers = [client.reply()[:3]]
            wanted = ["220"]
            for words, code in KINDS[number % len(KINDS)]:
                client.send(words)
                if code:
                    wanted.append(code)
                    answers.append(client.reply()[:3])
            if answers != wanted:
                self.faults.append(answers)

    def some(self, numbers):
        try:
            for number in numbers:
                self.session(number)
        except OSError as error:
            self.faults.append(error)

    def sessions(self, first, last):
        threads = [threading.Thread(target=self.some, args=(range(first + i, last, THREADS),))
                   for i in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.faults, [])
        wait_until(lambda: self.worker()["sessions"] == 0, "the last session has ended")

    def test_nothing_is_kept(self):
        before = self.worker()
        pid = before["pid"]
        descriptors = lambda: len(os.listdir(f"/proc/{pid}/fd"))
        held = descriptors()
        self.sessions(0, SESSIONS // 2)
        used = memory_of(pid)
        self.sessions(SESSIONS // 2, SESSIONS)
        after = self.worker()
        self.assertEqual((after["pid"], after["accepted"]), (pid, before["accepted"] + SESSIONS))
        # Those that vanished were served up to then.
        self.assertGreaterEqual(after["logins"], SESSIONS // len(KINDS))
        wait_until(lambda: descriptors() <= held, "its descriptors are closed")
        self.assertLess(memory_of(pid) - used, 2 << 20)


if __name__ == "__main__":
    unittest.main()
