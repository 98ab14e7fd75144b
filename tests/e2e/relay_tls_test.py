"""TLS towards a real Postfix, at connect and by STARTTLS: a relay that is what it should be gets the
mail, one that is not is avoided and gets nothing. Before each stands a Tap that has every byte."""

import base64
import json
import os
import re
import shutil
import socket
import tempfile
import threading
import unittest

from certificates import Authority
from smtp_site import SmtpClient, SmtpSite
from submission_test import received_by
from testbed import HOST, PASSWORD, StubStore, free_port, message, wait_until

ALICE, BOB = "alice@example.com", "bob@example.com"
# What nobody on the way may see: whose mail it is, by what password, and what is in it.
SECRETS = (b"alice", b"bob@", PASSWORD.encode(), b"Subject",
           base64.b64encode(f"\0{ALICE}\0{PASSWORD}".encode()), base64.b64encode(ALICE.encode()))
# All that may be said in clear, and then a TLS handshake.
AT_CONNECT = re.compile(rb"\A\x16\x03")
IN_BAND = re.compile(rb"\AEHLO [\w.-]+\r\nSTARTTLS\r\n(\x16\x03|\Z)")


# Each relay has an address of its own, as on a real site.
ADDRESSES = {"good": "127.0.0.31", "untrusted": "127.0.0.32", "mismatched": "127.0.0.33",
             "expired": "127.0.0.34", "plain": "127.0.0.35"}
REASONS = {
    "untrusted": "self-signed certificate in certificate chain",
    "mismatched": f"certificate is for relay.example.net, .*not for {ADDRESSES['mismatched']}",
    "expired": "certificate has expired",
    "plain": "wrong version number|does not start TLS",
}


def pump(source, sink, seen):
    """Passes everything on, its end too."""
    try:
        while data := source.recv(65536):
            seen += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # whoever has reset it wants no more


class Tap(StubStore):
    """A port that leads to another one; `heard` is what went there, connection by connection."""

    def __init__(self, host, port):
        self.target, self.heard = port, []
        super().__init__(Tap.pass_on, host)
        self.name = f"{host}:{self.port}"

    def pass_on(self, client, _):
        seen = bytearray()
        self.heard.append(seen)
        with socket.create_connection((HOST, self.target)) as server:
            back = threading.Thread(target=pump, args=(server, client, bytearray()))
            back.start()
            pump(client, server, seen)
            back.join()


class RelayTlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="openmmp-ca-", dir="/tmp")
        os.chmod(cls.directory, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        ca = Authority(os.path.join(cls.directory, "ca"))
        stranger = Authority(os.path.join(cls.directory, "stranger"), "Nobody Trusts Me")
        certificates = {
            "good": ca.server("good", HOST, ADDRESSES["good"]),
            "untrusted": stranger.server("untrusted", ADDRESSES["untrusted"]),
            "mismatched": ca.server("mismatched", "relay.example.net", "127.0.0.99"),
            "expired": ca.server("expired", ADDRESSES["expired"], expired=True),
        }
        cls.site = SmtpSite()
        cls.addClassCleanup(cls.site.close)
        # Each certificate has two ports of the one Postfix, and its log says which was used.
        cls.ports = {}
        for name, certificate in certificates.items():
            for wrapped in ("yes", "no"):
                port = cls.ports[name, wrapped] = free_port()
                cls.site.postfix.listeners[port] = {
                    "syslog_name": f"{name}-{wrapped}", "smtpd_tls_wrappermode": wrapped,
                    "smtpd_tls_cert_file": certificate.cert, "smtpd_tls_key_file": certificate.key,
                    "smtpd_tls_security_level": "may", "smtpd_tls_auth_only": "yes",
                    "smtpd_tls_received_header": "yes",
                }
        mmp = cls.site.instance
        # One worker, so that the relays of one session after another are known.
        mmp.process_options["NumThreads"] = "1"
        mmp.smtp_options["StoreCaFile"] = ca.cert
        cls.site.start()
        cls.mmp = mmp

    def tap(self, kind, wrapped):
        port = self.ports.get((kind, wrapped), self.site.postfix.port)
        tap = Tap(ADDRESSES[kind], port)
        self.addCleanup(tap.__exit__)
        return tap

    def use(self, relays, **options):
        self.mmp.smtp_options.update(options, SmtpRelays=" ".join(relays))
        self.mmp.write_configuration()
        done = self.mmp.ctl("reload")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        wait_until(lambda: len({w["generation"] for w in self.mmp.status()["workers"]}) == 1,
                   "the old generation has gone")

    def rows(self):
        document = json.loads(self.mmp.ctl("--json", "relays").stdout)
        return {row["relay"]: row for row in document["relays"]}

    def arrives(self, subject):
        with self.mmp.smtp(ALICE) as smtp:
            smtp.sendmail(ALICE, [BOB], message(BOB, subject))
        text = received_by(self.site, BOB, subject)
        self.assertRegex(text, r"using TLSv1\.[23] with cipher")
        self.assertIn(f"Authenticated sender: {ALICE}", text)

    def assert_private(self, clear, *taps):
        for tap in taps:
            self.assertTrue(tap.heard)
            for seen in map(bytes, tap.heard):
                self.assertRegex(seen, clear)
                for secret in SECRETS:
                    self.assertNotIn(secret, seen)

    def assert_untold(self, service, times):
        """By TLS, too, this service of the Postfix has heard a greeting at most: it logs the
        commands of each connection at its end."""

        def ends():
            lines = self.site.postfix.log_text().splitlines()
            found = [line for line in lines if f"{service}/smtpd" in line and " disconnect " in line]
            return found if len(found) == times else None

        for line in wait_until(ends, f"{times} ends of connections to {service}"):
            self.assertRegex(line, r"\] (ehlo=1 )?(starttls=\d(/\d)? )?commands=")

    def relays_are_verified(self, wrapped, clear):
        bad = {kind: self.tap(kind, wrapped) for kind in REASONS}
        good = self.tap("good", wrapped)
        relays = [tap.name for tap in (*bad.values(), good)]
        self.use(relays)
        self.arrives(f"around bad relays {wrapped}")
        # Wherever the first has begun, so many sessions meet all of them.
        for _ in relays:
            self.mmp.smtp().quit()
        rows = self.rows()
        for kind, tap in bad.items():
            with self.subTest(kind):
                row = rows[tap.name]
                self.assertGreater(row["avoided_seconds"], 0, row)
                self.assertRegex(row["reason"], REASONS[kind])
        self.assertEqual(rows[good.name]["avoided_seconds"], 0)
        # Avoided or not, they are no choice when there is no other.
        met = {kind: len(tap.heard) for kind, tap in bad.items()}
        self.use([tap.name for tap in bad.values()])
        with SmtpClient(self.mmp.smtp_port) as client:
            client.reply()
            self.assertTrue(client.ask("EHLO client.example.com").startswith("421 4.3.2"))
            self.assertEqual(client.rest(), b"")
        for kind, tap in bad.items():
            self.assertEqual(len(tap.heard), met[kind] + 1, kind)
        self.assert_private(clear, good, *bad.values())
        for kind, tap in bad.items():
            if kind != "plain":
                self.assert_untold(f"{kind}-{wrapped}", len(tap.heard))

    def test_at_connect(self):
        # A relay that is named without its port has this one.
        self.use([HOST], SSLBacksidePort=self.ports["good", "yes"], StoreStartTls="no")
        self.arrives("at connect")
        self.relays_are_verified("yes", AT_CONNECT)

    def test_starttls(self):
        good = self.tap("good", "no")
        self.use([good.name], SSLBacksidePort="0", StoreStartTls="yes")
        self.arrives("by STARTTLS")
        self.assert_private(IN_BAND, good)
        self.relays_are_verified("no", IN_BAND)


if __name__ == "__main__":
    unittest.main()
