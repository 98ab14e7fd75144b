"""Two instances that share what they know by a real redis-server: what one learns, both know; and
when the server is killed, hangs, is emptied or comes back, each goes on, and they agree afterwards."""

import json
import os
import shutil
import signal
import smtplib
import tempfile
import unittest

from certificates import Authority
from protections_test import ALICE, BOB, ClientFrom, echo_imap, echo_pop
from relays import StubRelay
from testbed import (
    HOST, PASSWORD, Instance, Server, StubStore, free_port, ldif, run, wait_until, write_file,
)

SECRET = "sesame open"
RELAY_SECRET = "between proxy and relay"


class Redis(Server):
    """A redis-server that keeps nothing on disk, with a password; with a certificate by TLS only."""

    def __init__(self, certificate=None):
        super().__init__("redis")
        self.port = free_port()
        self.certificate = certificate

    @property
    def url(self):
        return f"{'rediss' if self.certificate else 'redis'}://{HOST}:{self.port}/1"

    def start(self):
        text = f'bind {HOST}\nsave ""\ndir {self.directory}\nrequirepass "{SECRET}"\n'
        if self.certificate:
            text += (f"port 0\ntls-port {self.port}\ntls-auth-clients no\n"
                     f"tls-cert-file {self.certificate.cert}\ntls-key-file {self.certificate.key}\n")
        else:
            text += f"port {self.port}\n"
        write_file(self.path("redis.conf"), text, 0o600)
        self.launch(["/usr/bin/redis-server", self.path("redis.conf")])
        self.await_ready(lambda: self.ask("PING") == "PONG")

    def ask(self, *words):
        tls = ["--tls", "--insecure"] if self.certificate else []
        done = run(["/usr/bin/redis-cli", "-p", str(self.port), "-n", "1", *tls, *words],
                   REDISCLI_AUTH=SECRET)
        return done.stdout.strip()

    def signal(self, number):
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()


