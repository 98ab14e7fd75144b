"""The certificate that we show to stores: by IMAP and POP3, over a port of TLS, over STARTTLS and
STLS; shown, not shown, and one that the store does not want.

Dovecot makes TLS with anybody, and refuses the password of whoever has no good certificate. Others,
as Cyrus, end the handshake: they are played by a store of a few lines.
"""

import itertools
import os
import shutil
import ssl
import tempfile
import unittest

from certificates import Authority
from preauth_test import LATER, OK, outcome_of
from testbed import (
    PASSWORD, Client, Dovecot, Instance, StoreTls, StubStore, ldif, message, wait_until, write_file,
)

PROTOCOLS = {"imap": "ImapProxy", "pop3": "PopProxy"}
VERSIONS = {"tls12": ssl.TLSVersion.TLSv1_2, "tls13": ssl.TLSVersion.TLSv1_3}
# How TLS is made and what we show, by the store's address; and the options that make it so, where
# those of the service do not.
STORES = {
    ("port", "good"): "127.0.0.31", ("inband", "good"): "127.0.0.32",
    ("port", "none"): "127.0.0.33", ("inband", "none"): "127.0.0.34",
    ("port", "strange"): "127.0.0.35", ("inband", "strange"): "127.0.0.36",
}
BAD = [key for key in STORES if key[1] != "good"]
INBAND = {"SSLBacksidePort": "0", "StoreStartTls": "yes"}
NO_CERTIFICATE = {"StoreCertFile": '""', "StoreKeyFile": '""'}
DOVECOT_SETTINGS = """\
ssl_ca = <{ca}
ssl_verify_client_cert = yes
ssl_require_crl = no
auth_ssl_require_client_cert = yes
"""
DOVECOT_SAYS = {"none": "client didn't send a cert", "strange": "client sent an invalid cert"}
# Alerts of TLS: 1.2 has no word of its own for a certificate that is missing.
ALERTS = {
    ("tls12", "none"): "handshake failure", ("tls13", "none"): "certificate required",
    ("tls12", "strange"): "unknown CA", ("tls13", "strange"): "unknown CA",
}


def user_of(*words):
    return "-".join(words) + "@example.com"


class StrictStore(StubStore):
    """Ends the handshake with whoever has no certificate of the authority; takes any password."""

    def __init__(self, protocol, how, version, host, certificate, ca):
        self.protocol, self.how = protocol, how
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca.cert)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.minimum_version = self.context.maximum_version = VERSIONS[version]
        self.context.load_cert_chain(certificate.cert, certificate.key)
        super().__init__(self._serve, host)

    def _serve(self, _, connection, lines):
        greeting = b"* OK stub ready\r\n" if self.protocol == "imap" else b"+OK stub ready\r\n"
        if self.how == "inband":
            connection.sendall(greeting)
            connection.sendall(self._yes(lines.readline()))
        secured = self.context.wrap_socket(connection, True, do_handshake_on_connect=False)
        with secured:
            try:
                secured.do_handshake()
            except ssl.SSLError:
                # With something unread it would be reset, and the alert lost.
                secured.shutdown(1)
                while secured.recv(1000):
                    pass
                return
            if self.how == "port":
                secured.sendall(greeting)
            for line in secured.makefile("rb"):
                secured.sendall(self._yes(line))

    def _yes(self, line):
        return line.split()[0] + b" OK done\r\n" if self.protocol == "imap" else b"+OK done\r\n"


