"""Clients of the field through SmtpProxyAService to a real Postfix, which delivers to real stores."""

import os
import shutil
import smtplib
import ssl
import tempfile
import unittest

from certificates import Authority
from smtp_site import SmtpClient, SmtpSite
from testbed import HOST, PASSWORD, free_port, message, run, wait_until, write_file

ALICE, BOB = "alice@example.com", "bob@example.com"
# Where the clients of these tests connect from: what Postfix must believe they are.
CLIENT = "127.0.0.77"


def received_by(site, user, subject, timeout=20):
    """Waits for mail with this subject in the user's mailbox, and returns it as the proxy gives it."""

    def find():
        imap = site.instance.imap(user)
        try:
            imap.select("INBOX", readonly=True)
            for number in imap.search(None, "SUBJECT", f'"{subject}"')[1][0].split():
                return imap.fetch(number, "(BODY.PEEK[])")[1][0][1].decode()
        finally:
            imap.logout()
        return None

    return wait_until(find, f"mail '{subject}' for {user}", timeout)


class SubmissionTest(unittest.TestCase):
    """The relay checks passwords, and is told by XCLIENT who the client is."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="openmmp-ca-", dir="/tmp")
        os.chmod(cls.directory, 0o755)
        cls.ca = Authority(cls.directory)
        cls.site = SmtpSite()
        mmp = cls.site.instance
        mmp.enable_tls(cls.ca.server("mail", "localhost", HOST))
        mmp.enable_smtp(*mmp.smtp_options["SmtpRelays"].split(), port=mmp.smtp_port,
                        tls_port=free_port())
        try:
            cls.site.start()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.site.close()
        shutil.rmtree(cls.directory, ignore_errors=True)

    def trust(self):
        return ssl.create_default_context(cafile=self.ca.cert)

    def assert_arrived(self, subject, user=ALICE, client=HOST):
        """Bob has it, and the relay knows the true client and who has logged in."""
        text = received_by(self.site, BOB, subject)
        self.assertIn(f"[{client}]", text)
        self.assertIn(f"Authenticated sender: {user}", text)
        self.site.postfix.await_log(f"[{client}]", f"sasl_username={user}")
        return text

    def test_smtplib(self):
        with self.site.instance.smtp(ALICE, source=CLIENT) as smtp:
            self.assertIn("pipelining", smtp.esmtp_features)
            self.assertNotIn("xclient", smtp.esmtp_features)
            smtp.sendmail(ALICE, [BOB], message(BOB, "by smtplib"))
            smtp.sendmail(ALICE, [BOB], message(BOB, "by smtplib, the second"))
        self.assert_arrived("by smtplib", client=CLIENT)
        self.assert_arrived("by smtplib, the second", client=CLIENT)

    def test_smtplib_starttls(self):
        with smtplib.SMTP(HOST, self.site.instance.smtp_port, timeout=20) as smtp:
            smtp.ehlo()
            self.assertTrue(smtp.has_extn("starttls"))
            smtp.starttls(context=self.trust())
            smtp.ehlo()
            self.assertFalse(smtp.has_extn("starttls"))
            smtp.login(ALICE, PASSWORD)
            smtp.sendmail(ALICE, [BOB], message(BOB, "by STARTTLS"))
        self.assert_arrived("by STARTTLS")

    def test_smtplib_implicit_tls(self):
        port = self.site.instance.smtps_port
        with smtplib.SMTP_SSL(HOST, port, timeout=20, context=self.trust()) as smtp:
            smtp.login(ALICE, PASSWORD)
            smtp.sendmail(ALICE, [BOB], message(BOB, "by implicit TLS"))
        self.assert_arrived("by implicit TLS")

    def test_swaks(self):
        for subject, words in (
            ("by swaks", ["--auth", "PLAIN"]),
            ("by swaks LOGIN", ["--auth", "LOGIN"]),
            ("by swaks STARTTLS", ["--auth", "PLAIN", "--tls"]),
            ("by swaks pipelined", ["--auth", "PLAIN", "--pipeline"]),
        ):
            with self.subTest(subject):
                done = run(["swaks", "--server", HOST, "--port", str(self.site.instance.smtp_port),
                            "--from", ALICE, "--to", BOB, "--auth-user", ALICE, "--auth-password",
                            PASSWORD, "--local-interface", CLIENT, "--header",
                            f"Subject: {subject}", *words])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assert_arrived(subject, client=CLIENT)

    def test_swaks_wrong_password(self):
        done = run(["swaks", "--server", HOST, "--port", str(self.site.instance.smtp_port), "--from",
                    ALICE, "--to", BOB, "--auth", "PLAIN", "--auth-user", ALICE,
                    "--auth-password", "wrong"])
        self.assertIn("535 5.7.8", done.stdout)
        self.assertNotEqual(done.returncode, 0)

    def test_msmtp(self):
        for subject, port, words in (
            ("by msmtp", self.site.instance.smtp_port, ["--tls=off"]),
            ("by msmtp STARTTLS", self.site.instance.smtp_port,
             ["--tls=on", "--tls-starttls=on", f"--tls-trust-file={self.ca.cert}"]),
            ("by msmtp TLS", self.site.instance.smtps_port,
             ["--tls=on", "--tls-starttls=off", f"--tls-trust-file={self.ca.cert}"]),
        ):
            with self.subTest(subject):
                done = run(["msmtp", "--file=/dev/null", f"--host={HOST}", f"--port={port}",
                            "--auth=plain", f"--user={ALICE}", f"--passwordeval=echo {PASSWORD}",
                            f"--from={ALICE}", *words, BOB],
                           stdin=message(BOB, subject).decode().replace("\r\n", "\n"))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assert_arrived(subject)

    def test_curl(self):
        mail = os.path.join(self.directory, "mail")
        for scheme, port in (("smtp", self.site.instance.smtp_port),
                             ("smtps", self.site.instance.smtps_port)):
            with self.subTest(scheme):
                write_file(mail, message(BOB, f"by curl {scheme}").decode())
                done = run(["curl", "-sS", f"{scheme}://{HOST}:{port}/client.example.com",
                            "--cacert", self.ca.cert, "--ssl", "-u", f"{ALICE}:{PASSWORD}",
                            "--mail-from", ALICE, "--mail-rcpt", BOB, "-T", mail])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assert_arrived(f"by curl {scheme}")

    def test_nothing_without_authentication(self):
        with self.site.instance.smtp() as smtp:
            code, text = smtp.docmd(f"MAIL FROM:<{ALICE}>")
            self.assertEqual(code, 530, text)
            self.assertIn(b"5.7.0", text)
            self.assertNotEqual(smtp.docmd(f"RCPT TO:<{BOB}>")[0] // 100, 2)

    def test_nothing_behind_starttls_is_obeyed(self):
        for injected in (b"NOOP\r\n", b"EHLO evil.example\r\n", b"x"):
            with self.subTest(injected), SmtpClient(self.site.instance.smtp_port) as client:
                client.begin(logged_in=False)
                client.send(b"STARTTLS\r\n" + injected)
                # Not one answer more than to STARTTLS, if that.
                self.assertLessEqual(client.rest().count(b"\r\n"), 1)
        self.assertNotIn("evil.example", self.site.postfix.log_text())

    def test_pipelined_group_in_one_write(self):
        with SmtpClient(self.site.instance.smtp_port) as client:
            client.begin()
            client.send(f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<{BOB}>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\n")
            self.assertEqual([client.reply()[:3] for _ in range(4)], ["250", "250", "250", "354"])
            client.send(b"Subject: in a group\r\n\r\nHello.\r\n.\r\nNOOP\r\nQUIT\r\n")
            self.assertEqual([client.reply()[:3] for _ in range(3)], ["250", "250", "221"])
            self.assertEqual(client.rest(), b"")
        self.assert_arrived("in a group")
        received_by(self.site, ALICE, "in a group")

    def test_chunks(self):
        body = b"Subject: in chunks\r\n\r\n.dot\r\n..dots\r\n"
        with SmtpClient(self.site.instance.smtp_port) as client:
            client.begin()
            client.send(f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<{BOB}>\r\n")
            self.assertEqual([client.reply()[:3] for _ in range(2)], ["250", "250"])
            client.send(b"BDAT 10\r\n" + body[:10] + b"BDAT %d LAST\r\n" % (len(body) - 10) + body[10:])
            self.assertEqual([client.reply()[:3] for _ in range(2)], ["250", "250"])
        text = self.assert_arrived("in chunks")
        self.assertIn("\r\n.dot\r\n..dots\r\n", text)

    def test_refusals_come_back_as_they_are(self):
        with self.site.instance.smtp(ALICE) as smtp:
            self.assertEqual(smtp.docmd("MAIL FROM:<alice@example.com> SIZE=999999999999")[0], 552)
            self.assertEqual(smtp.docmd("RCPT TO:<bob@example.com>")[0], 503)
            smtp.mail(ALICE)
            self.assertIn(smtp.docmd("DATA")[0], (503, 554))


class PreAuthTest(unittest.TestCase):
    """Passwords are checked here, and the relay gets the name by XCLIENT LOGIN."""

    @classmethod
    def setUpClass(cls):
        cls.site = SmtpSite(smtp={"PreAuth": "yes"}, postfix={"smtpd_sasl_auth_enable": "yes"})
        try:
            cls.site.start()
        except BaseException:
            cls.site.close()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.site.close()

    def test_name_is_handed_on(self):
        with self.site.instance.smtp(ALICE, source=CLIENT) as smtp:
            smtp.sendmail(ALICE, [BOB], message(BOB, "checked here"))
        text = received_by(self.site, BOB, "checked here")
        self.assertIn(f"[{CLIENT}]", text)
        self.site.postfix.await_log(f"[{CLIENT}]", f"sasl_username={ALICE}")

    def test_wrong_password_never_reaches_the_relay(self):
        with self.site.instance.smtp() as smtp:
            with self.assertRaises(smtplib.SMTPAuthenticationError) as caught:
                smtp.login(ALICE, "wrong")
            self.assertEqual(caught.exception.smtp_code, 535)
            self.assertEqual(smtp.docmd(f"MAIL FROM:<{ALICE}>")[0], 530)
            smtp.login(ALICE, PASSWORD)
            self.assertEqual(smtp.docmd(f"MAIL FROM:<{ALICE}>")[0], 250)


class OpenPortTest(unittest.TestCase):
    """A port where the relay alone decides who may send: from the true address, told by XCLIENT."""

    def test_relay_decides(self):
        site = SmtpSite(postfix={"mynetworks": f"{CLIENT}/32"})
        mmp = site.instance
        mmp.smtp_options["OpenPorts"] = mmp.smtp_port
        with site:
            with mmp.smtp(source=CLIENT) as smtp:
                smtp.sendmail(ALICE, [BOB], message(BOB, "from a trusted network"))
            with mmp.smtp() as smtp:
                smtp.mail(ALICE)
                self.assertEqual(smtp.rcpt(BOB)[0], 554)
            received_by(site, BOB, "from a trusted network")

    def test_smtp_source(self):
        site = SmtpSite(postfix={"mynetworks": "127.0.0.0/8"})
        mmp = site.instance
        mmp.smtp_options["OpenPorts"] = mmp.smtp_port
        with site:
            done = run(["smtp-source", "-s", "4", "-m", "40", "-l", "4096", "-f", ALICE, "-t",
                        "nobody@elsewhere.example", "-S", "by smtp-source",
                        f"{HOST}:{mmp.smtp_port}"])
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            wait_until(lambda: site.postfix.log_text().count("status=sent") == 40, "40 messages")


if __name__ == "__main__":
    unittest.main()
