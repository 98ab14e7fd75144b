"""The site of the TLS tests: every certificate a store or a client may have, good and bad."""

import os
import shutil
import socket
import ssl
import tempfile

from certificates import Authority
from testbed import (
    ADMIN, ADMIN_PASSWORD, HOST, STORE_HOSTS, Client, Site, StoreTls, write_file,
)

# Two certificates of ours: clients choose by SNI.
NAME, OTHER_NAME = "mail.example.com", "mail.example.org"
# Further addresses of alice's store: each has another certificate, or wants a PROXY header. The
# users' names say what is with their stores.
STORES = {
    "expired": "127.0.0.21",
    "mismatched": "127.0.0.22",
    "untrusted": "127.0.0.23",
    "pinned": "127.0.0.24",
    "proxied": "127.0.0.25",
}
BALANCER = "127.0.0.5"  # its PROXY headers are believed
CERTMAP = "certmap default default\ndefault:DNComps\ndefault:FilterComps e=mail\n"


class Certificates:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="openmmp-ca-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.ca = Authority(os.path.join(self.directory, "ca"))
        self.stranger = Authority(os.path.join(self.directory, "stranger"), "Nobody Trusts Me")
        self.mail = self.ca.server("mail", NAME, "localhost", HOST)
        self.mail_rsa = self.ca.server("mail-rsa", NAME, "localhost", HOST, kind="rsa")
        self.other = self.ca.server("other", OTHER_NAME)
        self.stores = [self.ca.server("store1", STORE_HOSTS[0], STORES["proxied"]),
                       self.ca.server("store2", STORE_HOSTS[1])]
        self.by_address = {
            STORES["expired"]: self.ca.server("expired", STORES["expired"], expired=True),
            STORES["mismatched"]: self.ca.server("mismatched", "store.example.net", "127.0.0.99"),
            STORES["untrusted"]: self.stranger.server("untrusted", STORES["untrusted"]),
            STORES["pinned"]: self.stranger.server("pinned", "whatever"),
            STORES["proxied"]: self.stores[0],
        }
        self.alice = self.ca.client("alice", "alice@example.com")
        self.false_alice = self.stranger.client("false-alice", "alice@example.com")

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)


class TlsSite(Site):
    """TLS on both legs: alice's store by a port of its own, bob's by STARTTLS and STLS."""

    def __init__(self, **options):
        self.certificates = certificates = Certificates()
        first = StoreTls(certificates.stores[0], certificates.by_address)
        second = StoreTls(certificates.stores[1], None, first.imaps_port, first.pop3s_port)
        users = {f"{name}@example.com": address for name, address in STORES.items()}
        super().__init__(homes=users, users=users, tls=(first, second), **options)
        self.store_tls = first
        self._configure(self.instance)

    def _configure(self, mmp):
        certificates = self.certificates
        mmp.enable_tls(certificates.mail, certificates.mail_rsa, certificates.other)
        write_file(mmp.path("certmap.conf"), CERTMAP)
        response = certificates.ca.ocsp_response(certificates.mail)
        mmp.options.update(
            SSLClientCaFile=certificates.ca.cert, CertMapFile="certmap.conf",
            SSLOcspFile=f"{response} - -", StoreAdmin=ADMIN, StoreAdminPass=ADMIN_PASSWORD,
            RestrictPlainPasswords="yes", CRAMs="yes", SCRAMs="yes",
            StoreCaFile=certificates.ca.cert, ProxyProtocol="yes", TrustedNetworks=BALANCER,
            ForwardClient="auto",
        )
        tls = self.store_tls
        self._set_stores(mmp.imap_options, "imap.stores", tls.imaps_port, tls.proxied_imap_port)
        self._set_stores(mmp.pop_options, "pop.stores", tls.pop3s_port, tls.proxied_pop3_port)

    def _set_stores(self, options, file, tls_port, proxied_port):
        # Dovecot announces XCLIENT in its greeting alone, which counts for nothing before STLS.
        told = "xclient" if file == "pop.stores" else "auto"
        pin = self.certificates.by_address[STORES["pinned"]].fingerprint()
        options.update(SSLBacksidePort=tls_port, StoreFile=file)
        write_file(self.instance.path(file), f"""\
store inband {STORE_HOSTS[1]}
inband:SSLBacksidePort 0
inband:StoreStartTls yes
inband:ForwardClient {told}
store pinned {STORES["pinned"]}
pinned:StoreFingerprints {pin}
store proxied {STORES["proxied"]}
proxied:BacksidePort {proxied_port}
proxied:SSLBacksidePort 0
proxied:StoreStartTls yes
proxied:ForwardClient proxy2
""")

    def trust(self, certificate=None, version=None):
        """What a client needs to verify us: a context, with a certificate of its own or none."""
        context = ssl.create_default_context(cafile=self.certificates.ca.cert)
        if certificate:
            context.load_cert_chain(certificate.cert, certificate.key)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def close(self):
        super().close()
        self.certificates.close()


class TlsClient(Client):
    """Sends exactly the bytes it is told to, over TLS."""

    def __init__(self, port, context, name=NAME, source="127.0.0.1", before=b"", session=None):
        # No super().__init__(): the socket is another one.
        plain = socket.create_connection((HOST, port), 20, (source, 0))
        plain.sendall(before)
        self.socket = context.wrap_socket(plain, server_hostname=name, session=session)
        self.lines = self.socket.makefile("rb")
