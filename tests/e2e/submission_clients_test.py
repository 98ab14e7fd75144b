"""Clients of the field to a real Postfix that must know who they are: it is reached from one address
and the clients come from another, so that neither can be taken for the other."""

import os
import re
import tempfile
import unittest

from smtp_site import SmtpSite
from submission_test import received_by
from testbed import HOST, PASSWORD, message, run, wait_until, write_file

ALICE, BOB = "alice@example.com", "bob@example.com"
CLIENT = "127.0.0.77"
OURS = "127.0.0.66"


class SubmissionClientsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = SmtpSite(
            smtp={"SourceAddresses": OURS, "PopBeforeSmtpKludgeChannel": "tcp_intranet"},
            pop={"PreAuth": "yes", "AuthServiceTTL": "600"})
        cls.addClassCleanup(cls.site.close)
        cls.site.start()
        cls.mmp = cls.site.instance

    def send(self, *command, stdin=""):
        done = run(command, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def assert_known(self, subject, client):
        """By the message that has arrived, and by the relay's log."""
        text = received_by(self.site, BOB, subject)
        self.assertIn(f"[{client}]", text)
        self.assertIn(f"Authenticated sender: {ALICE}", text)
        self.assertNotIn(OURS, text)
        self.site.postfix.await_log(f"client=unknown[{client}]", f"sasl_username={ALICE}")
        # It has been reached from there and has believed what it was told.
        self.site.postfix.await_log(f"connect from unknown[{OURS}]")
        self.assertNotIn(f"client=unknown[{OURS}]", self.site.postfix.log_text())

    def test_swaks(self):
        self.send("swaks", "--server", HOST, "--port", str(self.mmp.smtp_port), "--from", ALICE,
                  "--to", BOB, "--auth", "PLAIN", "--auth-user", ALICE, "--auth-password", PASSWORD,
                  "--local-interface", CLIENT, "--header", "Subject: as swaks")
        self.assert_known("as swaks", CLIENT)

    def test_msmtp(self):
        self.send("msmtp", "--file=/dev/null", f"--host={HOST}", f"--port={self.mmp.smtp_port}",
                  "--tls=off", "--auth=plain", f"--user={ALICE}", f"--passwordeval=echo {PASSWORD}",
                  f"--from={ALICE}", f"--source-ip={CLIENT}", BOB,
                  stdin=message(BOB, "as msmtp").decode().replace("\r\n", "\n"))
        self.assert_known("as msmtp", CLIENT)

    def test_curl(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            mail = os.path.join(folder, "mail")
            write_file(mail, message(BOB, "as curl").decode())
            self.send("curl", "-sS", f"smtp://{HOST}:{self.mmp.smtp_port}/client.example.com",
                      "--interface", CLIENT, "-u", f"{ALICE}:{PASSWORD}", "--mail-from", ALICE,
                      "--mail-rcpt", BOB, "-T", mail)
        self.assert_known("as curl", CLIENT)

    def test_smtp_source(self):
        """Which can neither log in nor choose its address: it may send for who has logged in by POP."""
        self.mmp.pop(ALICE).quit()

        def may_send():
            with self.mmp.smtp() as smtp:
                return smtp.docmd(f"MAIL FROM:<{ALICE}>")[0] == 250

        wait_until(may_send, "the login opens SMTP")
        self.send("smtp-source", "-s", "2", "-m", "10", "-f", ALICE, "-t", BOB, "-S",
                  "as smtp-source", f"{HOST}:{self.mmp.smtp_port}")
        self.assert_known("as smtp-source", HOST)
        known = re.compile(rf"client=unknown\[{HOST}\], .*sasl_username={ALICE}\b")
        wait_until(lambda: len(known.findall(self.site.postfix.log_text())) == 10, "all ten are")


if __name__ == "__main__":
    unittest.main()
