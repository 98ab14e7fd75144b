"""ClientLookup and name servers that lie: a relay hears a name that was verified, or that there is
none, and never what somebody has put into the zone of the own address.

The name server is asked on port 53 as every resolver does, so it has a loopback address of its own,
and mmpd a resolv.conf of its own: in a mount namespace, where nobody else sees it.
"""

import re
import socket
import struct
import threading
import unittest

from relays import StubRelay
from smtp_site import SmtpClient, StubSite
from testbed import HOST, write_file

NAME_SERVER = "127.0.53.53"
PTR, A = 12, 1
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3
NO_NAME, NOT_NOW = "[UNAVAILABLE]", "[TEMPUNAVAIL]"
XCLIENT = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"


def wire(labels):
    """A name as it goes over the wire, whatever bytes are in its labels."""
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def plain(name):
    return tuple(name.encode().split(b"."))


class StubDns:
    """Answers by UDP what its table says: {(labels, type): data of one record, or a code}."""

    def __init__(self):
        self.table, self.asked = {}, set()
        self.start()

    def start(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((NAME_SERVER, 53))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            if not query:
                return
            self.socket.sendto(self._reply(query), peer)

    def _reply(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].lower())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack("!H", question[-4:-2])[0]
        self.asked.add((tuple(labels), kind))
        answer = self.table.get((tuple(labels), kind), NO_SUCH_NAME)
        code, record = (answer, b"") if isinstance(answer, int) else (NO_ERROR, answer)
        if record:
            # 0xC00C is the name in the question.
            record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(record)) + record
        return query[:2] + struct.pack("!5H", 0x8180 | code, 1, bool(record), 0, 0) + question + record

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (NAME_SERVER, 53))
        self.thread.join()
        self.socket.close()


class ClientNamesTest(unittest.TestCase):
    """Each test has a client with an address of its own."""

    numbers = iter(range(10, 250))

    @classmethod
    def setUpClass(cls):
        cls.dns = StubDns()
        cls.addClassCleanup(cls.dns.stop)
        cls.relays = {
            "XCLIENT": StubRelay(extensions=(*StubRelay.DEFAULT, XCLIENT)),
            "XPROXYEHLO": StubRelay(password=b"shared"),
        }
        cls.sites = {}
        for tells, relay in cls.relays.items():
            site = StubSite(relay, ClientLookup="yes", SmtpProxyPassword="shared")
            cls.addClassCleanup(site.close)
            resolv = site.instance.path("resolv.conf")
            write_file(resolv, f"nameserver {NAME_SERVER}\n")
            site.instance.wrapper = [
                "unshare", "--mount", "--propagation", "private", "sh", "-c",
                'mount --bind "$0" /etc/resolv.conf && exec "$@"', resolv]
            cls.sites[tells] = site.__enter__()

    def setUp(self):
        self.address = f"127.0.6.{next(self.numbers)}"

    def reverse(self):
        """Where the name of the client's address is asked for."""
        return plain(".".join(reversed(self.address.split("."))) + ".in-addr.arpa"), PTR

    def point(self, labels, forward=None):
        """The client's address has this name, and the name has the address, unless said otherwise."""
        self.dns.table[self.reverse()] = wire(labels)
        lower = tuple(label.lower() for label in labels)
        own = socket.inet_aton(self.address)
        self.dns.table[lower, A] = own if forward is None else forward

    def told(self, tells):
        """The name that the relay hears, and all that it hears in this session."""
        relay = self.relays[tells]
        port = self.sites[tells].instance.smtp_port
        with SmtpClientFrom(self.address, port) as client:
            client.reply()
            self.assertIn("PIPELINING", client.ask("EHLO client.example.com"))
        session = relay.sessions[-1]
        wanted = ["EHLO", "XCLIENT", "EHLO"] if tells == "XCLIENT" else ["EHLO", "XPROXYEHLO"]
        self.assertEqual(session.verbs()[:len(wanted)], wanted)
        self.assertIn(f" ADDR={self.address} ".encode(), session.commands[1])
        names = re.findall(rb" NAME=(\S+)", session.commands[1])
        self.assertEqual(len(names), 1, session.commands)
        return names[0].decode(), bytes(session.raw)

    def assert_told(self, name):
        for tells in self.relays:
            with self.subTest(tells):
                heard, everything = self.told(tells)
                self.assertEqual(heard, name)
                self.assertIn(self.reverse(), self.dns.asked)
                self.assertNotIn(b"evil", everything.lower())
                self.assertNotIn("evil", self.sites[tells].instance.log_text().lower())

    def test_verified(self):
        self.point(plain("Mail.Example.com"))
        self.assert_told("mail.example.com")

    def test_verified_and_as_long_as_a_name_can_be(self):
        name = ".".join(letter * length for letter, length in zip("abcd", (63, 63, 63, 61)))
        self.point(plain(name))
        self.assert_told(name)

    def test_none(self):
        self.assert_told(NO_NAME)

    def test_no_forward_record(self):
        self.point(plain("evil.example.com"), NO_SUCH_NAME)
        self.assert_told(NO_NAME)

    def test_forward_record_of_another(self):
        self.point(plain("evil.example.com"), socket.inet_aton("127.0.6.1"))
        self.assert_told(NO_NAME)

    def test_forward_record_that_cannot_be_had(self):
        self.point(plain("evil.example.com"), SERVER_FAILURE)
        self.assert_told(NOT_NOW)

    def test_hostile_bytes(self):
        """Who has both zones can confirm every name. These are not told, confirmed or not."""
        for labels in (
            (b"evil\r\nMAIL FROM:<evil@example>\r\nx", b"example"),
            (b"evil\n", b"example"),
            (b"evil LOGIN=admin", b"example"),
            (b"evil=evil", b"example"),
            (b"evil+3Dx", b"example"),
            (b"[TEMPUNAVAIL] evil",),
            (b"evil.example.com", b"example"),  # a dot within a label
            (b"evil\0x", b"example"),
            (b"evil\x80\xff", b"example"),
            (b"-evil-", b"example"),
            (b"\\evil", b"example"),
            # 255 bytes on the wire, the last one of which is the root.
            (b"evil" + b" " * 59, b"\r\n" * 31 + b"=", b"=" * 63, b"\xff" * 61),
        ):
            with self.subTest(labels):
                self.address = f"127.0.6.{next(self.numbers)}"
                self.point(labels)
                self.assert_told(NO_NAME)

    def test_address_for_a_name(self):
        self.point(plain(self.address))
        self.assert_told(NO_NAME)

    def test_name_that_points_to_itself(self):
        question = len(wire(self.reverse()[0])) + 4
        # Where the data of the record begins: behind the header, the question, and what it is.
        self.dns.table[self.reverse()] = struct.pack("!H", 0xC000 | 12 + question + 12)
        self.assert_told(NO_NAME)

    def test_no_name_server(self):
        self.point(plain("mail.example.com"))
        self.dns.stop()
        self.addCleanup(self.dns.start)
        for tells in self.relays:
            self.assertIn(self.told(tells)[0], (NO_NAME, NOT_NOW))


class SmtpClientFrom(SmtpClient):
    """A client with an address of its choice."""

    def __init__(self, address, port):
        # No super().__init__(): the socket is another one.
        self.socket = socket.create_connection((HOST, port), 20, (address, 0))
        self.lines = self.socket.makefile("rb")


if __name__ == "__main__":
    unittest.main()
