"""The proxies of the bench: how each is configured, started, weighed and ended.

Every proxy is given one thread of work, the same stub store and no logging beyond its own default.
A proxy is its whole process tree: helpers that it needs (Dovecot's auth and log processes, our
supervisor) are part of its cost.

A proxy speaks either in clear or TLS from the start: with a Certificate it has one listener, for
TLS, and as many defaults of its own as it would have on Debian. All of them have session tickets
on, and OpenSSL chooses versions and groups, and the number of tickets unless the proxy does: ours
gives one.

What it speaks is its service: "imap"; "smtp", whose clients log in at the proxy, which tells the
relay who they are by XCLIENT; or "sink", whose clients do not, and whose relay is told by a PROXY
header.
"""
import contextlib
import imaplib
import os
import pathlib
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import time

ALL_USERS = 100
HOST = "127.0.0.1"
CANDIDATE_PORTS = iter(range(21000, 32000))  # each is given out once
TICKS = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Something could not be run; the text says what, for the person who reads it."""


def free_port():
    """A port that nobody listens on, below the range that outgoing connections use."""
    for port in CANDIDATE_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return port
            except OSError:
                continue
    raise BenchError("no free port between 21000 and 32000")


def wait_for(what, ready, process, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return
        if process.poll() is not None:
            raise BenchError(f"{what} ended with status {process.returncode} while starting")
        time.sleep(0.05)
    raise BenchError(f"{what} was not ready after {seconds} seconds")


def answers(port):
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False


def log_in(port, tls, service):
    """Raises what went wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if service != "imap":
        return send_mail(port, context if tls else None, service)
    if tls:
        client = imaplib.IMAP4_SSL(HOST, port, ssl_context=context, timeout=5)
    else:
        client = imaplib.IMAP4(HOST, port, timeout=5)
    with client:
        client.login("user0", "secret")


def send_mail(port, context, service):
    client = (smtplib.SMTP_SSL(HOST, port, context=context, timeout=5) if context
              else smtplib.SMTP(HOST, port, timeout=5))
    with client:
        if service == "smtp":
            client.ehlo()
            client.user, client.password = "user0", "secret"
            code, text = client.auth("PLAIN", client.auth_plain)
            if code != 235:
                raise smtplib.SMTPResponseException(code, text)
        client.sendmail("user0@example.com", ["someone@example.com"], "Subject: hello\n\nhello")


class Certificate:
    """A certificate that nobody has signed, ECDSA with P-256, and its key: one for all proxies."""

    def __init__(self, place):
        place.mkdir()
        self.chain, self.key = place / "cert.pem", place / "key.pem"
        self.both = place / "both.pem"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                   "-addext", f"subjectAltName=DNS:localhost,IP:{HOST}",
                   "-keyout", str(self.key), "-out", str(self.chain)]
        try:
            made = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            raise BenchError(f"openssl: {error.strerror}") from error
        if made.returncode != 0:
            raise BenchError(f"openssl: {made.stderr.strip()}")
        self.both.touch(0o600)
        self.both.write_text(self.chain.read_text() + self.key.read_text())


def stat_fields(pid):
    """The fields of /proc/PID/stat behind the name, or None when the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


def tree_of(root):
    parents = {}
    for entry in os.listdir("/proc"):
        fields = stat_fields(entry) if entry.isdigit() else None
        if fields:
            parents[int(entry)] = int(fields[1])
    tree = {root}
    while True:
        more = {pid for pid, parent in parents.items() if parent in tree} - tree
        if not more:
            return tree
        tree |= more


class Peer:
    """One contestant. Subclasses write a configuration and name a command.

    Whoever calls start() calls stop(), also when start() failed.
    """
    name = ""
    groups = ("plain", "tls")  # of what is measured, see bench.py

    def __init__(self, place, store_port, build, certificate=None, service="imap"):
        self.place, self.store_port, self.build = place, store_port, build
        self.service = service
        self.certificate = certificate  # with one it speaks TLS
        self.port = free_port()
        self.process = None
        self.helpers = []

    def command(self):
        raise NotImplementedError

    def start(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(parents=True)
        command = self.command()
        self.process = self.spawn(command, "output")
        wait_for(command[0], lambda: answers(self.port), self.process)
        try:
            log_in(self.port, self.certificate is not None, self.service)
        except (OSError, imaplib.IMAP4.error, smtplib.SMTPException) as error:
            over = " over TLS" if self.certificate else ""
            raise BenchError(f"it listens, but user0 cannot use it{over}: {error}") from error

    def spawn(self, command, log):
        with open(self.place / log, "w") as output:
            try:
                return subprocess.Popen(command, cwd=self.place, stdin=subprocess.DEVNULL,
                                        stdout=output, stderr=output, start_new_session=True)
            except OSError as error:
                raise BenchError(f"{command[0]}: {error.strerror}") from error

    def stop(self):
        for process in [self.process, *self.helpers]:
            if process is None:
                continue
            tree = tree_of(process.pid)
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in tree:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                process.wait()
        self.process, self.helpers = None, []

    def cpu(self):
        """Seconds of CPU that the tree has used, with those of children that are gone."""
        fields = filter(None, map(stat_fields, tree_of(self.process.pid)))
        return sum(int(ticks) for each in fields for ticks in each[11:15]) / TICKS

    def memory(self):
        """KiB of the tree's proportional set size."""
        total = 0
        for pid in tree_of(self.process.pid):
            try:
                rollup = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue  # a helper that has just ended
            total += sum(int(line.split()[1]) for line in rollup.splitlines()
                         if line.startswith("Pss:"))
        return total

    def write(self, name, text):
        (self.place / name).write_text(text)
        return str(self.place / name)


