"""What testssl.sh finds about our TLS on ports of each kind: nothing of severity MEDIUM or worse."""

import concurrent.futures
import json
import unittest

from testbed import HOST, TestbedError, run
from tls_site import NAME, TlsSite

# Its other severities are findings that fail the test, and FATAL: it could not look.
HARMLESS = ("OK", "INFO", "DEBUG", "LOW", "WARN")
# Findings that are about the certificate, which we make for each run, and not about the server.
EXCEPTIONS = {"cert_revocation": "our authority publishes neither revocation lists nor a responder"}
# Everything but HTTP headers, simulated browsers (they ask for HTTP by ALPN, which is refused), and
# each cipher again one by one.
CHECKS = ["--protocols", "--server-defaults", "--vulnerable"]
# About ciphers, which are the same on all ports of a service; each is thousands of processes.
CIPHERS = ["--standard", "--fs", "--server-preference"]
# Some findings there must be, or it has not seen TLS at all.
EXPECTED = {"TLS1_2": "offered", "TLS1_3": "offered with final", "TLS1_1": "not offered",
            "heartbleed": "not vulnerable", "secure_client_renego": "not vulnerable",
            "CRIME_TLS": "not vulnerable", "cert_chain_of_trust": "passed"}


class Testssl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = TlsSite()
        cls.addClassCleanup(cls.site.close)
        cls.site.start()
        # It waits more than it works: all at the same time.
        pool = concurrent.futures.ThreadPoolExecutor()
        cls.addClassCleanup(pool.shutdown)
        mmp = cls.site.instance
        cls.runs = {
            "imaps": pool.submit(cls.look, mmp.imaps_port, *CIPHERS),
            "imap": pool.submit(cls.look, mmp.imap_port, "--starttls", "imap"),
            "pop3": pool.submit(cls.look, mmp.pop3_port, "--starttls", "pop3"),
        }

    @classmethod
    def look(cls, port, *options):
        """All findings of one run, in which nobody outside is asked anything."""
        path = cls.site.instance.path(f"testssl-{port}.json")
        done = run([
            "testssl", "--quiet", "--color", "0", "--warnings", "batch", "--nodns", "min",
            "--ip", HOST, "--add-ca", cls.site.certificates.ca.cert, "--jsonfile", path,
            *options, *CHECKS, f"{NAME}:{port}",
        ], timeout=600)
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except (OSError, ValueError) as error:
            raise TestbedError(f"testssl: {error}\n{done.stdout[-3000:]}{done.stderr}") from error

    def check(self, name):
        findings = self.runs[name].result()
        print(f"\n  testssl, {name}:")
        bad = []
        for finding in findings:
            line = f"{finding['severity']} {finding['id']}: {finding['finding']}"
            if finding["severity"] not in HARMLESS:
                excuse = EXCEPTIONS.get(finding["id"].split()[0])
                line += f" (excepted: {excuse})" if excuse else ""
                bad += [] if excuse else [line]
            print(f"    {line}")
        self.assertEqual(bad, [])
        for id_, text in EXPECTED.items():
            found = [f["finding"] for f in findings if f["id"].split()[0] == id_]
            self.assertTrue(found and all(text in finding for finding in found), (id_, found))

    def test_imaps(self):
        self.check("imaps")

    def test_imap_with_starttls(self):
        self.check("imap")

    def test_pop3_with_stls(self):
        self.check("pop3")


if __name__ == "__main__":
    unittest.main()
