"""Real servers and a real openmmp instance on loopback, for the end-to-end tests and quickstart.

Each class here runs one thing: Dovecot (a mail store), Slapd (a directory), Instance (mmpd and its
workers). All are started with start(), ended with stop(), and used as context managers by tests.
Ports lie below 32768, out of the way of the kernel's own choice for outgoing connections.
"""

import glob
import imaplib
import json
import os
import poplib
import pwd
import random
import re
import resource
import shutil
import signal
import smtplib
import socket
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("OPENMMP_BIN") or os.path.join(ROOT, "build/release/bin"))
RC = os.path.join(ROOT, "scripts/AService.rc")
PASSWORD = "secret"
# Who may log in to every mailbox of a Dovecot store, in the name of its owner.
ADMIN, ADMIN_PASSWORD = "storeadmin", "admin-secret"
BASE_DN = "dc=example,dc=com"
HOST = "127.0.0.1"
# Two stores on the same ports, as on a real site, need two addresses; all of 127/8 is loopback.
STORE_HOSTS = ("127.0.0.11", "127.0.0.12")


class TestbedError(Exception):
    """Something could not be started; the text says what, and shows the end of its log."""


GIVEN_PORTS = set()


def free_port():
    """A port that nobody listens on now, on any address, and that nobody else was given: a site
    chooses all of its ports before anything listens."""
    for _ in range(1000):
        port = random.randrange(10000, 32000)
        if port in GIVEN_PORTS:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
        GIVEN_PORTS.add(port)
        return port
    raise TestbedError("no free port between 10000 and 32000")


def wait_until(condition, what, timeout=20.0):
    """Polls until `condition()` is true and returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TestbedError(f"{what}: not within {timeout:g} s")
        time.sleep(0.02)


def read_greeting(port, host=HOST, timeout=2.0):
    """The first line that the server there says, or None."""
    try:
        with socket.create_connection((host, port), timeout) as connection:
            with connection.makefile("rb") as lines:
                return lines.readline().decode("latin-1") or None
    except OSError:
        return None


def tail(path, lines=15):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError as error:
        return f"({error})\n"


def write_file(path, text, mode=0o644):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def message(user, subject, body="Hello.\r\n"):
    """A whole message with CRLF line ends."""
    return (
        f"From: postmaster@example.com\r\nTo: {user}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{random.getrandbits(64):x}@example.com>\r\n"
        "Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n{body}"
    ).encode()


class Server:
    """A foreign program that runs in the foreground, with a scratch directory of its own.

    The directory is in /tmp because socket paths must be short and because the unprivileged
    processes of Dovecot must reach it, which a checkout in somebody's home may not allow.
    """

    def __init__(self, name):
        self.name = name
        self.directory = tempfile.mkdtemp(prefix=f"openmmp-{name}-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.process = None

    def path(self, *names):
        return os.path.join(self.directory, *names)

    @property
    def log(self):
        return self.path("log")

    def launch(self, command):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def await_ready(self, is_ready, timeout=30.0):
        def ready_or_dead():
            if self.process.poll() is not None:
                raise TestbedError(
                    f"{self.name} ended at once with status {self.process.returncode}:\n"
                    + tail(self.log)
                )
            return is_ready()

        try:
            wait_until(ready_or_dead, f"{self.name} answers", timeout)
        except TestbedError:
            self.stop()
            raise

    def stop(self):
        if self.process is not None:
            end_process(self.process)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()


def end_process(process, timeout=20.0):
    """SIGTERM, and SIGKILL to its group when that does not help."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(timeout)
            return
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class StoreTls:
    """How a Dovecot speaks TLS: ports, and certificates by address, see certificates.py.

    `others` are further addresses of the same store, {address: certificate}. Behind the two proxied
    ports a PROXY header is expected.
    """

    def __init__(self, certificate, others=None, imaps_port=None, pop3s_port=None):
        self.certificate = certificate
        self.others = others or {}
        self.imaps_port = imaps_port or free_port()
        self.pop3s_port = pop3s_port or free_port()
        self.proxied_imap_port, self.proxied_pop3_port = free_port(), free_port()

    def configuration(self):
        text = f"ssl = yes\n{self._files(self.certificate)}"
        for address, certificate in self.others.items():
            text += f"local {address} {{\n{self._files(certificate)}}}\n"
        return text

    @staticmethod
    def _files(certificate):
        return f"ssl_cert = <{certificate.cert}\nssl_key = <{certificate.key}\n"

    @staticmethod
    def listeners(protocol, port, proxied_port):
        return f"""\
  inet_listener {protocol}s {{
    port = {port}
    ssl = yes
  }}
  inet_listener {protocol}_proxied {{
    port = {proxied_port}
    haproxy = yes
  }}
"""