def users_ldif():
    entries = ["dn: o=bench\nobjectClass: organization\no: bench\n"]
    for number in range(ALL_USERS):
        entries.append(f"dn: uid=user{number},o=bench\nobjectClass: inetOrgPerson\n"
                       f"objectClass: inetLocalMailRecipient\nuid: user{number}\ncn: user{number}\n"
                       f"sn: user{number}\nmailHost: {HOST}\nuserPassword: secret\n")
    return "\n".join(entries)


class OpenmmpLdif(Peer):
    name = "openmmp-ldif"
    groups = ("plain", "tls", "smtp", "smtp_tls", "sink")
    EXECUTABLES = {"imap": "ImapProxyAService", "smtp": "SmtpProxyAService",
                   "sink": "SmtpProxyAService"}

    def ldap_url(self):
        self.write("users.ldif", users_ldif())
        return "ldif:users.ldif"

    def tls_options(self):
        if not self.certificate:
            return ""
        return (f"default:SSLEnable yes\ndefault:SSLPorts {self.port}\n"
                f"default:SSLCertFile {self.certificate.chain}\n"
                f"default:SSLKeyFile {self.certificate.key}\n")

    def service_options(self):
        if self.service == "imap":
            return f"default:BacksidePort {self.store_port}\n"
        relays = f"default:SmtpRelays {HOST}:{self.store_port}\n"
        if self.service == "smtp":
            return relays + "default:PreAuth yes\ndefault:TellRelay xclient\n"
        return relays + f"default:TellRelay proxy1\ndefault:OpenPorts {self.port}\n"

    def command(self):
        executable = self.EXECUTABLES[self.service]
        self.write("AService.cfg",
                   f"default:ServiceList {executable}@{HOST}:{self.port}\n"
                   "default:NumThreads 1\n")
        self.write(f"{executable}.cfg",
                   f'default:LdapUrl "{self.ldap_url()}"\n'
                   "default:HostedDomains no\n"
                   # Counted, but never reached: all clients of the bench have one address.
                   "default:ConnLimits 0.0.0.0|0.0.0.0:1000000\n" + self.service_options() +
                   self.tls_options())
        return [str(self.build / "bin/mmpd"), "-d", str(self.place), "--foreground"]


class OpenmmpPop(OpenmmpLdif):
    """Asks for each client whether it has logged in by POP lately; none has."""
    name = "openmmp-pop"
    groups = ("smtp",)

    def service_options(self):
        return super().service_options() + "default:PopBeforeSmtpKludgeChannel tcp_intranet\n"


