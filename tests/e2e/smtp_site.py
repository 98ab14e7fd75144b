"""The sites of the SMTP tests: one with real servers, and one of stubs."""

import base64

from relays import Postfix
from testbed import HOST, Client, Instance, Site, write_file

SENDERS = ("alice@example.com", "bob@example.com")


class SmtpSite(Site):
    """Submission through a real Postfix that delivers to the stores of alice and bob.

    `smtp` are options of the SMTP service alone, `pop` of POP's.
    """

    def __init__(self, smtp=None, pop=None, postfix=None, **options):
        super().__init__(lmtp=True, **options)
        boxes = {user: (store.host, store.lmtp_port) for user, store in self.store_of.items()}
        self.postfix = Postfix(SENDERS, boxes, options=postfix)
        self.instance.enable_smtp(f"{HOST}:{self.postfix.port}")
        self.instance.smtp_options.update(smtp or {})
        self.instance.pop_options.update(pop or {})

    def start(self):
        self.postfix.start()
        super().start()

    def close(self):
        super().close()
        self.postfix.close()


class StubSite:
    """An instance whose relays are StubRelays, which the caller made, and which has no stores."""

    def __init__(self, *relays, open_port=False, workers=1, **smtp):
        self.relays = relays
        self.instance = Instance("ldif:users.ldif")
        write_file(self.instance.path("users.ldif"), "dn: dc=example,dc=com\nobjectClass: domain\n")
        self.instance.process_options["NumThreads"] = workers
        self.instance.enable_smtp(*(relay.name for relay in relays))
        self.instance.smtp_options.update(smtp)
        if open_port:
            self.instance.smtp_options["OpenPorts"] = self.instance.smtp_port

    def __enter__(self):
        try:
            self.instance.start()
        except BaseException:
            self.close()
            raise
        return self

    def client(self):
        return SmtpClient(self.instance.smtp_port)

    def close(self):
        self.instance.close()
        for relay in self.relays:
            relay.stop()

    def __exit__(self, *_):
        self.close()


class SmtpClient(Client):
    """Sends exactly the bytes it is told to, and reads replies."""

    def reply(self):
        """The lines of the next reply, as one text; empty when the connection has ended."""
        lines = []
        while not lines or lines[-1][3:4] == "-":
            line = self.line()
            if not line:
                break
            lines.append(line)
        return "\n".join(lines)

    def ask(self, command):
        self.send(command + "\r\n")
        return self.reply()

    def log_in(self, user="alice@example.com", password="secret"):
        text = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.ask(f"AUTH PLAIN {text}")

    def begin(self, logged_in=True):
        """Up to a client that may send."""
        greeting = self.reply()
        self.ask("EHLO client.example.com")
        if logged_in:
            self.log_in()
        return greeting
