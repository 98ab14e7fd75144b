"""What scripts/quickstart does after the build: the stores, the instance, and the proof.

usage: quickstart.py start|ldap|stop. The instance lives in var/quickstart; the servers beside it
are remembered there in quickstart.json, by directory and pid, so that a later call can end them.
"""

import json
import os
import re
import shutil
import signal
import sys

import testbed

HOME = os.path.join(testbed.ROOT, "var/quickstart")
STATE = os.path.join(HOME, "quickstart.json")
IMAP_PORT, POP3_PORT, SLAPD_PORT = 1143, 1110, 1389
STORE_IMAP_PORT, STORE_POP3_PORT = 11143, 11110
STORES = {"alice@example.com": "store1", "bob@example.com": "store2"}
HOSTS = dict(zip(STORES, testbed.STORE_HOSTS))
RELATIVE_HOME = os.path.relpath(HOME, testbed.ROOT)


def say(text):
    print(f"==> {text}", flush=True)


def start(with_slapd):
    stop()
    os.makedirs(HOME, exist_ok=True)
    check_ports(with_slapd)
    servers = []
    try:
        start_servers(servers, with_slapd)
        start_instance(with_slapd)
        for user, store in STORES.items():
            prove(user, store)
    except BaseException:
        remember(servers)
        stop(keep=True)
        raise
    explain(with_slapd)


def check_ports(with_slapd):
    places = [(testbed.HOST, IMAP_PORT), (testbed.HOST, POP3_PORT)]
    places += [(host, port) for host in HOSTS.values() for port in (STORE_IMAP_PORT, STORE_POP3_PORT)]
    places += [(testbed.HOST, SLAPD_PORT)] if with_slapd else []
    for host, port in places:
        if testbed.can_connect(port, host):
            raise testbed.TestbedError(
                f"{host} port {port} is in use by another program.\n"
                f"\"ss -ltnp 'sport = :{port}'\" shows which; end it and run scripts/quickstart again."
            )


def start_servers(servers, with_slapd):
    """Fills `servers` one by one: what is in there when this fails is ended by the caller."""
    for user, name in STORES.items():
        say(f"Dovecot as {name} on {HOSTS[user]}, the home of {user}")
        store = testbed.Dovecot([user], HOSTS[user], STORE_IMAP_PORT, STORE_POP3_PORT, name)
        store.deliver(user, testbed.message(user, f"Welcome to {name}", f"Hello {user}.\r\n"))
        start_server(servers, store)
    if with_slapd:
        say(f"slapd on {testbed.HOST} port {SLAPD_PORT}")
        start_server(servers, testbed.Slapd(testbed.ldif(HOSTS), SLAPD_PORT))


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


def start_instance(with_slapd):
    url = f"ldap://{testbed.HOST}:{SLAPD_PORT}/{testbed.BASE_DN}" if with_slapd else "ldif:users.ldif"
    instance = testbed.Instance(url, HOME, IMAP_PORT, POP3_PORT)
    del instance.process_options["NumThreads"]  # the default, one worker a core, is right here
    instance.imap_options["BacksidePort"] = STORE_IMAP_PORT
    instance.pop_options["BacksidePort"] = STORE_POP3_PORT
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
    instance = testbed.Instance("", HOME, IMAP_PORT, POP3_PORT)
    imap = instance.imap(user)
    imap.select("INBOX", readonly=True)
    text = imap.fetch("1", "(BODY.PEEK[])")[1][0][1].decode()
    imap.logout()
    expect(f"Subject: Welcome to {store}" in text, f"IMAP: {user} found other mail:\n{text}")
    pop = instance.pop(user)
    text = b"\n".join(pop.retr(1)[1]).decode()
    pop.quit()
    expect(f"Subject: Welcome to {store}" in text, f"POP3: {user} found other mail:\n{text}")
    say(f"proved: {user} logs in by IMAP and POP3 and finds the mail of {store}")


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
    directory = f"slapd on port {SLAPD_PORT}" if with_slapd else f"{RELATIVE_HOME}/users.ldif"
    print(
        f"""
openmmp is running: both users on one address, each on their own store.

  IMAP       {testbed.HOST} port {IMAP_PORT}
  POP3       {testbed.HOST} port {POP3_PORT}
  users      {", ".join(STORES)}; the password is {testbed.PASSWORD}
  instance   {RELATIVE_HOME} (configuration; logs in {RELATIVE_HOME}/log)
  directory  {directory}

Try:
  curl -u alice@example.com:{testbed.PASSWORD} 'imap://{testbed.HOST}:{IMAP_PORT}/INBOX;MAILINDEX=1'
  curl -u bob@example.com:{testbed.PASSWORD} pop3://{testbed.HOST}:{POP3_PORT}/1
  build/release/bin/mmpctl -d {RELATIVE_HOME} status
  build/release/bin/mmpctl -d {RELATIVE_HOME} lookup bob@example.com
  scripts/quickstart --stop"""
    )


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
