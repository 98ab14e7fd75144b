"""A certificate authority made by the openssl command, for one run of a test."""

import datetime
import os
import subprocess

from testbed import TestbedError, write_file

DAY = datetime.timedelta(days=1)
# What `openssl ca` has to be told by a file. Several certificates may be for one name.
CONFIGURATION = """\
[ca]
default_ca = here
[here]
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
unique_subject = no
default_md = sha256
preserve = yes
policy = any
[any]
commonName = optional
organizationName = optional
emailAddress = optional
"""


def openssl(*words, data=None):
    done = subprocess.run(
        ["openssl", *words], input=data, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode != 0:
        raise TestbedError(f"openssl {' '.join(words)}:\n{done.stderr}")
    return done.stdout


class Certificate:
    """Two PEM files."""

    def __init__(self, cert, key):
        self.cert, self.key = cert, key

    def fingerprint(self):
        text = openssl("x509", "-in", self.cert, "-noout", "-fingerprint", "-sha256")
        return text.partition("=")[2].strip()


class Authority:
    """Signs certificates for as long as its directory, which is the caller's, exists."""

    def __init__(self, directory, name="Test Authority"):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.cert, self.key = self.path("ca.pem"), self.path("ca.key")
        write_file(self.path("ca.cnf"), CONFIGURATION.format(directory=directory))
        write_file(self.path("index.txt"), "")
        openssl(
            "req", "-x509", *self.new_key("ec"), "-keyout", self.key, "-out", self.cert,
            "-days", "100", "-subj", f"/O=openmmp/CN={name}",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        )

    def path(self, name):
        return os.path.join(self.directory, name)

    @staticmethod
    def new_key(kind):
        size = "ec_paramgen_curve:P-256" if kind == "ec" else "rsa_keygen_bits:2048"
        return ["-newkey", kind, "-pkeyopt", size, "-nodes"]

    def server(self, name, *hosts, kind="ec", expired=False):
        """A server's certificate for host names and addresses, and ours behind it."""
        names = ",".join(("IP:" if host[0].isdigit() else "DNS:") + host for host in hosts)
        extensions = f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n"
        made = self._issue(name, f"/O=openmmp/CN={hosts[0]}", extensions, kind, expired)
        with open(self.cert, encoding="ascii") as file:
            ours = file.read()
        with open(made.cert, "a", encoding="ascii") as file:
            file.write(ours)
        return made

    def client(self, name, address):
        """A certificate of the user with that mail address."""
        subject = f"/O=openmmp/CN={name}/emailAddress={address}"
        return self._issue(name, subject, "extendedKeyUsage=clientAuth\n", "ec", False)

    def _issue(self, name, subject, extensions, kind, expired):
        made = Certificate(self.path(f"{name}.pem"), self.path(f"{name}.key"))
        request, extension_file = self.path(f"{name}.csr"), self.path(f"{name}.ext")
        openssl(
            "req", "-new", *self.new_key(kind), "-keyout", made.key, "-out", request,
            "-subj", subject,
        )
        usage = "critical,digitalSignature" + (",keyEncipherment" if kind == "rsa" else "")
        write_file(
            extension_file,
            f"basicConstraints=CA:false\nkeyUsage={usage}\n{extensions}"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
        )
        first = datetime.datetime.now(datetime.timezone.utc) - 20 * DAY
        last = first + (10 if expired else 110) * DAY
        openssl(
            "ca", "-batch", "-notext", "-config", self.path("ca.cnf"), "-cert", self.cert,
            "-keyfile", self.key, "-in", request, "-out", made.cert,
            "-extfile", extension_file,
            "-startdate", f"{first:%Y%m%d%H%M%SZ}", "-enddate", f"{last:%Y%m%d%H%M%SZ}",
        )
        return made

    def ocsp_response(self, certificate):
        """The path of a signed word, good for a week, that the certificate is not revoked."""
        path = certificate.cert.removesuffix(".pem") + ".ocsp"
        openssl(
            "ocsp", "-index", self.path("index.txt"), "-CA", self.cert, "-rsigner", self.cert,
            "-rkey", self.key, "-issuer", self.cert, "-cert", certificate.cert, "-respout", path,
            "-ndays", "7", "-noverify",
        )
        return path