class Dovecot(Server):
    """A mail store: Debian's Dovecot with its own configuration, users and Maildirs."""

    def __init__(self, users, host=HOST, imap_port=None, pop3_port=None, name="store", tls=None,
                 lmtp_port=None):
        super().__init__(name)
        self.lmtp_port = lmtp_port  # where it takes mail; None: it takes none
        self.settings = ""  # more of one's own, as in dovecot.conf
        self.users = users
        self.tls = tls
        self.host = host
        self.imap_port = imap_port or free_port()
        self.pop3_port = pop3_port or free_port()
        # Root may not own mail in Dovecot's eyes; an ordinary user can only be itself.
        self.owner = pwd.getpwnam("mail") if os.getuid() == 0 else pwd.getpwuid(os.getuid())

    def start(self):
        for name in ("run", "state", "mail"):
            os.makedirs(self.path(name), exist_ok=True)
        os.chown(self.path("mail"), self.owner.pw_uid, self.owner.pw_gid)
        lines = "".join(f"{user}:{{PLAIN}}{PASSWORD}::::::\n" for user in self.users)
        write_file(self.path("users"), lines)
        write_file(self.path("admins"), f"{ADMIN}:{{PLAIN}}{ADMIN_PASSWORD}::::::\n")
        write_file(self.path("dovecot.conf"), self._configuration())
        self.launch(["/usr/sbin/dovecot", "-F", "-c", self.path("dovecot.conf")])
        self.await_ready(
            lambda: read_greeting(self.imap_port, self.host)
            and read_greeting(self.pop3_port, self.host)
        )

    def _configuration(self):
        user = self.owner.pw_name
        rootless = (
            f"default_internal_user = {user}\ndefault_login_user = {user}\n"
            f"default_internal_group = {group_name(self.owner.pw_gid)}\n"
        )
        login = "service_count = 0\n  process_min_avail = 1\n  client_limit = 4000\n"
        login += "" if os.getuid() == 0 else "  chroot =\n"
        no_chroot = "" if os.getuid() == 0 else "service anvil {\n  chroot =\n}\n"
        no_listener = "  inet_listener {}s {{\n    port = 0\n  }}\n"
        imaps, pop3s = no_listener.format("imap"), no_listener.format("pop3")
        if self.tls:
            imaps = self.tls.listeners("imap", self.tls.imaps_port, self.tls.proxied_imap_port)
            pop3s = self.tls.listeners("pop3", self.tls.pop3s_port, self.tls.proxied_pop3_port)
        addresses = ", ".join((self.host, *(self.tls.others if self.tls else ())))
        return f"""\
protocols = imap pop3 {"lmtp" if self.lmtp_port else ""}
listen = {addresses}
base_dir = {self.path("run")}
state_dir = {self.path("state")}
instance_name = {self.name}
log_path = {self.log}
{self.tls.configuration() if self.tls else "ssl = no"}
disable_plaintext_auth = no
login_trusted_networks = 127.0.0.0/8
haproxy_trusted_networks = 127.0.0.0/8
auth_mechanisms = plain
auth_failure_delay = 0
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{self.path("mail")}/%u
mail_max_userip_connections = 0
default_process_limit = 1100
default_client_limit = 5000
{"" if os.getuid() == 0 else rootless}{no_chroot}\
passdb {{
  driver = passwd-file
  master = yes
  args = username_format=%u {self.path("admins")}
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {self.path("users")}
}}
userdb {{
  driver = static
  args = uid={self.owner.pw_uid} gid={self.owner.pw_gid} home={self.path("mail")}/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {self.imap_port}
  }}
{imaps}  {login}}}
service pop3-login {{
  inet_listener pop3 {{
    port = {self.pop3_port}
  }}
{pop3s}  {login}}}
{self._lmtp() if self.lmtp_port else ""}{self.settings}"""

    def _lmtp(self):
        return f"""\
service lmtp {{
  inet_listener lmtp {{
    address = {self.host}
    port = {self.lmtp_port}
  }}
}}
"""

    def stop(self):
        super().stop()
        # Its sockets would make the next start wait.
        shutil.rmtree(self.path("run"), ignore_errors=True)

    def maildir(self, user):
        return self.path("mail", user)

    def deliver(self, user, data):
        """Puts one message into the user's inbox."""
        for folder in ("", "cur", "new", "tmp"):
            path = os.path.join(self.maildir(user), folder)
            os.makedirs(path, exist_ok=True)
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)
        # Maildir keeps no CR; Dovecot puts them back on the wire.
        path = os.path.join(self.maildir(user), "new", f"{time.time_ns()}.openmmp")
        with open(path, "wb") as file:
            file.write(data.replace(b"\r\n", b"\n"))
        os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def empty(self, user):
        """Removes all the user's mail. Only while nobody is logged in as that user."""
        shutil.rmtree(self.maildir(user), ignore_errors=True)


