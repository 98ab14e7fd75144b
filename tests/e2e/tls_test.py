"""TLS on both legs, every mechanism, and who the client is, with real clients and real stores."""

import contextlib
import glob
import imaplib
import os
import poplib
import re
import signal
import socket
import ssl
import tempfile
import unittest

from sasl_client import Scram, encode
from testbed import ADMIN, ADMIN_PASSWORD, HOST, PASSWORD, Client, run, wait_until, write_file
from tls_site import BALANCER, NAME, OTHER_NAME, STORES, TlsClient, TlsSite

TLS1_2, TLS1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def plain(user, password=PASSWORD, actor=""):
    return encode(f"{user if actor else ''}\0{actor or user}\0{password}".encode())


class TlsCase(unittest.TestCase):
    """Tests that leave the site as it was share it, class by class."""

    @classmethod
    def setUpClass(cls):
        cls.site = TlsSite()
        cls.addClassCleanup(cls.site.close)
        cls.site.start()
        cls.mmp = cls.site.instance
        cls.certificates = cls.site.certificates
        cls.users = list(cls.site.store_of)

    def imap(self, context=None, **how):
        client = TlsClient(self.mmp.imaps_port, context or self.site.trust(), **how)
        self.addCleanup(client.close)
        self.assertTrue(client.line().startswith("* OK "))
        return client

    def pop(self, context=None, **how):
        client = TlsClient(self.mmp.pop3s_port, context or self.site.trust(), **how)
        self.addCleanup(client.close)
        self.assertTrue(client.line().startswith("+OK"))
        return client

    def imap_in_clear(self):
        client = Client(self.mmp.imap_port)
        self.addCleanup(client.close)
        return client

    def pop_in_clear(self):
        client = Client(self.mmp.pop3_port)
        self.addCleanup(client.close)
        return client

    def check_mail_of(self, user, imap):
        imap.select("INBOX", readonly=True)
        text = imap.fetch("1", "(BODY.PEEK[])")[1][0][1].decode()
        imap.logout()
        self.assertIn(f"Subject: mail of {user}\r\n", text)

    def check_pop_mail_of(self, user, pop):
        lines = pop.retr(1)[1]
        pop.quit()
        self.assertIn(f"Subject: mail of {user}".encode(), lines)

    def s_client(self, *words, name=NAME, port=None, data=""):
        command = ["openssl", "s_client", "-connect", f"{HOST}:{port or self.mmp.imaps_port}",
                   "-CAfile", self.certificates.ca.cert, "-servername", name, *words]
        return run(command, stdin=data)