class Made(unittest.TestCase):
    """Certificates of the store, of ours, and of one that has ours from another authority."""

    @classmethod
    def setUpClass(cls):
        directory = tempfile.mkdtemp(prefix="openmmp-ca-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, directory)
        os.chmod(directory, 0o755)
        cls.ca = Authority(os.path.join(directory, "ca"))
        stranger = Authority(os.path.join(directory, "stranger"), "Nobody Trusts Me")
        cls.store = cls.ca.server("store", *STORES.values())
        cls.ours = cls.ca.client("multiplexor", "postmaster@example.com")
        cls.strange = stranger.client("strange", "postmaster@example.com")

    @classmethod
    def instance(cls):
        mmp = Instance("ldif:users.ldif", StoreCaFile=cls.ca.cert, StoreFile="stores",
                       StoreCertFile=cls.ours.cert, StoreKeyFile=cls.ours.key, StoreFailures="0")
        cls.addClassCleanup(mmp.close)
        return mmp

    @classmethod
    def write_stores(cls, mmp):
        strange = {"StoreCertFile": cls.strange.cert, "StoreKeyFile": cls.strange.key}
        shown = {"good": {}, "none": NO_CERTIFICATE, "strange": strange}
        text = ""
        for (how, what), address in STORES.items():
            text += f"store {how}-{what} {address}\n"
            options = {**(INBAND if how == "inband" else {}), **shown[what]}
            text += "".join(f"{how}-{what}:{key} {value}\n" for key, value in options.items())
        write_file(mmp.path("stores"), text)


class StoreCertificate(Made):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mmp = cls.instance()
        cls.write_stores(cls.mmp)
        users = {user_of(*key): address for key, address in STORES.items()}
        cls.dovecot = cls.new_dovecot(list(users))
        homes = {**users, **cls.new_strict_stores()}
        write_file(cls.mmp.path("users.ldif"), ldif(homes))
        tls = cls.dovecot.tls
        cls.mmp.imap_options.update(SSLBacksidePort=tls.imaps_port,
                                    BacksidePort=cls.dovecot.imap_port)
        cls.mmp.pop_options.update(SSLBacksidePort=tls.pop3s_port,
                                   BacksidePort=cls.dovecot.pop3_port)
        cls.dovecot.start()
        cls.mmp.start()

    @classmethod
    def new_dovecot(cls, users):
        first, *others = STORES.values()
        tls = StoreTls(cls.store, {address: cls.store for address in others})
        dovecot = Dovecot(users, first, tls=tls)
        cls.addClassCleanup(dovecot.close)
        dovecot.settings = DOVECOT_SETTINGS.format(ca=cls.ca.cert)
        for user in users:
            dovecot.deliver(user, message(user, f"mail of {user}"))
        return dovecot

    @classmethod
    def new_strict_stores(cls):
        """One for each case; returns their users and where they are."""
        homes = {}
        for (how, what), protocol, version in itertools.product(STORES, PROTOCOLS, VERSIONS):
            host = STORES[how, what]
            stub = StrictStore(protocol, how, version, host, cls.store, cls.ca)
            cls.addClassCleanup(stub.__exit__)
            homes[user_of(how, what, protocol, version)] = f"{host}:{stub.port}"
        return homes

    def logged_in(self, protocol, user):
        """A client, and the answer to its login."""
        client = Client(self.mmp.imap_port if protocol == "imap" else self.mmp.pop3_port)
        self.addCleanup(client.close)
        client.line()
        if protocol == "imap":
            client.send(f"a LOGIN {user} {PASSWORD}\r\n")
            return client, client.until("a ")[-1]
        client.send(f"USER {user}\r\nPASS {PASSWORD}\r\n")
        client.line()
        return client, client.line()

    def test_dovecot_lets_us_in(self):
        for protocol, how in itertools.product(PROTOCOLS, ("port", "inband")):
            with self.subTest(protocol=protocol, how=how):
                user = user_of(how, "good")
                client, answer = self.logged_in(protocol, user)
                self.assertEqual(outcome_of(answer), OK)
                client.send("b EXAMINE INBOX\r\nc FETCH 1 BODY.PEEK[]\r\n" if protocol == "imap"
                            else "RETR 1\r\n")
                lines = client.until("c " if protocol == "imap" else ".")
                self.assertIn(f"Subject: mail of {user}", lines)

    def test_dovecot_refuses_the_password(self):
        for protocol, (how, what) in itertools.product(PROTOCOLS, BAD):
            with self.subTest(protocol=protocol, how=how, what=what):
                user = user_of(how, what)
                self.assertNotEqual(outcome_of(self.logged_in(protocol, user)[1]), OK)
                self.mmp.await_log([PROTOCOLS[protocol], f"login of user {user} failed",
                                    STORES[how, what], "the store says"])
                wait_until(lambda: self.dovecot_says(protocol, how, what), "Dovecot says why", 5)

    def dovecot_says(self, protocol, how, what):
        with open(self.dovecot.log, encoding="utf-8") as file:
            words = (f"{protocol}-login: ", DOVECOT_SAYS[what], f"lip={STORES[how, what]},")
            return any(all(word in line for word in words) for line in file)

    def test_a_strict_store_lets_us_in(self):
        for protocol, how, version in itertools.product(PROTOCOLS, ("port", "inband"), VERSIONS):
            with self.subTest(protocol=protocol, how=how, version=version):
                user = user_of(how, "good", protocol, version)
                self.assertEqual(outcome_of(self.logged_in(protocol, user)[1]), OK)

    def test_a_strict_store_ends_the_handshake(self):
        for protocol, (how, what), version in itertools.product(PROTOCOLS, BAD, VERSIONS):
            with self.subTest(protocol=protocol, how=how, what=what, version=version):
                user = user_of(how, what, protocol, version)
                self.assertEqual(outcome_of(self.logged_in(protocol, user)[1]), LATER)
                self.mmp.await_log([PROTOCOLS[protocol], f"login of user {user} failed",
                                    STORES[how, what], "the peer sent the alert"])

    def test_the_log_names_the_alert(self):
        for (version, what), alert in ALERTS.items():
            with self.subTest(version=version, what=what):
                user = user_of("port", what, "imap", version)
                self.assertEqual(outcome_of(self.logged_in("imap", user)[1]), LATER)
                self.mmp.await_log([f"login of user {user} failed", alert], 2)


class Check(Made):
    def setUp(self):
        self.mmp = self.instance()
        write_file(self.mmp.path("users.ldif"), ldif({}))
        self.write_stores(self.mmp)
        self.mmp.options["SSLBacksidePort"] = "993"

    def check(self):
        self.mmp.write_configuration()
        done = self.mmp.ctl("check")
        return done.returncode, done.stdout + done.stderr

    def test_a_key_that_fits(self):
        status, text = self.check()
        self.assertEqual(status, 0, text)

    def test_a_key_that_does_not(self):
        self.mmp.options["StoreKeyFile"] = self.strange.key
        status, text = self.check()
        self.assertEqual(status, 1, text)
        for file in ("ImapProxyAService.cfg", "PopProxyAService.cfg"):
            self.assertRegex(text, rf"(?m)^{file}:\d+: StoreCertFile: error: {self.ours.cert}: .*"
                             rf"key is not .*{self.strange.key}$")

    def test_one_of_a_group_that_does_not(self):
        with open(self.mmp.path("stores"), encoding="ascii") as file:
            text = file.read()
        write_file(self.mmp.path("stores"), text.replace(self.strange.key, self.ours.key))
        status, text = self.check()
        self.assertEqual(status, 1, text)
        self.assertRegex(text, rf"(?m)^stores: StoreCertFile: error: {self.strange.cert}: .*"
                         rf"key is not .*{self.ours.key}$")


if __name__ == "__main__":
    unittest.main()