class OpenmmpLdap(OpenmmpLdif):
    name = "openmmp-ldap"
    groups = ("plain", "tls")

    def ldap_url(self):
        port = free_port()
        (self.place / "db").mkdir()
        schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n"
                          for name in ("core", "cosine", "inetorgperson", "misc"))
        conf = self.write("slapd.conf",
                          f"{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\n"
                          f"pidfile {self.place}/slapd.pid\ndatabase mdb\nsuffix o=bench\n"
                          f"directory {self.place}/db\nindex uid eq\n")
        ldif = self.write("users.ldif", users_ldif())
        loaded = subprocess.run(["/usr/sbin/slapadd", "-f", conf, "-l", ldif],
                                capture_output=True, text=True, check=False)
        if loaded.returncode != 0:
            raise BenchError(f"slapadd: {loaded.stderr.strip()}")
        slapd = self.spawn(["/usr/sbin/slapd", "-f", conf, "-h", f"ldap://{HOST}:{port}",
                            "-d", "0"], "slapd-output")
        self.helpers.append(slapd)
        wait_for("slapd", lambda: answers(port), slapd)
        return f"ldap://{HOST}:{port}/o=bench"


class Nginx(Peer):
    name = "nginx"
    groups = ("plain", "tls", "smtp", "smtp_tls", "sink")
    PROTOCOLS = {
        "imap": "protocol imap;",
        "smtp": """protocol smtp;
    smtp_auth plain login;
    smtp_capabilities PIPELINING "SIZE 52428800" ENHANCEDSTATUSCODES 8BITMIME;
    xclient on;""",
        "sink": """protocol smtp;
    smtp_auth none;
    smtp_capabilities PIPELINING 8BITMIME;
    xclient off;
    proxy_protocol on;""",
    }

    def command(self):
        # nginx answers its own auth_http questions, since nothing answers them for less.
        auth_port = free_port()
        listen = f"listen {HOST}:{self.port};"
        if self.certificate:
            listen = f"""listen {HOST}:{self.port} ssl;
    ssl_certificate {self.certificate.chain};
    ssl_certificate_key {self.certificate.key};
    ssl_protocols TLSv1.2 TLSv1.3;"""
        conf = self.write("nginx.conf", f"""load_module /usr/lib/nginx/modules/ngx_mail_module.so;
user www-data;
worker_processes 1;
worker_rlimit_nofile 20000;
pid {self.place}/nginx.pid;
events {{ worker_connections 9900; }}
http {{
  access_log off;
  server {{
    listen {HOST}:{auth_port};
    location / {{
      add_header Auth-Status OK;
      add_header Auth-Server {HOST};
      add_header Auth-Port {self.store_port};
      return 204;
    }}
  }}
}}
mail {{
  auth_http {HOST}:{auth_port}/;
  server {{
    {listen}
    {self.PROTOCOLS[self.service]}
  }}
}}
""")
        return ["/usr/sbin/nginx", "-e", str(self.place / "error.log"), "-c", conf,
                "-g", "daemon off;"]


class Dovecot(Peer):
    name = "dovecot"

    def command(self):
        plain_port, tls_port, tls = self.port, 0, "ssl = no"
        if self.certificate:
            plain_port, tls_port = 0, self.port
            tls = (f"ssl = yes\nssl_cert = <{self.certificate.chain}\n"
                   f"ssl_key = <{self.certificate.key}")
        conf = self.write("dovecot.conf", f"""base_dir = {self.place}/run
state_dir = {self.place}/state
log_path = {self.place}/dovecot.log
protocols = imap
listen = {HOST}
{tls}
disable_plaintext_auth = no
passdb {{
  driver = static
  args = proxy=y host={HOST} port={self.store_port} nopassword=y
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service imap-login {{
  service_count = 0
  process_min_avail = 1
  process_limit = 1
  client_limit = 9900
  vsz_limit = 2G
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  client_limit = 9900
}}
service auth {{
  client_limit = 9900
}}
""")
        return ["/usr/sbin/dovecot", "-F", "-c", conf]


class Haproxy(Peer):
    name = "haproxy"
    groups = ("plain", "tls", "smtp", "smtp_tls", "sink")

    def command(self):
        tls = f" ssl crt {self.certificate.both}" if self.certificate else ""
        proxy = " send-proxy" if self.service == "sink" else ""
        conf = self.write("haproxy.cfg", f"""global
  nbthread 1
  maxconn 9000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen mail
  bind {HOST}:{self.port}{tls}
  server store {HOST}:{self.store_port}{proxy}
""")
        return ["/usr/sbin/haproxy", "-db", "-f", conf]


class Floor(Peer):
    name = "floor"
    groups = ("plain",)

    def command(self):
        return [str(self.build / "tests/bench_floor"), str(self.port), str(self.store_port)]


ALL_PEERS = [OpenmmpLdif, OpenmmpLdap, OpenmmpPop, Nginx, Dovecot, Haproxy, Floor]
