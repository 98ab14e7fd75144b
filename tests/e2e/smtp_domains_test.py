"""Virtual domains of the submission service: what holds depends on the address a client came to."""

import socket
import unittest

from relays import StubRelay
from smtp_site import SmtpClient
from testbed import HOST, Instance, ldif, write_file

HOSTED = "127.0.0.3"
USER = "alice@example.com"
# The relay knows the secret of the hosted domain only.
VDMAP = f"""\
vdmap hosted {HOSTED}
hosted:PreAuth yes
hosted:SmtpProxyPassword theirs
"""


class VirtualDomainTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.relay = StubRelay(password=b"theirs")
        cls.addClassCleanup(cls.relay.stop)
        mmp = cls.mmp = Instance("ldif:users.ldif")
        cls.addClassCleanup(mmp.close)
        write_file(mmp.path("users.ldif"), ldif({USER: HOST}))
        write_file(mmp.path("vdmap.cfg"), VDMAP)
        mmp.enable_smtp(cls.relay.name)
        mmp.smtp_options.update(VirtualDomainFile="vdmap.cfg", SmtpProxyPassword="ours")
        mmp.process_options["ServiceList"] = (
            f"ImapProxyAService@{HOST}:{mmp.imap_port} PopProxyAService@{HOST}:{mmp.pop3_port} "
            f"SmtpProxyAService@{HOST}:{mmp.smtp_port}|{HOSTED}:{mmp.smtp_port}")
        mmp.start()

    def client(self, host):
        """One that has said EHLO."""
        client = HostClient(host, self.mmp.smtp_port)
        self.addCleanup(client.close)
        client.begin(logged_in=False)
        return client

    def told(self):
        return self.relay.sessions[-1].told

    def test_the_secret_of_the_domain_is_used(self):
        self.client(HOST)
        self.assertEqual(self.told(), [])
        hosted = self.client(HOSTED)
        self.assertEqual(self.told(), [])
        hosted.log_in(USER)
        self.assertEqual([facts["DESTADDR"] for facts in self.told()], [HOSTED.encode()])

    def test_passwords_are_checked_where_the_domain_says(self):
        """The relay would take any."""
        self.assertEqual(self.client(HOST).log_in(USER, "wrong")[:3], "235")
        hosted = self.client(HOSTED)
        self.assertEqual(hosted.log_in(USER, "wrong")[:3], "535")
        self.assertEqual(hosted.log_in(USER)[:3], "235")
        self.assertEqual(self.told()[-1]["LOGIN"], USER.encode())
        self.assertNotIn("AUTH", self.relay.sessions[-1].verbs())


class HostClient(SmtpClient):
    """An SmtpClient that comes to another address."""

    def __init__(self, host, port):
        # No super().__init__(): the socket is another one.
        self.socket = socket.create_connection((host, port), 20)
        self.lines = self.socket.makefile("rb")


if __name__ == "__main__":
    unittest.main()
