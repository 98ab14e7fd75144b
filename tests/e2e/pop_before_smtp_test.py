"""POP before SMTP: who has logged in by POP may send from that address, for a while and no longer."""

import base64
import json
import os
import re
import signal
import socket
import time
import unittest

from relays import StubRelay
from smtp_site import SmtpSite
from testbed import (
    ADMIN, ADMIN_PASSWORD, HOST, PASSWORD, Client, TestbedError, message, wait_until,
)

ALICE, BOB = "alice@example.com", "bob@example.com"
TTL = 5
SMTP = {"PopBeforeSmtpKludgeChannel": "tcp_intranet"}
POP = {"PreAuth": "yes", "AuthServiceTTL": TTL, "AuthService": "yes"}


class PopBeforeSmtpTest(unittest.TestCase):
    """Each test has an address of its own: what one has opened is not open to another."""

    numbers = iter(range(100, 250))

    @classmethod
    def setUpClass(cls):
        cls.site = SmtpSite(smtp=SMTP, pop=POP)
        try:
            cls.site.start()
        except BaseException:
            cls.site.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.site.close()

    def setUp(self):
        self.mmp = self.site.instance
        self.mmp.pop_options["AuthServiceTTL"] = TTL
        self.address = f"127.0.0.{next(self.numbers)}"

    def set_ttl(self, seconds):
        """For tests whose login is to last until they end it."""
        self.mmp.pop_options["AuthServiceTTL"] = seconds
        self.mmp.write_configuration()
        self.assertEqual(self.mmp.ctl("reload").returncode, 0)
        wait_until(lambda: len({w["generation"] for w in self.mmp.status()["workers"]}) == 1,
                   "the old generation has gone")

    def pop(self, user=ALICE, password=PASSWORD):
        with AddressedClient(self.mmp.pop3_port, self.address) as client:
            client.line()
            client.send(f"USER {user}\r\n")
            client.line()
            client.send(f"PASS {password}\r\n")
            answer = client.line()
            client.send("QUIT\r\n")
            client.line()
            return answer

    def mail(self):
        """The answer to MAIL of a client that does not authenticate."""
        with self.mmp.smtp(source=self.address) as smtp:
            return smtp.docmd(f"MAIL FROM:<{ALICE}>")[0]

    def may_send(self):
        return self.mail() == 250

    def rows(self, *arguments):
        done = self.mmp.ctl("--json", "auth", *arguments)
        document = json.loads(done.stdout) if done.stdout.strip() else {}
        rows = document.get("auth", document) if isinstance(document, dict) else document
        return {row["address"]: row for row in rows} if isinstance(rows, list) else {}

    def await_permission(self):
        wait_until(self.may_send, "the login opens SMTP", 3)

    def test_the_whole_story(self):
        self.assertEqual(self.mail(), 530)
        self.assertTrue(self.pop(password="wrong").startswith("-ERR"))
        self.assertEqual(self.mail(), 530)
        self.assertTrue(self.pop().startswith("+OK"))
        # It counts a moment later, not seconds.
        wait_until(self.may_send, "the login opens SMTP", 1)
        with self.mmp.smtp(source=self.address) as smtp:
            smtp.sendmail(ALICE, [BOB], message(BOB, "after POP"))
        line = self.site.postfix.await_log(f"[{self.address}]", "sasl_username=")
        self.assertIn(ALICE, line)

    def test_another_address_is_another(self):
        self.pop()
        self.await_permission()
        with self.mmp.smtp(source="127.0.0.99") as smtp:
            self.assertEqual(smtp.docmd(f"MAIL FROM:<{ALICE}>")[0], 530)

    def test_imap_opens_nothing(self):
        imap = self.mmp.imap(ALICE)
        with self.mmp.smtp() as smtp:
            self.assertEqual(smtp.docmd(f"MAIL FROM:<{ALICE}>")[0], 530)
        imap.logout()

    def test_ends_to_the_second(self):
        self.pop()
        opened = time.monotonic()
        self.await_permission()
        # A session that was let in ends with the login, too, at its next message.
        with self.mmp.smtp(source=self.address) as early:
            self.assertEqual(early.docmd(f"MAIL FROM:<{ALICE}>")[0], 250)
            self.assertEqual(early.docmd("RSET")[0], 250)
            while self.may_send():
                self.assertLess(time.monotonic() - opened, TTL + 1.2)
                time.sleep(0.1)
            self.assertGreater(time.monotonic() - opened, TTL - 1)
            self.assertEqual(early.docmd(f"MAIL FROM:<{ALICE}>")[0], 421)
        self.assertEqual(self.mail(), 530)

    def test_a_later_login_lasts_from_then(self):
        self.pop()
        self.await_permission()
        time.sleep(TTL / 2)
        self.pop(BOB)
        second = time.monotonic()
        wait_until(lambda: self.rows().get(self.address, {}).get("user") == BOB, "the last counts")
        time.sleep(TTL / 2 + 1)
        self.assertTrue(self.may_send())
        wait_until(lambda: not self.may_send(), "its end", TTL)
        self.assertGreater(time.monotonic() - second, TTL - 1)

    def test_survives_crashes_reload_and_restart(self):
        self.set_ttl(120)
        self.pop()
        self.await_permission()
        for worker in self.mmp.status()["workers"]:
            os.kill(worker["pid"], signal.SIGKILL)
        wait_until(self.all_ready, "workers are back")
        self.assertTrue(self.may_send(), "after the death of every worker")
        self.assertEqual(self.mmp.ctl("reload").returncode, 0)
        self.assertTrue(self.may_send(), "after a reload")
        os.kill(self.state_pid(), signal.SIGKILL)
        wait_until(self.may_send, "after the death of mmp-state", 10)
        # The snapshot is written now and then, and when mmp-state is told to go.
        self.mmp.stop()
        self.mmp.start()
        self.assertTrue(self.may_send(), "after a restart")
        self.set_ttl(TTL)

    def all_ready(self):
        try:
            return self.mmp._all_workers_ready() and self.mmp.smtp().quit()
        except (OSError, TestbedError, AttributeError):
            return False

    def state_pid(self):
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/stat", encoding="ascii") as file:
                    fields = file.read()
            except OSError:
                continue
            if "(mmp-state)" in fields and int(fields.rpartition(")")[2].split()[1]) == self.mmp.process.pid:
                return int(entry)
        raise TestbedError("there is no mmp-state")

    def test_operator_sees_it(self):
        self.pop()
        wait_until(lambda: self.address in self.rows(), "mmpctl auth shows the login")
        row = self.rows()[self.address]
        self.assertEqual(row["user"], ALICE)
        self.assertLessEqual(row["left_seconds"], TTL)
        done = self.mmp.ctl("auth", self.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(ALICE, done.stdout)
        self.assertEqual(self.mmp.ctl("auth", "192.0.2.1").returncode, 1)

    def test_xqueryauth(self):
        self.pop()
        self.await_permission()
        with Client(self.mmp.pop3_port) as client:
            client.line()
            client.send(f"XQUERYAUTH {self.address}\r\nXQUERYAUTH 192.0.2.1\r\n")
            self.assertRegex(client.line(), rf"^\+OK {re.escape(ALICE)}")
            self.assertTrue(client.line().startswith("-ERR"))

    def test_a_login_of_ones_own_still_counts(self):
        self.pop(BOB)
        self.await_permission()
        with self.mmp.smtp(ALICE, source=self.address) as smtp:
            smtp.sendmail(ALICE, [BOB], message(BOB, "by AUTH after all"))
        self.site.postfix.await_log(f"[{self.address}]", f"sasl_username={ALICE}")


class AddressedClient(Client):
    """A Client that connects from another address."""

    def __init__(self, port, source):
        # No super().__init__(): the socket is another one.
        self.socket = socket.create_connection((HOST, port), 20, (source, 0))
        self.lines = self.socket.makefile("rb")


class ToldOtherwiseTest(unittest.TestCase):
    """Relays of the MMP's family get the channel; those that can be told of nobody, an AUTH."""

    def test_channel_by_xproxyehlo(self):
        with StubRelay(password=b"shared secret+=") as relay:
            site = SmtpSite(smtp={**SMTP, "SmtpProxyPassword": '"shared secret+="'}, pop=POP)
            site.instance.enable_smtp(relay.name, port=site.instance.smtp_port)
            with site:
                with site.instance.smtp(source="127.0.0.88") as smtp:
                    self.assertEqual(smtp.docmd(f"MAIL FROM:<{ALICE}>")[0], 530)
                told = relay.sessions[-1].told[-1]
                self.assertEqual(told["ADDR"], b"127.0.0.88")
                self.assertNotIn("CHANNEL", told)
                site.instance.pop(ALICE).quit()

                def may_send():
                    with site.instance.smtp() as smtp:
                        return smtp.docmd(f"MAIL FROM:<{ALICE}>")[0] == 250

                wait_until(may_send, "the login opens SMTP", 3)
                told = relay.sessions[-1].told[-1]
                self.assertEqual(told["CHANNEL"], b"tcp_intranet")
                self.assertNotIn(b"shared secret", b"".join(s.raw for s in relay.sessions))

    def test_wrong_secret_serves_nobody(self):
        with StubRelay(password=b"another") as relay:
            site = SmtpSite(smtp={**SMTP, "SmtpProxyPassword": "secret"}, pop=POP)
            site.instance.enable_smtp(relay.name, port=site.instance.smtp_port)
            with site, site.instance.smtp() as smtp:
                self.assertNotEqual(smtp.docmd(f"MAIL FROM:<{ALICE}>")[0], 250)

    def test_admin_authenticates_for_the_user(self):
        seen = []

        def auth(line):
            seen.append(line)
            return b"235 2.7.0 welcome\r\n"

        with StubRelay(replies={"AUTH": auth}) as relay:
            site = SmtpSite(smtp={**SMTP, "RelayLogin": "admin", "StoreAdmin": ADMIN,
                                  "StoreAdminPass": ADMIN_PASSWORD}, pop=POP)
            site.instance.enable_smtp(relay.name, port=site.instance.smtp_port)
            with site:
                site.instance.pop(ALICE).quit()

                def may_send():
                    with site.instance.smtp() as smtp:
                        return smtp.docmd(f"MAIL FROM:<{ALICE}>")[0] == 250

                wait_until(may_send, "the login opens SMTP", 3)
                text = base64.b64decode(seen[-1].split()[-1])
                self.assertEqual(text, f"{ALICE}\0{ADMIN}\0{ADMIN_PASSWORD}".encode())


if __name__ == "__main__":
    unittest.main()
