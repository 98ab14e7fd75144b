"""What scripts/quickstart does after the build: the stores, the instance, and the proof.

usage: quickstart.py start|ldap|stop. The instance lives in var/quickstart; the servers beside it
are remembered there in quickstart.json, by directory and pid, so that a later call can end them.
"""

import imaplib
import json
import os
import poplib
import re
import shutil
import signal
import smtplib
import ssl
import sys

import testbed
from certificates import Authority, Certificate
from relays import Postfix

HOME = os.path.join(testbed.ROOT, "var/quickstart")
STATE = os.path.join(HOME, "quickstart.json")
IMAP_PORT, POP3_PORT, SLAPD_PORT = 1143, 1110, 1389
IMAPS_PORT, POP3S_PORT = 1993, 1995
STORE_IMAP_PORT, STORE_POP3_PORT = 11143, 11110
STORE_IMAPS_PORT, STORE_POP3S_PORT = 11993, 11995
SUBMISSION_PORT, SUBMISSIONS_PORT = 1587, 1465
STORE_LMTP_PORT, RELAY_PORT = 11024, 11025
STORES = {"alice@example.com": "store1", "bob@example.com": "store2"}
HOSTS = dict(zip(STORES, testbed.STORE_HOSTS))
RELATIVE_HOME = os.path.relpath(HOME, testbed.ROOT)
CA_DIRECTORY = os.path.join(HOME, "ca")
CA_FILE = os.path.join(CA_DIRECTORY, "ca.pem")
CAN_RELAY = os.getuid() == 0


def say(text):
    print(f"==> {text}", flush=True)


def start(with_slapd):
    stop()
    os.makedirs(HOME, exist_ok=True)
    check_ports(with_slapd)
    say(f"certificates by an authority of its own, in {RELATIVE_HOME}/ca")
    shutil.rmtree(CA_DIRECTORY, ignore_errors=True)
    authority = Authority(CA_DIRECTORY)
    servers = []
    try:
        start_servers(servers, authority, with_slapd)
        start_instance(authority.server("localhost", "localhost", testbed.HOST), with_slapd)
        for user, store in STORES.items():
            prove(user, store)
        if CAN_RELAY:
            prove_submission(*STORES)
    except BaseException:
        remember(servers)
        stop(keep=True)
        raise
    explain(with_slapd)


def check_ports(with_slapd):
    ports = (IMAP_PORT, POP3_PORT, IMAPS_PORT, POP3S_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT,
             RELAY_PORT)
    places = [(testbed.HOST, port) for port in ports]
    ports = (STORE_IMAP_PORT, STORE_POP3_PORT, STORE_IMAPS_PORT, STORE_POP3S_PORT, STORE_LMTP_PORT)
    places += [(host, port) for host in HOSTS.values() for port in ports]
    places += [(testbed.HOST, SLAPD_PORT)] if with_slapd else []
    for host, port in places:
        if testbed.can_connect(port, host):
            raise testbed.TestbedError(
                f"{host} port {port} is in use by another program.\n"
                f"\"ss -ltnp 'sport = :{port}'\" shows which; end it and run scripts/quickstart again."
            )


def start_servers(servers, authority, with_slapd):
    """Fills `servers` one by one: what is in there when this fails is ended by the caller."""
    for user, name in STORES.items():
        say(f"Dovecot as {name} on {HOSTS[user]}, the home of {user}")
        certificate = authority.server(name, HOSTS[user])
        tls = testbed.StoreTls(certificate, None, STORE_IMAPS_PORT, STORE_POP3S_PORT)
        store = testbed.Dovecot([user], HOSTS[user], STORE_IMAP_PORT, STORE_POP3_PORT, name, tls,
                                STORE_LMTP_PORT)
        store.deliver(user, testbed.message(user, f"Welcome to {name}", f"Hello {user}.\r\n"))
        start_server(servers, store)
    if with_slapd:
        say(f"slapd on {testbed.HOST} port {SLAPD_PORT}")
        start_server(servers, testbed.Slapd(testbed.ldif(HOSTS), SLAPD_PORT))
    if CAN_RELAY:
        say(f"Postfix as relay on {testbed.HOST} port {RELAY_PORT}, with XCLIENT, LMTP to the stores")
        boxes = {user: (host, STORE_LMTP_PORT) for user, host in HOSTS.items()}
        relay = Postfix(list(STORES), boxes, port=RELAY_PORT, name="relay",
                        certificate=authority.server("relay", testbed.HOST))
        start_server(servers, relay.sasl)
        start_server(servers, relay)
    else:
        say("no Postfix, which only root can start: there will be no submission")