def group_name(gid):
    import grp

    return grp.getgrgid(gid).gr_name


class Slapd(Server):
    """A directory: Debian's slapd, loaded from an LDIF text."""

    def __init__(self, ldif, port=None, name="slapd"):
        super().__init__(name)
        self.ldif = ldif
        self.schema = ""  # definitions of one's own, as in slapd.conf
        self.port = port or free_port()

    @property
    def url(self):
        return f"ldap://{HOST}:{self.port}/{BASE_DN}"

    def start(self):
        if not os.path.exists(self.path("data", "data.mdb")):
            self._load()
        config = self.path("slapd.conf")
        self.launch(["/usr/sbin/slapd", "-d", "0", "-f", config, "-h", f"ldap://{HOST}:{self.port}"])
        self.await_ready(lambda: can_connect(self.port))

    def _load(self):
        os.makedirs(self.path("data"), exist_ok=True)
        schemas = "".join(
            f"include /etc/ldap/schema/{name}.schema\n"
            for name in ("core", "cosine", "inetorgperson", "misc")
        )
        write_file(
            self.path("slapd.conf"),
            f"""\
{schemas}{self.schema}pidfile {self.path("slapd.pid")}
argsfile {self.path("slapd.args")}
modulepath /usr/lib/ldap
moduleload back_mdb
database mdb
suffix "{BASE_DN}"
rootdn "cn=admin,{BASE_DN}"
rootpw {PASSWORD}
directory {self.path("data")}
maxsize 67108864
index objectClass,uid,mail eq
access to attrs=userPassword by anonymous auth by * none
access to * by * read
""",
        )
        write_file(self.path("users.ldif"), self.ldif)
        command = ["/usr/sbin/slapadd", "-q", "-f", self.path("slapd.conf"), "-l"]
        done = subprocess.run(
            command + [self.path("users.ldif")], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise TestbedError(f"slapadd does not take the LDIF:\n{done.stderr}")

    def pause(self):
        """Still accepts connections, but says nothing more."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


def can_connect(port, host=HOST):
    try:
        socket.create_connection((host, port), 1).close()
        return True
    except OSError:
        return False


def ldif(homes):
    """The directory of the test users: {address: store as in mailHost, or a list, or None}."""
    text = (
        f"dn: {BASE_DN}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\n"
        f"o: Example\n\ndn: ou=people,{BASE_DN}\nobjectClass: organizationalUnit\nou: people\n"
    )
    for address, stores in homes.items():
        uid = address.partition("@")[0]
        stores = [stores] if isinstance(stores, str) else stores or []
        text += (
            f"\ndn: uid={uid},ou=people,{BASE_DN}\nobjectClass: inetOrgPerson\n"
            f"objectClass: inetLocalMailRecipient\nuid: {uid}\ncn: {uid.capitalize()}\n"
            f"sn: {uid.capitalize()}\nmail: {address}\nuserPassword: {PASSWORD}\n"
        )
        text += "".join(f"mailHost: {store}\n" for store in stores)
    return text


class Instance:
    """An openmmp instance: a directory with its configuration, and mmpd running in it."""

    # What every proxy file of the tests and of quickstart says about the directory.
    DIRECTORY_OPTIONS = {
        "HostedDomains": "no",
        "DefaultDomain": "example.com",
        "SearchFormat": "(mail=%s)",
        "ReplayFormat": "%s",
    }

    # All clients of the tests come from one address, and many have the wrong password.
    UNPROTECTED = {"ConnLimits": '""', "BGPenalty": "0"}

    def __init__(self, ldap_url, directory=None, imap_port=None, pop3_port=None, **options):
        """`options` go to all proxy files; see also process_options, imap_options, pop_options,
        smtp_options."""
        self.scratch = None if directory else tempfile.mkdtemp(prefix="openmmp-instance-", dir="/tmp")
        self.directory = directory or self.scratch
        self.imap_port = imap_port or free_port()
        self.pop3_port = pop3_port or free_port()
        self.imaps_port = self.pop3s_port = None  # see enable_tls()
        self.process = None
        self.process_options = {"LogLevel": "6", "NumThreads": "2"}
        if os.getuid() == 0:
            self.process_options.update(BeTheUser="nobody", BeTheGroup="nogroup")
        self.options = {"LdapUrl": f'"{ldap_url}"', **self.DIRECTORY_OPTIONS,
                        **({} if directory else self.UNPROTECTED), **options}
        self.imap_options = {}
        self.pop_options = {}
        self.smtp_options = {}
        self.smtp_port = self.smtps_port = None  # see enable_smtp()
        self.descriptors = None  # hard limit for every process of the instance
        self.wrapper = []  # a command that makes surroundings for mmpd, and becomes it

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def enable_tls(self, *certificates, imaps_port=None, pop3s_port=None):
        """TLS for clients: two ports of its own, STARTTLS and STLS on the others."""
        self.imaps_port = imaps_port or free_port()
        self.pop3s_port = pop3s_port or free_port()
        self.options["SSLEnable"] = "yes"
        self.use_certificates(*certificates)
        self.imap_options["SSLPorts"] = self.imaps_port
        self.pop_options["SSLPorts"] = self.pop3s_port

    def enable_smtp(self, *relays, port=None, tls_port=None):
        """Submission through relays ("host:port"); with `tls_port` after enable_tls() only."""
        self.smtp_port = port or free_port()
        self.smtps_port = tls_port
        self.smtp_options["SmtpRelays"] = " ".join(relays)
        if tls_port:
            self.smtp_options["SSLPorts"] = tls_port

    def use_certificates(self, *certificates):
        self.options["SSLCertFile"] = " ".join(c.cert for c in certificates)
        self.options["SSLKeyFile"] = " ".join(c.key for c in certificates)

    def write_configuration(self, comment=""):
        os.makedirs(self.directory, exist_ok=True)
        imap, pop = f"{HOST}:{self.imap_port}", f"{HOST}:{self.pop3_port}"
        if self.imaps_port:
            imap += f"|{HOST}:{self.imaps_port}"
            pop += f"|{HOST}:{self.pop3s_port}"
        services = f"ImapProxyAService@{imap} PopProxyAService@{pop}"
        if self.smtp_port:
            services += f" SmtpProxyAService@{HOST}:{self.smtp_port}"
            services += f"|{HOST}:{self.smtps_port}" if self.smtps_port else ""
            self._write("SmtpProxyAService.cfg", comment, {**self.options, **self.smtp_options})
        process = {"ServiceList": services, "LogDir": "log", **self.process_options}
        self._write("AService.cfg", comment, process)
        self._write("ImapProxyAService.cfg", comment, {**self.options, **self.imap_options})
        self._write("PopProxyAService.cfg", comment, {**self.options, **self.pop_options})

    def _write(self, name, comment, options):
        text = comment + "".join(f"default:{key} {value}\n" for key, value in options.items())
        write_file(self.path(name), text, 0o600)

    def start(self):
        """Runs mmpd in the foreground, as a child of ours."""
        self.write_configuration()
        with open(self.path("mmpd.out"), "ab") as output:
            self.process = subprocess.Popen(
                [*self.wrapper, os.path.join(BIN, "mmpd"), "-d", self.directory, "--foreground"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=self._limit_descriptors,
            )
        self.await_ready()
        wait_until(self._all_workers_ready, "every worker is ready")

    def _all_workers_ready(self):
        return all(worker["state"] == "ready" for worker in self.status()["workers"])

    def _limit_descriptors(self):
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def await_ready(self, timeout=30.0):
        def answers():
            if self.process is not None and self.process.poll() is not None:
                raise TestbedError(
                    f"mmpd ended with status {self.process.returncode}:\n"
                    + tail(self.path("mmpd.out")) + self.log_text()[-2000:]
                )
            ports = [self.imap_port, self.pop3_port] + ([self.smtp_port] if self.smtp_port else [])
            return all(read_greeting(port) for port in ports)

        wait_until(answers, "mmpd answers on all ports", timeout)

    def stop(self):
        if self.process is not None:
            end_process(self.process)
            self.process = None

    def close(self):
        self.stop()
        if self.scratch:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def control_script(self, verb):
        return run([RC, "-d", self.directory, verb], OPENMMP_BIN=BIN)

    def ctl(self, *arguments):
        return run([os.path.join(BIN, "mmpctl"), "-d", self.directory, *arguments])

    def status(self):
        done = self.ctl("--json", "status")
        if done.returncode != 0:
            raise TestbedError(f"mmpctl status: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)

    def log_text(self, pattern="*.log"):
        text = ""
        for path in sorted(glob.glob(self.path("log", pattern))):
            with open(path, encoding="utf-8", errors="replace") as file:
                text += file.read()
        return text

    def await_log(self, words, timeout=10.0):
        """Waits for a log line that holds all of `words` and returns it."""

        def find():
            for line in self.log_text().splitlines():
                if all(word in line for word in words):
                    return line
            return None

        return wait_until(find, f"a log line with {words}", timeout)

    def imap(self, user=None, password=PASSWORD, timeout=20):
        connection = imaplib.IMAP4(HOST, self.imap_port, timeout)
        if user:
            connection.login(user, password)
        return connection

    def smtp(self, user=None, password=PASSWORD, timeout=20, source=HOST):
        connection = smtplib.SMTP(HOST, self.smtp_port, timeout=timeout, source_address=(source, 0))
        connection.ehlo()
        if user:
            connection.login(user, password)
        return connection

    def pop(self, user=None, password=PASSWORD, timeout=20):
        connection = poplib.POP3(HOST, self.pop3_port, timeout)
        if user:
            connection.user(user)
            connection.pass_(password)
        return connection


class Site:
    """Two stores with a user each, a directory, and an instance in front: what an operator has.

    `homes` adds users to the directory, {address: mailHost or a list}; `users` have mailboxes on the
    first store; `entries` is more LDIF; `tls` are the stores' StoreTls; `lmtp`: they take mail.
    """

    def __init__(
        self, with_slapd=False, homes=None, users=(), entries="", tls=(None, None), lmtp=False,
        **options,
    ):
        ports = free_port(), free_port()
        self.alice, self.bob = "alice@example.com", "bob@example.com"
        self.store_of = {
            user: Dovecot([user, *users], host, *ports, tls=store_tls,
                          lmtp_port=free_port() if lmtp else None)
            for user, host, store_tls in zip((self.alice, self.bob), STORE_HOSTS, tls)
        }
        self.store_ports = ports
        homes = {**{user: STORE_HOSTS[0] for user in users}, **(homes or {})}
        homes = {**dict(zip(self.store_of, STORE_HOSTS)), **homes}
        entries = ldif(homes) + entries
        self.slapd = Slapd(entries) if with_slapd else None
        self.instance = Instance(self.slapd.url if with_slapd else "ldif:users.ldif", **options)
        write_file(self.instance.path("users.ldif"), entries)
        self.instance.imap_options["BacksidePort"] = ports[0]
        self.instance.pop_options["BacksidePort"] = ports[1]

    def start(self):
        for user, store in self.store_of.items():
            store.deliver(user, message(user, f"mail of {user}"))
            store.start()
        if self.slapd:
            self.slapd.start()
        self.instance.start()

    def close(self):
        for server in (self.instance, self.slapd, *self.store_of.values()):
            if server:
                server.close()

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()


class StubStore:
    """A store that does what `serve(stub, socket, lines)` does, in a thread a connection."""

    def __init__(self, serve, host=HOST):
        self.serve = serve
        self.listener = socket.create_server((host, free_port()), backlog=1024)
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                self.serve(self, connection, lines)
            except OSError:
                pass  # the other side has gone, which tests do on purpose

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def serve_imap_login(connection, lines):
    """The store's half of an IMAP login that succeeds, by LOGIN with or without literals."""
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 LITERAL+] stub ready\r\n")
    while True:
        line = lines.readline()
        tag, _, rest = line.partition(b" ")
        if not line or rest.upper().startswith(b"LOGIN"):
            while re.search(rb"\{(\d+)\+?\}\r\n$", line):
                if not line.endswith(b"+}\r\n"):
                    connection.sendall(b"+ go on\r\n")
                lines.read(int(re.search(rb"\{(\d+)", line).group(1)))
                line = lines.readline()
            connection.sendall(tag + b" OK [CAPABILITY IMAP4rev1 IDLE] stub logged in\r\n")
            return
        connection.sendall(b"* CAPABILITY IMAP4rev1 LITERAL+\r\n" + tag + b" OK done\r\n")


class Client:
    """A client that sends exactly the bytes it is told to."""

    def __init__(self, port, timeout=20, host=HOST):
        self.socket = socket.create_connection((host, port), timeout)
        self.lines = self.socket.makefile("rb")

    def send(self, text):
        self.socket.sendall(text if isinstance(text, bytes) else text.encode())

    def line(self):
        """The next line without its end; empty when the connection has ended."""
        return self.lines.readline().decode("latin-1").rstrip("\r\n")

    def until(self, start):
        """Lines up to and including the first that begins with `start`."""
        found = []
        while not found or not found[-1].startswith(start):
            line = self.lines.readline()
            if not line:
                raise TestbedError(f"the connection ended before {start!r}, after {found}")
            found.append(line.decode("latin-1").rstrip("\r\n"))
        return found

    def rest(self):
        """Everything up to the end of the connection."""
        return self.lines.read()

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def run(command, timeout=60, stdin="", **environment):
    return subprocess.run(
        command, capture_output=True, text=True, errors="replace", timeout=timeout, check=False,
        input=stdin, env={**os.environ, **environment},
    )
