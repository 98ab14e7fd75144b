"""A client's half of SCRAM-SHA-256 (RFC 5802, RFC 7677), by Python's hmac and nothing of ours."""

import base64
import hashlib
import hmac
import os


def encode(data):
    return base64.b64encode(data).decode()


class Scram:
    """`binding` is the TLS channel's tls-unique for -PLUS, or None."""

    def __init__(self, user, password, binding=None):
        self.password = password.encode()
        self.header = b"p=tls-unique,," if binding else b"n,,"
        self.binding = binding or b""
        self.nonce = encode(os.urandom(18))
        self.bare = f"n={user},r={self.nonce}"
        self.signature = None

    def first(self):
        return encode(self.header + self.bare.encode())

    def final(self, challenge):
        """The answer to the server's first message, in base64 as it came."""
        server_first = base64.b64decode(challenge).decode()
        fields = dict(field.split("=", 1) for field in server_first.split(","))
        if not fields["r"].startswith(self.nonce):
            raise ValueError("the server's nonce does not begin with ours")
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password, base64.b64decode(fields["s"]), int(fields["i"])
        )
        bare_final = f"c={encode(self.header + self.binding)},r={fields['r']}"
        message = f"{self.bare},{server_first},{bare_final}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        stored = hashlib.sha256(key).digest()
        proof = bytes(a ^ b for a, b in zip(key, hmac.digest(stored, message, "sha256")))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self.signature = hmac.digest(server_key, message, "sha256")
        return encode(f"{bare_final},p={encode(proof)}".encode())

    def believes(self, last):
        """Whether the server's last message, in base64, proves that it knows the password."""
        return base64.b64decode(last).decode() == f"v={encode(self.signature)}"