def start_server(servers, server):
    server.start()
    servers.append(server)
    remember(servers)


def remember(servers):
    entries = [
        {"name": server.name, "directory": server.directory, "pid": server.process.pid}
        for server in servers
    ]
    testbed.write_file(STATE, json.dumps(entries, indent=2) + "\n")


def start_instance(certificate, with_slapd):
    url = f"ldap://{testbed.HOST}:{SLAPD_PORT}/{testbed.BASE_DN}" if with_slapd else "ldif:users.ldif"
    instance = testbed.Instance(url, HOME, IMAP_PORT, POP3_PORT)
    del instance.process_options["NumThreads"]  # the default, one worker a core, is right here
    instance.imap_options["BacksidePort"] = STORE_IMAP_PORT
    instance.pop_options["BacksidePort"] = STORE_POP3_PORT
    # In the files as an operator would write it: relative to the instance.
    files = (os.path.relpath(path, HOME) for path in (certificate.cert, certificate.key))
    instance.enable_tls(Certificate(*files), imaps_port=IMAPS_PORT, pop3s_port=POP3S_PORT)
    if CAN_RELAY:
        instance.enable_smtp(f"{testbed.HOST}:{RELAY_PORT}", port=SUBMISSION_PORT,
                             tls_port=SUBMISSIONS_PORT)
    instance.options.update(StoreStartTls="yes", StoreCaFile=os.path.relpath(CA_FILE, HOME))
    testbed.write_file(instance.path("users.ldif"), testbed.ldif(HOSTS))
    instance.write_configuration(
        "# Written by scripts/quickstart, anew each time. docs/quickstart.md says what is what;\n"
        f"# after a change: scripts/AService.rc -d {RELATIVE_HOME} reload\n"
    )
    say(f"openmmp: scripts/AService.rc -d {RELATIVE_HOME} start")
    done = instance.control_script("start")
    if done.returncode != 0:
        raise testbed.TestbedError(f"AService.rc start failed:\n{done.stdout}{done.stderr}")
    instance.await_ready()


def prove(user, store):
    """A login by each protocol must show this user's mail, which is on this store alone."""
    trust = ssl.create_default_context(cafile=CA_FILE)
    for imap in (imaplib.IMAP4(testbed.HOST, IMAP_PORT, 20),
                 imaplib.IMAP4_SSL(testbed.HOST, IMAPS_PORT, ssl_context=trust, timeout=20)):
        imap.login(user, testbed.PASSWORD)
        imap.select("INBOX", readonly=True)
        text = imap.fetch("1", "(BODY.PEEK[])")[1][0][1].decode()
        imap.logout()
        expect(f"Subject: Welcome to {store}" in text, f"IMAP: {user} found other mail:\n{text}")
    for pop in (poplib.POP3(testbed.HOST, POP3_PORT, 20),
                poplib.POP3_SSL(testbed.HOST, POP3S_PORT, context=trust, timeout=20)):
        pop.user(user)
        pop.pass_(testbed.PASSWORD)
        text = b"\n".join(pop.retr(1)[1]).decode()
        pop.quit()
        expect(f"Subject: Welcome to {store}" in text, f"POP3: {user} found other mail:\n{text}")
    say(f"proved: {user} logs in by IMAP, IMAPS, POP3 and POP3S and finds the mail of {store}")


def prove_submission(sender, recipient):
    """A message submitted with the sender's password must come to the recipient's mailbox, and the
    relay must know the sender."""
    subject = f"Submitted {os.urandom(4).hex()}"
    with smtplib.SMTP_SSL(testbed.HOST, SUBMISSIONS_PORT, timeout=20,
                          context=ssl.create_default_context(cafile=CA_FILE)) as smtp:
        smtp.login(sender, testbed.PASSWORD)
        smtp.sendmail(sender, [recipient], testbed.message(recipient, subject))
    text = testbed.wait_until(lambda: fetch(recipient, subject), "the message arrives")
    expect(f"Authenticated sender: {sender}" in text,
           f"SMTP: the relay does not know who sent this:\n{text}")
    say(f"proved: {sender} submits a message, and {recipient} finds it")


def fetch(user, subject):
    imap = imaplib.IMAP4(testbed.HOST, IMAP_PORT, 20)
    imap.login(user, testbed.PASSWORD)
    imap.select("INBOX", readonly=True)
    found = imap.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
    text = imap.fetch(found[0], "(BODY.PEEK[])")[1][0][1].decode() if found else None
    imap.logout()
    return text


def expect(condition, text):
    if not condition:
        raise testbed.TestbedError(text)