class Clients(TlsCase):
    """What people use: each finds the user's mail, and verifies us on the way."""

    def test_imaplib(self):
        for user in self.users:
            imap = imaplib.IMAP4_SSL(HOST, self.mmp.imaps_port, ssl_context=self.site.trust())
            imap.login(user, PASSWORD)
            self.check_mail_of(user, imap)
            imap = imaplib.IMAP4(HOST, self.mmp.imap_port)
            imap.starttls(self.site.trust())
            imap.login(user, PASSWORD)
            self.check_mail_of(user, imap)

    def test_poplib(self):
        for user in self.users:
            pop = poplib.POP3_SSL(HOST, self.mmp.pop3s_port, context=self.site.trust())
            pop.user(user)
            pop.pass_(PASSWORD)
            self.check_pop_mail_of(user, pop)
            pop = poplib.POP3(HOST, self.mmp.pop3_port)
            pop.stls(self.site.trust())
            pop.user(user)
            pop.pass_(PASSWORD)
            self.check_pop_mail_of(user, pop)

    def test_client_that_does_not_know_the_authority(self):
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "certificate verify failed"):
            imaplib.IMAP4_SSL(HOST, self.mmp.imaps_port, ssl_context=ssl.create_default_context())
        self.mmp.await_log(["SSL negotiation failed for IP 127.0.0.1", 'the alert "unknown CA"'])

    def test_curl(self):
        ports = {"imaps": self.mmp.imaps_port, "imap": self.mmp.imap_port,
                 "pop3s": self.mmp.pop3s_port, "pop3": self.mmp.pop3_port}
        for user in self.users:
            for scheme, port in ports.items():
                path = "INBOX;MAILINDEX=1" if scheme.startswith("imap") else "1"
                done = run([
                    "curl", "-sS", "-m", "20", "--ssl-reqd", "--cacert", self.certificates.ca.cert,
                    "--resolve", f"{NAME}:{port}:{HOST}", "-u", f"{user}:{PASSWORD}",
                    f"{scheme}://{NAME}:{port}/{path}",
                ])
                self.assertEqual(done.returncode, 0, f"{scheme}: {done.stderr}")
                self.assertIn(f"Subject: mail of {user}\n", done.stdout)

    def test_mbsync(self):
        for kind, port in (("IMAPS", self.mmp.imaps_port), ("STARTTLS", self.mmp.imap_port)):
            for user in self.users:
                with tempfile.TemporaryDirectory(dir="/tmp") as folder:
                    self.mbsync(user, folder, kind, port)
                    found = glob.glob(os.path.join(folder, "inbox/[nc]*/*"))
                    self.assertEqual(len(found), 1)
                    with open(found[0], encoding="ascii") as file:
                        self.assertIn(f"Subject: mail of {user}\n", file.read())

    def mbsync(self, user, folder, kind, port):
        config = os.path.join(folder, "mbsyncrc")
        write_file(config, f"""\
IMAPAccount far
Host localhost
Port {port}
User {user}
Pass {PASSWORD}
SSLType {kind}
CertificateFile {self.certificates.ca.cert}
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

    def test_fetchmail(self):
        in_band = 'sslproto "TLS1.2+"'
        for protocol, port, how in (
            ("imap", self.mmp.imaps_port, "ssl"), ("imap", self.mmp.imap_port, in_band),
            ("pop3", self.mmp.pop3s_port, "ssl"), ("pop3", self.mmp.pop3_port, in_band),
        ):
            for user in self.users:
                with tempfile.TemporaryDirectory(dir="/tmp") as folder:
                    text = self.fetchmail(user, folder, protocol, port, how)
                    self.assertIn(f"Subject: mail of {user}\n", text, f"{protocol} {how}")

    def fetchmail(self, user, folder, protocol, port, how):
        config, mail = os.path.join(folder, "fetchmailrc"), os.path.join(folder, "mail")
        write_file(config, f"""\
poll localhost protocol {protocol} port {port} auth password
  user "{user}" password "{PASSWORD}" keep fetchall mda "cat >>{mail}"
  {how} sslcertck sslcertfile "{self.certificates.ca.cert}"
""", 0o600)
        done = run(["fetchmail", "-f", config, "--nodetach", "--nosyslog"], FETCHMAILHOME=folder)
        self.assertEqual(done.returncode, 0, f"{protocol} {how}: {done.stdout}{done.stderr}")
        with open(mail, encoding="ascii") as file:
            return file.read()


class Handshakes(TlsCase):
    def presented(self, *words, **how):
        done = self.s_client(*words, **how)
        subject = re.search(r"^subject=(.*)$", done.stdout, re.MULTILINE)
        self.assertTrue(subject, done.stdout + done.stderr)
        return subject.group(1)

    def test_server_names(self):
        for name, wanted in ((NAME, NAME), (OTHER_NAME, OTHER_NAME), ("unknown.example", NAME)):
            self.assertIn(f"CN = {wanted}", self.presented(name=name))

    def test_rsa_and_ecdsa(self):
        for kind, sigalgs in (("RSA", "RSA-PSS+SHA256:RSA+SHA256"), ("ECDSA", "ECDSA+SHA256")):
            for version in ("-tls1_2", "-tls1_3"):
                done = self.s_client(version, "-sigalgs", sigalgs)
                self.assertIn(f"Peer signature type: {kind}", done.stdout)
                self.assertIn("Verify return code: 0 (ok)", done.stdout)

    def test_versions(self):
        for version in ("-tls1_2", "-tls1_3"):
            self.assertEqual(self.s_client(version).returncode, 0)
        for version in ("-tls1", "-tls1_1"):
            done = self.s_client(version, "-cipher", "DEFAULT@SECLEVEL=0")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("alert protocol version", done.stderr)

    def test_alpn(self):
        for port, name in ((self.mmp.imaps_port, "imap"), (self.mmp.pop3s_port, "pop3")):
            self.assertIn(f"ALPN protocol: {name}", self.s_client("-alpn", name, port=port).stdout)
            for wrong in ("http/1.1", "h2,http/1.1", "imap" if name == "pop3" else "pop3"):
                done = self.s_client("-alpn", wrong, port=port)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("SSL alert number 120", done.stderr)

    def test_stapled_response(self):
        done = self.s_client("-status", "-sigalgs", "ECDSA+SHA256")
        self.assertIn("OCSP Response Status: successful", done.stdout)
        self.assertIn("Cert Status: good", done.stdout)
        self.assertIn("no response sent", self.s_client("-status", name=OTHER_NAME).stdout)

    def test_bytes_behind_starttls(self):
        for port, greeting, command in ((self.mmp.imap_port, "* OK", "a STARTTLS\r\nb NOOP\r\n"),
                                        (self.mmp.pop3_port, "+OK", "STLS\r\nNOOP\r\n")):
            with Client(port) as client:
                client.until(greeting)
                client.send(command)
                self.assertNotIn("OK", client.rest().decode())
        self.mmp.await_log(["ImapProxy", "plain text behind the start of TLS"])
        self.mmp.await_log(["PopProxy", "plain text behind the start of TLS"])

    def test_not_tls_at_all(self):
        with Client(self.mmp.imaps_port) as client:
            client.send("a LOGIN alice@example.com secret\r\n")
            self.assertNotIn(b"a OK", client.rest())
        self.mmp.await_log(["SSL negotiation failed for IP"])
        self.imap()


class Resumption(TlsCase):
    def resumed(self, session, context):
        client = TlsClient(self.mmp.imaps_port, context, session=session)
        with client:
            client.line()
            return client.socket.session_reused

    def test_with_every_worker(self):
        workers = {worker["pid"] for worker in self.mmp.status()["workers"]
                   if worker["service"].startswith("Imap")}
        self.assertEqual(len(workers), 2)
        for version in (TLS1_2, TLS1_3):
            context = self.site.trust(version=version)
            with TlsClient(self.mmp.imaps_port, context) as client:
                client.line()  # tickets of TLS 1.3 come with the first bytes
                session = client.socket.session
            word = f"TLSv1.{2 if version == TLS1_2 else 3}"
            for worker in workers:
                with self.stopped(workers - {worker}):
                    self.assertTrue(self.resumed(session, context))
                self.mmp.await_log([f"ImapProxy[{worker}]", word, ", resumed"])

    @contextlib.contextmanager
    def stopped(self, workers):
        """Whoever connects meanwhile meets another worker."""
        for pid in workers:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in workers:
                os.kill(pid, signal.SIGCONT)

    def test_across_a_reload(self):
        for version in (TLS1_2, TLS1_3):
            context = self.site.trust(version=version)
            with TlsClient(self.mmp.imaps_port, context) as client:
                client.line()
                session = client.socket.session
            before = {w["pid"] for w in self.mmp.status()["workers"]}
            done = self.mmp.control_script("reload")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            wait_until(lambda: not before & {w["pid"] for w in self.mmp.status()["workers"]},
                       "the old workers end")
            self.assertTrue(self.resumed(session, context))

    def test_after_starttls(self):
        for version in (TLS1_2, TLS1_3):
            context = self.site.trust(version=version)
            session = self.start_tls(context).session
            self.assertTrue(self.start_tls(context, session).session_reused)

    def start_tls(self, context, session=None):
        client = self.imap_in_clear()
        client.until("* OK")
        client.send("a STARTTLS\r\n")
        self.assertTrue(client.line().startswith("a OK"))
        secured = context.wrap_socket(client.socket, server_hostname=NAME, session=session)
        self.addCleanup(secured.close)
        secured.sendall(b"b NOOP\r\n")  # tickets of TLS 1.3 come with the first answer
        self.assertTrue(secured.recv(1000).startswith(b"b OK"))
        return secured

    def test_a_session_with_a_certificate_is_not_resumed(self):
        for version in (TLS1_2, TLS1_3):
            context = self.site.trust(self.certificates.alice, version)
            with TlsClient(self.mmp.imaps_port, context) as client:
                client.line()
                session = client.socket.session
            if session is not None:
                self.assertFalse(self.resumed(session, context))


class Stores(TlsCase):
    """Whom we believe to be the store."""

    def store_log(self, user):
        with open(self.site.store_of[user].log, encoding="utf-8") as file:
            return file.read()

    def test_every_leg_is_encrypted(self):
        for user in self.users:
            imap = self.imap()
            imap.send(f"a LOGIN {user} {PASSWORD}\r\n")
            self.assertTrue(imap.until("a ")[-1].startswith("a OK"))
            pop = self.pop()
            pop.send(f"USER {user}\r\nPASS {PASSWORD}\r\n")
            pop.line()
            self.assertTrue(pop.line().startswith("+OK"))
            for service in ("imap-login", "pop3-login"):
                self.assertRegex(self.store_log(user), f"{service}: .*Login: user=<{user}>.*, TLS")

    def test_bad_certificates(self):
        for name, why in (("expired", "certificate has expired"),
                          ("mismatched", f"not for {STORES['mismatched']}"),
                          ("untrusted", "self-signed certificate in certificate chain")):
            user, address = f"{name}@example.com", STORES[name]
            imap = self.imap()
            imap.send(f"a LOGIN {user} {PASSWORD}\r\n")
            lines = imap.until("a ")
            self.assertIn("[ALERT]", lines[0])
            self.assertTrue(lines[-1].startswith("a NO [UNAVAILABLE]"), lines)
            self.mmp.await_log(["ImapProxy", f"login of user {user} failed", address, why])
            pop = self.pop()
            pop.send(f"USER {user}\r\nPASS {PASSWORD}\r\n")
            pop.line()
            self.assertTrue(pop.line().startswith("-ERR [SYS/TEMP]"))
            self.mmp.await_log(["PopProxy", f"login of user {user} failed", address, why])

    def test_pinned_certificate(self):
        imap = self.imap()
        imap.send(f"a LOGIN pinned@example.com {PASSWORD}\r\n")
        self.assertTrue(imap.until("a ")[-1].startswith("a OK"))
        pop = self.pop()
        pop.send(f"USER pinned@example.com\r\nPASS {PASSWORD}\r\n")
        pop.line()
        self.assertTrue(pop.line().startswith("+OK"))


class Mechanisms(TlsCase):
    def test_what_is_offered(self):
        client = self.imap_in_clear()
        greeting = client.line()
        for word in ("STARTTLS", "LOGINDISABLED", "AUTH=CRAM-MD5", "AUTH=SCRAM-SHA-256"):
            self.assertRegex(greeting, rf"[ \[]{word}[ \]]")
        for word in ("AUTH=PLAIN", "AUTH=LOGIN", "AUTH=EXTERNAL", "PLUS"):
            self.assertNotIn(word, greeting)
        secured = TlsClient(self.mmp.imaps_port, self.site.trust(self.certificates.alice))
        self.addCleanup(secured.close)
        greeting = secured.line()
        for word in ("AUTH=PLAIN", "AUTH=EXTERNAL", "AUTH=SCRAM-SHA-256-PLUS"):
            self.assertRegex(greeting, rf"[ \[]{word}[ \]]")
        for word in ("STARTTLS", "LOGINDISABLED"):
            self.assertNotIn(word, greeting)

    def test_no_password_in_clear(self):
        for command in (f"LOGIN {self.site.alice} {PASSWORD}",
                        f"AUTHENTICATE PLAIN {plain(self.site.alice)}"):
            client = self.imap_in_clear()
            client.until("* OK")
            client.send(f"a {command}\r\n")
            self.assertTrue(client.until("a ")[-1].startswith("a NO [PRIVACYREQUIRED]"))
        for command in (f"USER {self.site.alice}", f"AUTH PLAIN {plain(self.site.alice)}"):
            client = self.pop_in_clear()
            client.until("+OK")
            client.send(f"{command}\r\n")
            self.assertTrue(client.line().startswith("-ERR"))

    def test_plain_and_an_administrator(self):
        for name, word in ((plain(self.site.alice), "OK"),
                           (plain(self.site.alice, ADMIN_PASSWORD, ADMIN), "OK"),
                           (plain(self.site.alice, PASSWORD, self.site.bob), "NO")):
            client = self.imap()
            client.send(f"a AUTHENTICATE PLAIN {name}\r\n")
            self.assertTrue(client.until("a ")[-1].startswith(f"a {word}"))
            client = self.pop()
            client.send(f"AUTH PLAIN {name}\r\n")
            self.assertTrue(client.line().startswith("+OK" if word == "OK" else "-ERR"))

    def test_cram_md5(self):
        for user in self.users:
            imap = self.mmp.imap()
            self.assertEqual(imap.login_cram_md5(user, PASSWORD)[0], "OK")
            self.check_mail_of(user, imap)
        with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
            self.mmp.imap().login_cram_md5(self.site.alice, "wrong")

    def test_apop(self):
        for user in self.users:
            pop = self.mmp.pop()
            pop.apop(user, PASSWORD)
            self.check_pop_mail_of(user, pop)
        with self.assertRaises(poplib.error_proto):
            self.mmp.pop().apop(self.site.alice, "wrong")

    def test_scram(self):
        for user in self.users:
            self.assertTrue(self.scram_by_imap(self.imap(), Scram(user, PASSWORD)))
            self.assertTrue(self.scram_by_pop(self.pop(), Scram(user, PASSWORD)))
        clear = self.imap_in_clear()
        clear.until("* OK")
        self.assertTrue(self.scram_by_imap(clear, Scram(self.site.alice, PASSWORD)))
        for user, password in ((self.site.alice, "wrong"), ("nobody@example.com", PASSWORD)):
            self.assertFalse(self.scram_by_imap(self.imap(), Scram(user, password)))
            self.assertFalse(self.scram_by_pop(self.pop(), Scram(user, password)))

    def test_scram_bound_to_the_channel(self):
        context = self.site.trust(version=TLS1_2)
        client = self.imap(context)
        binding = client.socket.get_channel_binding("tls-unique")
        scram = Scram(self.site.alice, PASSWORD, binding)
        self.assertTrue(self.scram_by_imap(client, scram, "SCRAM-SHA-256-PLUS"))
        scram = Scram(self.site.alice, PASSWORD, b"of another channel")
        self.assertFalse(self.scram_by_imap(self.imap(context), scram, "SCRAM-SHA-256-PLUS"))

    def scram_by_imap(self, client, scram, mechanism="SCRAM-SHA-256"):
        client.send(f"a AUTHENTICATE {mechanism} {scram.first()}\r\n")
        client.send(scram.final(client.line().removeprefix("+ ")) + "\r\n")
        line = client.line()
        if line.startswith("+ "):
            self.assertTrue(scram.believes(line[2:]))
            client.send("\r\n")
            line = client.until("a ")[-1]
        return line.startswith("a OK")

    def scram_by_pop(self, client, scram):
        client.send(f"AUTH SCRAM-SHA-256 {scram.first()}\r\n")
        client.send(scram.final(client.line().removeprefix("+ ")) + "\r\n")
        line = client.line()
        if line.startswith("+ "):
            self.assertTrue(scram.believes(line[2:]))
            client.send("\r\n")
            line = client.line()
        return line.startswith("+OK")

    def test_external(self):
        context = self.site.trust(self.certificates.alice)
        for name in ("", self.site.alice):
            word = encode(name.encode()) or "="
            imap = self.imap(context)
            imap.send(f"a AUTHENTICATE EXTERNAL {word}\r\nc EXAMINE INBOX\r\n"
                      "d FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n")
            self.assertTrue(imap.until("a ")[-1].startswith("a OK"))
            self.assertIn(f"Subject: mail of {self.site.alice}", imap.until("d "))
            pop = self.pop(context)
            pop.send(f"AUTH EXTERNAL {word}\r\n")
            self.assertTrue(pop.line().startswith("+OK"))
            pop.send("TOP 1 0\r\n")
            self.assertIn(f"Subject: mail of {self.site.alice}", pop.until("."))

    def test_external_after_starttls(self):
        imap = imaplib.IMAP4(HOST, self.mmp.imap_port)
        imap.starttls(self.site.trust(self.certificates.alice))
        self.assertEqual(imap.authenticate("EXTERNAL", lambda _: b"")[0], "OK")
        self.check_mail_of(self.site.alice, imap)

    def test_external_for_somebody_else(self):
        imap = self.imap(self.site.trust(self.certificates.alice))
        imap.send(f"a AUTHENTICATE EXTERNAL {encode(self.site.bob.encode())}\r\n")
        self.assertTrue(imap.until("a ")[-1].startswith("a NO [AUTHENTICATIONFAILED]"))
        pop = self.pop(self.site.trust(self.certificates.alice))
        pop.send(f"AUTH EXTERNAL {encode(self.site.bob.encode())}\r\n")
        self.assertTrue(pop.line().startswith("-ERR [AUTH]"))

    def test_external_without_a_certificate(self):
        imap = self.imap()
        imap.send("a AUTHENTICATE EXTERNAL =\r\n")
        self.assertTrue(imap.until("a ")[-1].startswith("a NO"))
        pop = self.pop()
        pop.send("AUTH EXTERNAL =\r\n")
        self.assertTrue(pop.line().startswith("-ERR"))

    def test_certificate_of_a_strange_authority(self):
        context = self.site.trust(self.certificates.false_alice)
        try:
            client = TlsClient(self.mmp.imaps_port, context)
            self.addCleanup(client.close)
            client.line()
            client.send("a AUTHENTICATE EXTERNAL =\r\n")
            self.assertFalse(client.line().startswith("a OK"))
        except (ssl.SSLError, ConnectionError):
            pass  # refused in the handshake, which TLS 1.3 tells a client with the first bytes
        self.mmp.await_log(["SSL negotiation failed for IP 127.0.0.1", "certificate"])


class WhoTheClientIs(TlsCase):
    """The client's address goes from a balancer's PROXY header into our log and the store's."""

    def header(self, address):
        return f"PROXY TCP4 {address} {HOST} 51234 993\r\n".encode()

    def test_by_a_header_to_id_and_xclient(self):
        for user, address in zip(self.users, ("192.0.2.77", "192.0.2.78")):
            imap = self.imap(source=BALANCER, before=self.header(address))
            imap.send(f"a LOGIN {user} {PASSWORD}\r\n")
            self.assertTrue(imap.until("a ")[-1].startswith("a OK"))
            pop = self.pop(source=BALANCER, before=self.header(address))
            pop.send(f"USER {user}\r\nPASS {PASSWORD}\r\n")
            pop.line()
            self.assertTrue(pop.line().startswith("+OK"))
            self.check_logs(user, self.site.store_of[user], address)

    def test_to_the_header_of_a_store(self):
        user, address = "proxied@example.com", "192.0.2.79"
        imap = self.imap(source=BALANCER, before=self.header(address))
        imap.send(f"a LOGIN {user} {PASSWORD}\r\n")
        self.assertTrue(imap.until("a ")[-1].startswith("a OK"))
        pop = self.pop(source=BALANCER, before=self.header(address))
        pop.send(f"USER {user}\r\nPASS {PASSWORD}\r\n")
        pop.line()
        self.assertTrue(pop.line().startswith("+OK"))
        self.check_logs(user, self.site.store_of[self.site.alice], address)

    def check_logs(self, user, store, address):
        for service in ("imap", "pop3"):
            ours = "ImapProxy" if service == "imap" else "PopProxy"
            self.mmp.await_log([ours, f"user {user} logged in", f"client {address}:51234"])
            wait_until(lambda: self.has_login(store, service, user, address),
                       f"{service}-login of {store.name} sees {address}", 5)

    def has_login(self, store, service, user, address):
        with open(store.log, encoding="utf-8") as file:
            words = (f"{service}-login: ", f"Login: user=<{user}>", f"rip={address},", ", TLS")
            return any(all(word in line for word in words) for line in file)

    def test_no_header_but_a_connection(self):
        imap = self.imap(source="127.0.0.6")
        imap.send(f"a LOGIN {self.site.alice} {PASSWORD}\r\n")
        self.assertTrue(imap.until("a ")[-1].startswith("a OK"))
        store = self.site.store_of[self.site.alice]
        wait_until(lambda: self.has_login(store, "imap", self.site.alice, "127.0.0.6"),
                   "the store's log has the client's address", 5)

    def test_header_from_anywhere_else(self):
        with socket.create_connection((HOST, self.mmp.imap_port), 20, ("127.0.0.7", 0)) as client:
            client.sendall(self.header("192.0.2.80") + b"a NOOP\r\n")
            with client.makefile("rb") as lines:
                lines.readline()
                self.assertNotIn(b"OK", lines.readline())
        self.assertNotIn("192.0.2.80", self.mmp.log_text())


class Reload(TlsCase):
    """New certificates come and go; sessions stay."""

    def setUp(self):
        mmp, certificates = self.mmp, self.certificates
        mmp.use_certificates(certificates.mail, certificates.mail_rsa, certificates.other)
        self.session = imaplib.IMAP4_SSL(HOST, mmp.imaps_port, ssl_context=self.site.trust())
        self.session.login(self.site.bob, PASSWORD)
        self.addCleanup(self.session.logout)

    def reload(self):
        self.mmp.write_configuration()
        return self.mmp.control_script("reload")

    def serial(self, port):
        with TlsClient(port, self.site.trust()) as client:
            client.line()
            return client.socket.getpeercert()["serialNumber"]

    def test_new_certificate(self):
        old = self.serial(self.mmp.imaps_port), self.serial(self.mmp.pop3s_port)
        renewed = self.certificates.ca.server("renewed", NAME, "localhost", HOST)
        self.mmp.use_certificates(renewed)
        self.mmp.options["SSLOcspFile"] = '""'
        done = self.reload()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for port, before in zip((self.mmp.imaps_port, self.mmp.pop3s_port), old):
            wait_until(lambda: self.serial(port) != before, "the new certificate")
        self.assertEqual(self.session.select("INBOX", readonly=True), ("OK", [b"1"]))

    def test_keys_that_do_not_fit(self):
        before = self.serial(self.mmp.imaps_port)
        pids = {w["pid"] for w in self.mmp.status()["workers"]}
        garbage = self.mmp.path("garbage.key")
        write_file(garbage, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        keys = (self.certificates.other.key, garbage, self.mmp.path("missing.key"))
        for key in keys:
            self.mmp.options["SSLCertFile"] = self.certificates.mail.cert
            self.mmp.options["SSLKeyFile"] = key
            self.mmp.options["SSLOcspFile"] = '""'
            done = self.reload()
            self.assertNotEqual(done.returncode, 0)
            self.assertRegex(done.stdout + done.stderr, r"SSLKeyFile: |" + re.escape(key))
            self.assertNotEqual(self.mmp.ctl("check").returncode, 0)
        self.assertEqual(self.serial(self.mmp.imaps_port), before)
        self.assertEqual({w["pid"] for w in self.mmp.status()["workers"]}, pids)
        self.assertEqual(self.session.noop()[0], "OK")


if __name__ == "__main__":
    unittest.main()