class Fleet:
    """Two instances with the same users, stores and relays, for a TestCase."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="openmmp-fleet-", dir="/tmp")
        os.chmod(cls.directory, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.redis = cls.make_redis()
        cls.addClassCleanup(cls.redis.close)
        cls.redis.start()
        cls.stores = StubStore(echo_imap), StubStore(echo_pop)
        cls.relays = [StubRelay(password=RELAY_SECRET.encode()) for _ in range(2)]
        for stub in (*cls.stores, *cls.relays):
            cls.addClassCleanup(stub.__exit__)
        cls.a, cls.b = cls.make_instance(), cls.make_instance()

    @classmethod
    def make_redis(cls):
        return Redis()

    @classmethod
    def urls(cls):
        return cls.redis.url

    @classmethod
    def make_instance(cls, **shared):
        mmp = Instance("ldif:users.ldif", PreAuth="yes", BGPenalty="2", BGMaxBadness="60")
        cls.addClassCleanup(mmp.close)
        write_file(mmp.path("users.ldif"), ldif({ALICE: HOST, BOB: HOST}))
        mmp.process_options.update(SharedState=cls.urls(), SharedStatePassword=f'"{SECRET}"',
                                   NumThreads="1", **shared)
        mmp.imap_options["BacksidePort"], mmp.pop_options["BacksidePort"] = (
            stub.port for stub in cls.stores)
        mmp.pop_options.update(AuthService="yes", AuthServiceTTL="600")
        mmp.enable_smtp(*(relay.name for relay in cls.relays))
        mmp.options.pop("PreAuth")
        mmp.pop_options["PreAuth"] = mmp.imap_options["PreAuth"] = "yes"
        mmp.smtp_options.update(PopBeforeSmtpKludgeChannel="tcp_intranet",
                                SmtpProxyPassword=f'"{RELAY_SECRET}"')
        mmp.start()
        cls.await_connected(mmp)
        return mmp

    @staticmethod
    def shared(mmp):
        return mmp.status().get("shared_state", {})

    @classmethod
    def await_connected(cls, *instances):
        for mmp in instances:
            wait_until(lambda: cls.shared(mmp).get("connected"), "the shared state is there", 30)

    @classmethod
    def await_away(cls, *instances):
        for mmp in instances:
            wait_until(lambda: cls.shared(mmp).get("connected") is False, "it is missed", 30)

    @classmethod
    def await_reason(cls, mmp, words):
        wait_until(lambda: words in cls.shared(mmp).get("reason", ""), f"away: {words}", 30)

    def pop_login(self, mmp, address, password=PASSWORD):
        client = ClientFrom(address, mmp.pop3_port)
        self.addCleanup(client.close)
        client.line()
        client.send(f"USER {ALICE}\r\nPASS {password}\r\n")
        client.line()
        answer = client.line()
        client.close()
        return answer.startswith("+OK")

    @staticmethod
    def may_send(mmp, address):
        """Whether a client from there that does not authenticate may."""
        with smtplib.SMTP(HOST, mmp.smtp_port, timeout=20, source_address=(address, 0)) as smtp:
            smtp.ehlo("client.example.com")
            return smtp.docmd(f"MAIL FROM:<{ALICE}>")[0] == 250

    @staticmethod
    def document(mmp, *words):
        return json.loads(mmp.ctl("--json", *words).stdout)

    def logins(self, mmp):
        return {row["address"]: row["user"] for row in self.document(mmp, "auth").get("auth", [])}

    def bad_guys(self, mmp):
        return {row["address"]: row["badness"] for row in
                self.document(mmp, "badguys").get("bad_guys", [])}

    def avoided(self, mmp, relay):
        return any(row["relay"] == relay.name and row["avoided_seconds"] > 0
                   for row in self.document(mmp, "relays")["relays"])

    def agree(self, first, second, address, timeout=20):
        """A login at one of them counts at the other."""
        self.assertTrue(self.pop_login(first, address))
        wait_until(lambda: address in self.logins(second), f"{address} may send", timeout)
        self.assertTrue(self.may_send(second, address))


class Shared(Fleet, unittest.TestCase):
    def test_a_login_by_pop_opens_submission_elsewhere(self):
        self.assertFalse(self.may_send(self.b, "127.0.3.1"))
        self.assertTrue(self.pop_login(self.a, "127.0.3.1"))
        wait_until(lambda: self.may_send(self.b, "127.0.3.1"), "submission is open", 1)
        self.assertFalse(self.may_send(self.b, "127.0.3.2"))
        self.agree(self.b, self.a, "127.0.3.3")

    def test_a_bad_guy_is_one_everywhere_until_forgiven(self):
        self.assertFalse(self.pop_login(self.a, "127.0.3.10", "wrong"))
        wait_until(lambda: self.bad_guys(self.b).get("127.0.3.10") == 2, "the other knows")
        self.assertEqual(self.b.ctl("badguys", "--forgive", "127.0.3.10").returncode, 0)
        wait_until(lambda: "127.0.3.10" not in self.bad_guys(self.a), "it is forgiven")

    def test_an_avoided_relay_is_avoided_everywhere(self):
        relay = self.relays[0]
        relay.stop()
        self.addCleanup(lambda: relay.start() if relay.listener is None else None)

        def met():
            self.may_send(self.a, "127.0.3.20")
            return self.avoided(self.a, relay)

        wait_until(met, "a session meets it")
        wait_until(lambda: self.avoided(self.b, relay), "the other avoids it, too")
        self.assertFalse(self.avoided(self.b, self.relays[1]))

    def test_what_an_operator_decides_stays_where_it_was_decided(self):
        relay = self.relays[1]
        self.assertEqual(self.a.ctl("relays", "down", relay.name).returncode, 0)
        self.agree(self.a, self.b, "127.0.3.30")  # by now it would have come
        rows = {row["relay"]: row for row in self.document(self.b, "relays")["relays"]}
        self.assertTrue(rows[relay.name]["enabled"])
        self.assertEqual(self.a.ctl("relays", "up", relay.name).returncode, 0)

    def test_status(self):
        shared = self.shared(self.a)
        self.assertEqual((shared["connected"], shared["server"], shared["reason"]),
                         (True, self.redis.url, ""))
        self.assertRegex(self.a.ctl("status").stdout, r"shared +connected to redis")
        for mmp in (self.a, self.b):
            self.assertNotIn(SECRET, mmp.log_text())

    def test_killed_and_back(self):
        self.agree(self.a, self.b, "127.0.3.40")
        self.redis.signal(signal.SIGKILL)
        self.await_away(self.a, self.b)
        self.assertRegex(self.a.ctl("status").stdout, r"shared +away for .*: \S")
        # Each knows what it knew, and learns on.
        self.assertTrue(self.may_send(self.b, "127.0.3.40"))
        self.assertTrue(self.pop_login(self.a, "127.0.3.41"))
        self.assertTrue(self.pop_login(self.b, "127.0.3.42"))
        wait_until(lambda: "127.0.3.41" in self.logins(self.a), "known here")
        self.assertNotIn("127.0.3.41", self.logins(self.b))
        self.redis.start()
        for mmp in (self.a, self.b):
            wait_until(lambda: {"127.0.3.40", "127.0.3.41", "127.0.3.42"} <= set(self.logins(mmp)),
                       "both agree", 30)
        self.agree(self.b, self.a, "127.0.3.43")

    def test_hanging_and_back(self):
        self.agree(self.a, self.b, "127.0.3.50")
        self.redis.signal(signal.SIGSTOP)
        self.addCleanup(self.redis.signal, signal.SIGCONT)
        self.assertTrue(self.pop_login(self.a, "127.0.3.51"))
        self.assertTrue(self.may_send(self.b, "127.0.3.50"))
        self.await_away(self.a, self.b)
        self.assertTrue(self.pop_login(self.b, "127.0.3.52"))
        wait_until(lambda: self.may_send(self.b, "127.0.3.52"), "known where it was said")
        self.redis.signal(signal.SIGCONT)
        for mmp in (self.a, self.b):
            wait_until(lambda: {"127.0.3.51", "127.0.3.52"} <= set(self.logins(mmp)),
                       "both agree", 30)

    def test_emptied(self):
        self.agree(self.a, self.b, "127.0.3.60")
        self.assertEqual(self.redis.ask("FLUSHALL"), "OK")
        wait_until(lambda: self.redis.ask("EXISTS", "openmmp:login:127.0.3.60") == "1",
                   "it is filled again")
        self.assertIn("127.0.3.60", self.logins(self.b))
        self.agree(self.b, self.a, "127.0.3.61")

    def test_mmp_state_killed_and_instance_restarted(self):
        self.agree(self.a, self.b, "127.0.3.70")
        before = self.b.status()["state_process"]["pid"]
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: self.b.status()["state_process"]["pid"] not in (0, before), "a new one")
        self.await_connected(self.b)
        wait_until(lambda: "127.0.3.70" in self.logins(self.b), "known again")
        self.b.stop()
        self.assertTrue(self.pop_login(self.a, "127.0.3.71"))
        self.b.start()
        wait_until(lambda: "127.0.3.71" in self.logins(self.b), "learnt when it is back")


class Tls(Fleet, unittest.TestCase):
    """By TLS, verified against SharedStateCaFile; and what a reload changes."""

    @classmethod
    def make_redis(cls):
        cls.ca = Authority(os.path.join(cls.directory, "ca"))
        cls.stranger = Authority(os.path.join(cls.directory, "stranger"))
        return Redis(cls.ca.server("redis", "localhost", HOST))

    @classmethod
    def make_instance(cls, **shared):
        return super().make_instance(SharedStateCaFile=cls.ca.cert, **shared)

    def reload(self, mmp, **options):
        mmp.process_options.update(options)
        mmp.write_configuration()
        return mmp.ctl("reload")

    def test_they_agree(self):
        self.agree(self.a, self.b, "127.0.4.1")
        self.agree(self.b, self.a, "127.0.4.2")

    def test_who_it_is_is_verified_and_a_reload_decides(self):
        self.assertEqual(self.reload(self.a, SharedStateCaFile=self.stranger.cert).returncode, 0)
        self.await_reason(self.a, "certificate")
        self.assertEqual(self.reload(self.a, SharedStateCaFile=self.ca.cert).returncode, 0)
        self.await_connected(self.a)
        self.assertEqual(self.reload(self.a, SharedStatePassword="wrong").returncode, 0)
        self.await_reason(self.a, "WRONGPASS")
        self.assertEqual(self.reload(self.a, SharedState='""').returncode, 0)
        wait_until(lambda: not self.shared(self.a), "nothing is shared")
        self.assertEqual(self.reload(self.a, SharedState=self.redis.url,
                                     SharedStatePassword=f'"{SECRET}"').returncode, 0)
        self.await_connected(self.a)
        self.agree(self.a, self.b, "127.0.4.3")

    def test_a_file_that_is_none_is_refused(self):
        done = self.reload(self.b, SharedStateCaFile=self.b.path("users.ldif"))
        self.addCleanup(self.reload, self.b, SharedStateCaFile=self.ca.cert)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("SharedStateCaFile", done.stdout + done.stderr)
        self.assertTrue(self.shared(self.b)["connected"])


if __name__ == "__main__":
    unittest.main()