def stop(keep=False):
    """Ends what an earlier call started; `keep` leaves the servers' logs for the reader."""
    instance = testbed.Instance("", HOME, IMAP_PORT, POP3_PORT)
    if os.path.exists(instance.path("AService.cfg")) and os.path.exists(testbed.RC):
        if instance.control_script("status").returncode == 0:
            say("ending openmmp")
            done = instance.control_script("stop")
            if done.returncode != 0:
                print(done.stdout + done.stderr, file=sys.stderr)
    for entry in recall():
        if is_ours(entry):
            say(f"ending {entry['name']}")
            os.kill(entry["pid"], signal.SIGTERM)
            testbed.wait_until(lambda: not is_ours(entry), "the end of a server")
        if not keep:
            shutil.rmtree(entry["directory"], ignore_errors=True)
    if os.path.exists(STATE) and not keep:
        os.unlink(STATE)


def recall():
    try:
        with open(STATE, encoding="utf-8") as file:
            entries = json.load(file)
    except FileNotFoundError:
        return []
    # The directories are removed later: believe only what we can have written.
    return [e for e in entries if re.fullmatch(r"/tmp/openmmp-[a-z0-9_-]+", e["directory"])]


def is_ours(entry):
    """The pid may have gone to another process since."""
    try:
        with open(f"/proc/{entry['pid']}/stat", encoding="utf-8") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                return False
        with open(f"/proc/{entry['pid']}/cmdline", "rb") as file:
            return entry["directory"].encode() in file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


def explain(with_slapd):
    ca = f"{RELATIVE_HOME}/ca/ca.pem"
    directory = f"slapd on port {SLAPD_PORT}" if with_slapd else f"{RELATIVE_HOME}/users.ldif"
    print(
        f"""
openmmp is running: both users on one address, each on their own store.

  IMAP       {testbed.HOST} port {IMAP_PORT} with STARTTLS, {IMAPS_PORT} with TLS from the start
  POP3       {testbed.HOST} port {POP3_PORT} with STLS, {POP3S_PORT} with TLS from the start
  SMTP       {smtp_places() if CAN_RELAY else "only when root starts it"}
  users      {", ".join(STORES)}; the password is {testbed.PASSWORD}
  authority  {RELATIVE_HOME}/ca/ca.pem, for clients to trust
  stores     reached by STARTTLS and STLS, their certificates verified
  instance   {RELATIVE_HOME} (configuration; logs in {RELATIVE_HOME}/log)
  directory  {directory}

Try:
  curl -u alice@example.com:{testbed.PASSWORD} 'imap://{testbed.HOST}:{IMAP_PORT}/INBOX;MAILINDEX=1'
  curl -u bob@example.com:{testbed.PASSWORD} pop3://{testbed.HOST}:{POP3_PORT}/1
  curl --cacert {RELATIVE_HOME}/ca/ca.pem -u alice@example.com:{testbed.PASSWORD} \\
    'imaps://{testbed.HOST}:{IMAPS_PORT}/INBOX;MAILINDEX=1'
  curl --cacert {RELATIVE_HOME}/ca/ca.pem -u bob@example.com:{testbed.PASSWORD} \\
    pop3s://{testbed.HOST}:{POP3S_PORT}/1
{how_to_send(ca) if CAN_RELAY else ""}\
  build/release/bin/mmpctl -d {RELATIVE_HOME} status
  build/release/bin/mmpctl -d {RELATIVE_HOME} lookup bob@example.com
  scripts/quickstart --stop"""
    )


def smtp_places():
    return (f"{testbed.HOST} port {SUBMISSION_PORT} with STARTTLS, {SUBMISSIONS_PORT} with TLS from "
            f"the start; relay: Postfix, port {RELAY_PORT}")


def how_to_send(ca):
    sender, recipient = STORES
    return f"""\
  swaks --server {testbed.HOST}:{SUBMISSION_PORT} --tls --auth-user {sender} \\
    --auth-password {testbed.PASSWORD} --from {sender} --to {recipient}
  printf 'Subject: Hello\\r\\n\\r\\nHello.\\r\\n' | curl --cacert {ca} \\
    -u {sender}:{testbed.PASSWORD} --mail-from {sender} \\
    --mail-rcpt {recipient} -T - smtps://{testbed.HOST}:{SUBMISSIONS_PORT}
"""


def main(mode):
    try:
        if mode == "stop":
            stop()
        else:
            start(with_slapd=mode == "ldap")
    except testbed.TestbedError as error:
        print(f"quickstart: {error}", file=sys.stderr)
        for entry in recall():
            print(f"quickstart: the server's log is {entry['directory']}/log", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
