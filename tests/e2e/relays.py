"""SMTP relays for the end-to-end tests: a real Postfix, and a stub that records every byte."""

import dataclasses
import grp
import hmac
import os
import pwd
import re
import secrets
import socket
import ssl
import threading
import time

from testbed import HOST, PASSWORD, Server, TestbedError, can_connect, free_port, read_greeting
from testbed import tail, run, wait_until, write_file

POSTFIX_DAEMONS = "/usr/lib/postfix/sbin"
# The services that smtpd needs to queue a message, and those that deliver it.
MASTER = """\
{listen} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


class SaslServer(Server):
    """Checks the passwords of a Postfix: the part of Dovecot that does just that."""

    def __init__(self, users, name="sasl"):
        super().__init__(name)
        self.users = users

    @property
    def socket(self):
        return self.path("run", "smtp-auth")

    def start(self):
        os.makedirs(self.path("run"), exist_ok=True)
        lines = "".join(f"{user}:{{PLAIN}}{PASSWORD}::::::\n" for user in self.users)
        write_file(self.path("users"), lines)
        write_file(self.path("dovecot.conf"), f"""\
protocols =
base_dir = {self.path("run")}
state_dir = {self.path("run")}
instance_name = {self.name}
log_path = {self.log}
ssl = no
auth_mechanisms = plain login
auth_failure_delay = 0
passdb {{
  driver = passwd-file
  args = username_format=%u {self.path("users")}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home=/nonexistent
}}
service auth {{
  unix_listener smtp-auth {{
    mode = 0666
  }}
}}
""")
        self.launch(["/usr/sbin/dovecot", "-F", "-c", self.path("dovecot.conf")])
        self.await_ready(lambda: os.path.exists(self.socket))


def options_of(certificate):
    """STARTTLS by a Certificate, or none."""
    if not certificate:
        return {}
    return {"smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate.cert,
            "smtpd_tls_key_file": certificate.key, "smtpd_tls_received_header": "yes"}


class Postfix(Server):
    """Debian's Postfix with directories of its own. Root starts it, or nobody.

    `boxes` says where mail goes: {address: (host, LMTP port)}; mail to others is thrown away.
    `senders` may log in, and only who has may send, be it here or, told by XCLIENT LOGIN from a
    trusted address, elsewhere. `networks` may send without. Its log says who it believes a client
    to be.
    """

    def __init__(self, senders, boxes=None, host=HOST, port=None, name="postfix", options=None,
                 certificate=None):
        super().__init__(name)
        self.host, self.port = host, port or free_port()
        self.boxes = boxes or {}
        self.listeners = {}  # of further ports the options, {port: {option: value}}
        self.sasl = SaslServer(senders, name + "-sasl")
        self.options = options_of(certificate) | {
            "compatibility_level": "3.6",
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "queue_directory": self.path("queue"),
            "data_directory": self.path("data"),
            "command_directory": "/usr/sbin",
            "daemon_directory": POSTFIX_DAEMONS,
            "meta_directory": "/etc/postfix",
            "shlib_directory": "/usr/lib/postfix",
            "maillog_file": self.log,
            "maillog_file_prefixes": "/tmp",
            "myhostname": f"{name}.example.com",
            "mydestination": "",
            "inet_interfaces": host,
            "inet_protocols": "ipv4",
            "alias_maps": "",
            "local_recipient_maps": "",
            "smtp_dns_support_level": "disabled",
            "lmtp_dns_support_level": "disabled",
            "smtpd_client_connection_count_limit": "0",
            "mynetworks": "192.0.2.99/32",
            "smtpd_relay_restrictions": "permit_mynetworks, permit_sasl_authenticated, reject",
            "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": self.sasl.socket,
            "smtpd_sasl_authenticated_header": "yes",
            "default_transport": "discard:",
            "message_size_limit": str(300 * 1024 * 1024),
            "mailbox_size_limit": "0",
            **(options or {}),
        }

    def start(self):
        if not self.sasl.process:
            self.sasl.start()
        for name in ("etc", "queue", "data"):
            os.makedirs(self.path(name), exist_ok=True)
        os.chown(self.path("data"), pwd.getpwnam("postfix").pw_uid, grp.getgrnam("postfix").gr_gid)
        boxes = ", ".join(f"{{{user} = lmtp:inet:[{host}]:{port}}}"
                          for user, (host, port) in self.boxes.items())
        options = dict(self.options)
        if boxes:
            options["transport_maps"] = f"inline:{{{boxes}}}"
        text = "".join(f"{key} = {value}\n" for key, value in options.items())
        write_file(self.path("etc", "main.cf"), text)
        services = MASTER.format(listen=f"{self.host}:{self.port}")
        for port, special in self.listeners.items():
            words = "".join(f" -o {key}={value}" for key, value in special.items())
            services += f"{self.host}:{port} inet n - n - - smtpd{words}\n"
        write_file(self.path("etc", "master.cf"), services)
        done = run(["/usr/sbin/postfix", "-c", self.path("etc"), "check"])
        if done.returncode != 0:
            raise TestbedError(f"postfix check:\n{done.stdout}{done.stderr}" + tail(self.log))
        self.launch([POSTFIX_DAEMONS + "/master", "-s", "-c", self.path("etc")])
        self.await_ready(lambda: read_greeting(self.port, self.host))

    def stop(self):
        super().stop()
        self.sasl.stop()

    def close(self):
        super().close()
        self.sasl.close()

    def log_text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def await_log(self, *words, timeout=15.0):
        """Waits for a log line that has all of `words` and returns it."""

        def find():
            lines = self.log_text().splitlines()
            return next((line for line in lines if all(word in line for word in words)), None)

        return wait_until(find, f"a line of Postfix's log with {words}", timeout)


@dataclasses.dataclass
class Mail:
    """A message as a stub has it: every byte between 354 and the end, which is not in `data`."""

    sender: bytes = b""
    recipients: list = dataclasses.field(default_factory=list)
    data: bytes = b""
    end: bytes = b""  # what the stub took for the end


def unescape(xtext):
    return re.sub(rb"\+([0-9A-F]{2})", lambda found: bytes([int(found.group(1), 16)]), xtext)


def verify_xproxyehlo(line, nonce, password):
    """What docs/xproxyehlo.md tells a relay to do: the facts, {name: value}, or None when whoever has
    said this does not know the password."""
    words = line.split(b" ")
    facts = {"HELO": unescape(words[1])}
    for word in words[2:]:
        name, _, value = word.partition(b"=")
        facts[name.decode()] = unescape(value)
    if "MAC" in facts:
        covered = nonce + b" " + line[:line.rindex(b" MAC=")]
        mac = hmac.new(password, covered, "sha256").hexdigest()
        return facts if facts["MAC"] == b"HMAC-SHA256:" + mac.encode() else None
    return facts if facts.get("PASSWORD") == password else None


class RelaySession:
    """What a stub has heard in one connection."""

    def __init__(self):
        self.told = []  # facts of each XPROXYEHLO that was believed
        self.raw = bytearray()  # all of it
        self.commands = []  # lines without their end
        self.mails = []
        self.ended = False

    def verbs(self):
        return [command.split(b" ")[0].upper().decode() for command in self.commands]


STRICT_END = re.compile(rb"\r\n\.\r\n")
# What servers of the field have taken for an end, one or another of them.
LAX_END = re.compile(rb"(?:\r\n|\r|\n)\x00?\.(?:\r*\n|\r(?=[^\r\n]))")

OK = b"250 2.0.0 ok\r\n"


class StubRelay:
    """A relay in a thread a connection, that does what it is told and remembers what it heard.

    `extensions` are its lines of EHLO. `replies` gives its answers by verb, as bytes or as a
    function of the line; GREETING and MESSAGE (the answer to the end of data) are verbs, too. An
    answer of None: the connection is closed. `lax` takes more than CRLF.CRLF for the end of data.
    `rate` is how many bytes of a message it reads in a second. With `password` it announces
    XPROXYEHLO, and believes who knows it.
    """

    DEFAULT = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 300000000", "CHUNKING",
               "AUTH PLAIN LOGIN")

    def __init__(self, extensions=DEFAULT, replies=None, lax=False, rate=None, host=HOST, port=None,
                 keep_data=True, context=None, password=None):
        self.extensions, self.lax, self.rate = list(extensions), lax, rate
        self.replies = {"GREETING": b"220 stub.example.com ESMTP\r\n", "HELO": OK,
                        "DATA": b"354 go on\r\n", "QUIT": b"221 2.0.0 bye\r\n",
                        "AUTH": b"235 2.7.0 welcome\r\n", "RCPT": b"250 2.1.5 ok\r\n",
                        "STARTTLS": b"220 2.0.0 ready\r\n",
                        "XCLIENT": b"220 stub.example.com ESMTP\r\n", **(replies or {})}
        self.keep_data = keep_data
        self.password = password
        self.context = context
        self.sessions = []
        self.received = 0  # bytes of messages
        self.host, self.port = host, port or free_port()
        self.listener = None
        self.open = set()
        self.start()

    @property
    def name(self):
        return f"{self.host}:{self.port}"

    def start(self):
        self.listener = socket.create_server((self.host, self.port), backlog=256)
        threading.Thread(target=self._accept, args=(self.listener,), daemon=True).start()

    def stop(self):
        """Nobody listens any more, and what was open is reset."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def mails(self):
        return [mail for session in self.sessions for mail in session.mails]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _accept(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        session = RelaySession()
        self.sessions.append(session)
        self.open.add(connection)
        try:
            Conversation(self, connection, session).run()
        except (OSError, ssl.SSLError, EOFError):
            pass  # the other side has gone, or we were told to go
        finally:
            session.ended = True
            self.open.discard(connection)
            connection.close()


class Conversation:
    """One connection to a StubRelay."""

    def __init__(self, stub, connection, session):
        self.stub, self.socket, self.session = stub, connection, session
        self.buffer = b""
        self.mail = Mail()
        self.nonce = secrets.token_hex(16).encode()
        if stub.rate:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)

    def run(self):
        self.say("GREETING")
        while True:
            line = self.read_line()
            self.session.commands.append(line)
            verb = line.split(b" ")[0].upper().decode("latin-1")
            if not self.obey(verb, line):
                return

    def obey(self, verb, line):
        if verb == "EHLO" and "EHLO" not in self.stub.replies:
            return self.announce()
        if verb == "XPROXYEHLO" and self.stub.password:
            facts = verify_xproxyehlo(line, self.nonce, self.stub.password)
            if facts is None:
                self.socket.sendall(b"535 5.7.8 who are you?\r\n")
                return True
            self.session.told.append(facts)
            return self.announce()
        if verb == "BDAT":
            return self.take_chunk(line)
        positive = self.say(verb, line)
        if verb == "MAIL":
            self.mail = Mail(sender=line)
        elif verb == "RCPT" and positive:
            self.mail.recipients.append(line)
        elif verb == "DATA" and positive:
            self.take_data()
        elif verb == "STARTTLS" and positive:
            self.socket = self.stub.context.wrap_socket(self.socket, server_side=True)
        elif verb == "AUTH" and positive and positive < 400 and positive >= 300:
            self.session.commands.append(self.read_line())
            self.socket.sendall(b"235 2.7.0 welcome\r\n")
        return verb != "QUIT"

    def announce(self):
        lines = ["stub.example.com", *self.stub.extensions]
        lines += [f"XPROXYEHLO {self.nonce.decode()}"] if self.stub.password else []
        last = len(lines) - 1
        self.socket.sendall("".join(
            f"250{' ' if i == last else '-'}{text}\r\n" for i, text in enumerate(lines)).encode())
        return True

    def say(self, verb, line=b""):
        """Answers, and gives back the code when it is a positive one."""
        reply = self.stub.replies.get(verb, OK)
        if callable(reply):
            reply = reply(line)
        if reply is None:
            raise EOFError
        self.socket.sendall(reply)
        code = int(reply[:3]) if reply[:3].isdigit() else 0
        return code if 200 <= code < 400 else 0

    def take_data(self):
        end = LAX_END if self.stub.lax else STRICT_END
        found = None
        data = b"\r\n"  # the line end of DATA counts for a dot at once behind it
        while not found:
            if self.buffer:
                before = len(data)
                data += self.buffer
                self.buffer = b""
                found = end.search(data, max(0, before - 8))
                if not found and not self.stub.keep_data:
                    data = data[-8:]
            else:
                self.receive(slow=True)
        self.mail.data = data[2:found.start()] if self.stub.keep_data else b""
        self.mail.end = found.group()
        self.buffer = data[found.end():]
        self.finish()

    def take_chunk(self, line):
        words = line.split()
        size = int(words[1])
        while len(self.buffer) < size:
            self.receive(slow=True)
        self.mail.data += self.buffer[:size]
        self.buffer = self.buffer[size:]
        if len(words) > 2:
            self.finish()
        else:
            self.say("BDAT", line)
        return True

    def finish(self):
        self.session.mails.append(self.mail)
        self.mail = Mail()
        self.say("MESSAGE")

    def read_line(self):
        while b"\n" not in self.buffer:
            self.receive()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def receive(self, slow=False):
        rate = self.stub.rate if slow else None
        data = self.socket.recv(max(4096, rate // 20) if rate else 1 << 18)
        if not data:
            raise EOFError
        self.buffer += data
        self.stub.received += len(data) if slow else 0
        if self.stub.keep_data or not slow:
            self.session.raw += data
        if rate:
            time.sleep(len(data) / rate)
