"""Stores that are down, hang, are taken out, and come back: who notices, and who does not."""

import json
import os
import select
import signal
import socket
import threading
import unittest

from testbed import (
    HOST, PASSWORD, STORE_HOSTS, Client, Site, free_port, wait_until, write_file,
)

ALERT = "Back soon, promises the postmaster."
SORRY = "From: postmaster@example.com\r\nSubject: Sorry\r\n\r\nYour mailbox is away.\r\n..\r\n"
NOWHERE = "127.0.0.13"
HOMELY, HANGING = "homely@example.com", "hanging@example.com"


class Load:
    """Logs one user in and out again, all the time, by IMAP and POP; remembers what went wrong."""

    def __init__(self, mmp, user):
        self.mmp, self.user = mmp, user
        self.problems, self.logins, self.ended = [], 0, threading.Event()
        self.session = mmp.imap(user)
        self.threads = [threading.Thread(target=self._run, args=(way,), daemon=True)
                        for way in (self._imap, self._pop)]

    def _run(self, way):
        while not self.ended.is_set():
            try:
                way()
                self.logins += 1
            except Exception as problem:  # pylint: disable=broad-except
                self.problems.append(repr(problem))
                return

    def _imap(self):
        session = self.mmp.imap(self.user)
        session.select("INBOX", readonly=True)
        session.logout()

    def _pop(self):
        session = self.mmp.pop(self.user)
        session.stat()
        session.quit()

    def go_on(self):
        """Waits for more logins, and asks the one session that was there before all of this."""
        goal = self.logins + 4
        wait_until(lambda: self.problems or self.logins >= goal, "logins go on")
        if self.session.noop()[0] != "OK":
            self.problems.append("the session that was there has ended")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        self.session.logout()


class Stores(unittest.TestCase):
    """Two Dovecots with a user each. A store is down after two failures, and soon probed."""

    HOMES = {}
    OPTIONS = {}

    def setUp(self):
        self.site = Site(homes=self.HOMES, users=(HOMELY,))
        self.addCleanup(self.site.close)
        self.mmp = self.site.instance
        self.mmp.process_options["NumThreads"] = "2"
        self.mmp.options.update(
            StoreFailures="2", StoreProbeInterval="1", StoreRampTime="1",
            ConnLimits='""', MaxConcurrentConnectionAttempts="1000", **self.OPTIONS,
        )
        self.mmp.imap_options["ServerDownAlert"] = f'"{ALERT}"'
        self.alice, self.bob = self.site.alice, self.site.bob
        self.imap_store, self.pop_store = (
            f"{STORE_HOSTS[0]}:{port}" for port in self.site.store_ports
        )
        self.prepare()
        self.site.start()

    def prepare(self):
        """What a test needs before the start."""

    def imap_lines(self, user, password=PASSWORD):
        """What the client sees of a LOGIN."""
        with Client(self.mmp.imap_port) as client:
            client.line()
            client.send(f"a LOGIN {user} {password}\r\n")
            return client.until("a ")

    def pop_client(self, user, password=PASSWORD):
        """A client, and the answer to its PASS."""
        client = Client(self.mmp.pop3_port)
        self.addCleanup(client.close)
        client.line()
        client.send(f"USER {user}\r\nPASS {password}\r\n")
        client.line()
        return client, client.line()

    def logs_in(self, user):
        return self.imap_lines(user)[-1].startswith("a OK")

    def assert_alert(self, user):
        lines = self.imap_lines(user)
        self.assertEqual(lines[-2], f"* NO [ALERT] {ALERT}")
        self.assertTrue(lines[-1].startswith("a NO [UNAVAILABLE]"), lines)

    def stores(self):
        done = self.mmp.ctl("--json", "stores")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return {row["store"]: row for row in json.loads(done.stdout)["stores"]}

    def is_up(self, store):
        return self.stores()[store]["up"]

    def ctl(self, *arguments, expected=0):
        done = self.mmp.ctl("stores", *arguments)
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def take_down(self, store_of, store, attempt):
        """Ends a Dovecot, and fails there until mmp-state counts it as down."""
        store_of.stop()

        def down():
            attempt()
            return not self.stores().get(store, {"up": True})["up"]

        wait_until(down, f"{store} is down")

    def reload(self, **pop_options):
        self.mmp.pop_options.update(pop_options)
        self.mmp.write_configuration()
        done = self.mmp.ctl("reload")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Outage(Stores):
    def test_imap(self):
        self.assertTrue(self.logs_in(self.alice))
        store = self.site.store_of[self.alice]
        with Load(self.mmp, self.bob) as load:
            load.go_on()
            self.take_down(store, self.imap_store, lambda: self.assert_alert(self.alice))
            self.mmp.await_log(["store", self.imap_store, "is down"])
            self.assertRegex(self.ctl(), rf"(?m)^{self.imap_store} +DOWN +up +[2-9]\d* .*\S$")
            # In all workers, and in the same session again.
            for _ in range(8):
                self.assert_alert(self.alice)
            with Client(self.mmp.imap_port) as client:
                client.send(f"a LOGIN {self.alice} {PASSWORD}\r\n" * 2 + "b NOOP\r\n")
                self.assertTrue(client.until("b ")[-1].startswith("b OK"))
            load.go_on()
            store.start()
            # Nobody logs in meanwhile: it is a probe that notices.
            wait_until(lambda: self.is_up(self.imap_store), "the store is up")
            self.mmp.await_log(["store", self.imap_store, "is up again"])
            for _ in range(8):
                self.assertTrue(self.logs_in(self.alice))
            load.go_on()
        self.assertEqual(load.problems, [])
        self.assertRegex(self.ctl(), rf"(?m)^{self.imap_store} +UP +up +0 ")

    def test_down_is_down_for_new_workers_and_a_new_mmp_state(self):
        self.assertTrue(self.logs_in(self.alice))
        self.take_down(
            self.site.store_of[self.alice], self.imap_store, lambda: self.imap_lines(self.alice)
        )
        self.reload(Banner="new")
        self.assertFalse(self.is_up(self.imap_store))
        old = self.mmp.status()["state_process"]["pid"]
        os.kill(old, signal.SIGKILL)
        self.assertTrue(self.logs_in(self.bob))
        self.assert_alert(self.alice)
        wait_until(lambda: self.mmp.status()["state_process"]["pid"] not in (0, old), "a new one")
        wait_until(lambda: self.mmp.ctl("stores").returncode == 0, "mmp-state answers")
        wait_until(lambda: self.imap_store in self.stores(), "it is told")
        self.assertFalse(self.is_up(self.imap_store))
        self.site.store_of[self.alice].start()
        wait_until(lambda: self.is_up(self.imap_store), "the store is up")
        self.assertTrue(self.logs_in(self.alice))


class Spoof(Stores):
    def prepare(self):
        write_file(self.mmp.path("sorry.txt"), SORRY)
        self.mmp.pop_options["SpoofMessageFile"] = "sorry.txt"

    def test_a_message(self):
        client, answer = self.pop_client(self.alice)
        self.assertTrue(answer.startswith("+OK"))
        client.send("QUIT\r\n")
        store = self.site.store_of[self.alice]
        with Load(self.mmp, self.bob) as load:
            self.take_down(store, self.pop_store, self.see_the_message)
            self.mmp.await_log(["store", self.pop_store, "is down"])
            first, again = self.see_the_message(), self.see_the_message()
            self.assertEqual(first, again)
            # Only POP workers probe it: it has no answer for IMAP.
            wait_until(lambda: self.stores()[self.pop_store]["failures"] >= 6, "it is probed")
            self.assertNotIn(self.pop_store, self.mmp.log_text("ImapProxy*.log"))
            load.go_on()
            store.start()
            wait_until(lambda: self.is_up(self.pop_store), "the store is up")
            wait_until(lambda: self.first_subject() == f"mail of {self.alice}", "all workers know")
            load.go_on()
        self.assertEqual(load.problems, [])

    def first_subject(self):
        session = self.mmp.pop(self.alice)
        lines = session.retr(1)[1]
        session.quit()
        return next(line for line in lines if line.startswith(b"Subject: "))[9:].decode()

    def see_the_message(self):
        """Reads the mailbox that is shown while the store is away; returns the message's UIDL."""
        client, answer = self.pop_client(self.alice)
        self.assertTrue(answer.startswith("+OK"), answer)
        octets = len(SORRY) - 1  # the doubled dot is one
        for command, words in (
            ("STAT", f"+OK 1 {octets}"), ("DELE 1", "+OK"), ("STAT", "+OK 0 0"), ("RSET", "+OK"),
        ):
            client.send(command + "\r\n")
            self.assertTrue(client.line().startswith(words), command)
        client.send("RETR 1\r\n")
        self.assertTrue(client.line().startswith("+OK"))
        self.assertEqual("\r\n".join(client.until("..")) + "\r\n", SORRY)
        self.assertEqual(client.line(), ".")
        client.send("UIDL 1\r\nQUIT\r\n")
        uidl = client.line()
        self.assertRegex(uidl, r"^\+OK 1 \S+$")
        self.assertTrue(client.line().startswith("+OK"))
        self.assertEqual(client.rest(), b"")
        client.close()
        return uidl

    def test_nothing_and_no_mailbox_at_all(self):
        self.reload(SpoofEmptyMailbox="yes")
        self.site.store_of[self.alice].stop()
        client, answer = self.pop_client(self.alice)
        self.assertTrue(answer.startswith("+OK"), answer)
        client.send("STAT\r\nQUIT\r\n")
        self.assertTrue(client.line().startswith("+OK 0 0"))
        # Those of whom nothing is known, and those whose store is well, see no such mailbox.
        for user, password in (("nobody@example.com", PASSWORD), (self.bob, "wrong")):
            self.assertTrue(self.pop_client(user, password)[1].startswith("-ERR"))
        self.reload(SpoofEmptyMailbox="no", SpoofMessageFile='""')
        self.assertRegex(self.pop_client(self.alice)[1], r"^-ERR \[SYS/TEMP\]")


class Operator(Stores):
    def test_takes_a_store_out(self):
        self.assertTrue(self.logs_in(self.alice))
        with Load(self.mmp, self.bob) as load:
            session = self.mmp.imap(self.alice)
            self.ctl("down", self.imap_store)
            for _ in range(8):
                self.assert_alert(self.alice)
            row = self.stores()[self.imap_store]
            self.assertEqual((row["up"], row["enabled"]), (True, False))
            self.assertRegex(self.ctl(), rf"(?m)^{self.imap_store} +UP +down ")
            self.assertEqual(session.noop()[0], "OK")
            self.reload(Banner="new")
            self.assert_alert(self.alice)
            load.go_on()
            self.ctl("up", self.imap_store)
            for _ in range(8):
                self.assertTrue(self.logs_in(self.alice))
            session.logout()
        self.assertEqual(load.problems, [])

    def test_decision_survives_a_restart(self):
        self.assertTrue(self.logs_in(self.alice))
        self.ctl("down", self.imap_store)
        self.mmp.stop()
        self.mmp.start()
        self.assert_alert(self.alice)
        self.ctl("up", self.imap_store)
        self.assertTrue(self.logs_in(self.alice))

    def test_all_of_a_host(self):
        self.assertTrue(self.logs_in(self.alice))
        self.assertTrue(self.pop_client(self.alice)[1].startswith("+OK"))
        both = {self.imap_store, self.pop_store}
        wait_until(lambda: both <= set(self.stores()), "both are known")
        self.ctl("down", STORE_HOSTS[0])
        self.assert_alert(self.alice)
        self.assertRegex(self.pop_client(self.alice)[1], r"^-ERR \[SYS/TEMP\]")
        self.assertTrue(self.logs_in(self.bob))
        self.ctl("up", STORE_HOSTS[0])
        self.assertTrue(self.logs_in(self.alice))
        self.assertTrue(self.pop_client(self.alice)[1].startswith("+OK"))

    def test_documents(self):
        self.assertTrue(self.logs_in(self.alice))
        wait_until(lambda: self.imap_store in self.stores(), "the store is known")
        document = json.loads(self.mmp.ctl("--json", "stores").stdout)
        self.assertEqual(document["bad_guys"], [])
        keys = {"store", "up", "enabled", "failures", "since_seconds", "reason"}
        self.assertEqual([set(row) for row in document["stores"]], [keys])
        self.assertRegex(self.ctl(), r"^STORE +STATE +ADMIN +FAILURES +SINCE +REASON\n")
        self.ctl("down", expected=2)
        self.ctl("down", "no such host", expected=1)


class SeveralHosts(Stores):
    HOMES = {HOMELY: [NOWHERE, STORE_HOSTS[0]]}

    def test_first_one_is_down(self):
        nowhere = f"{NOWHERE}:{self.site.store_ports[0]}"
        for _ in range(6):
            self.assertTrue(self.logs_in(HOMELY))
        wait_until(lambda: not self.is_up(nowhere), "the first is down")
        self.assertTrue(self.is_up(self.imap_store))
        for _ in range(6):
            self.assertTrue(self.logs_in(HOMELY))
        self.mmp.await_log([f"user {HOMELY} logged in", self.imap_store])
        # And the operator's word holds for the second one, too.
        self.ctl("down", self.imap_store)
        self.assert_alert(HOMELY)


class HangingStore(Stores):
    """A store whose backlog is full: connections to it hang until they time out."""

    ATTEMPTS = 3
    OPTIONS = {"ConnectTimeout": "3"}

    def prepare(self):
        self.mmp.process_options["NumThreads"] = "1"
        self.mmp.options["MaxConcurrentConnectionAttempts"] = self.ATTEMPTS
        self.mmp.options["StoreFailures"] = "0"  # whoever waits is not told before his time

    def setUp(self):
        self.listener = socket.socket()
        self.addCleanup(self.listener.close)
        self.listener.bind((HOST, free_port()))
        self.listener.listen(0)
        self.fill_backlog()
        self.HOMES = {HANGING: "{}:{}".format(*self.listener.getsockname())}
        super().setUp()

    def fill_backlog(self):
        for _ in range(4):
            filler = socket.socket()
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(self.listener.getsockname())

    def test_holds_up_nobody_else(self):
        clients = [self.ask_for_mail() for _ in range(self.ATTEMPTS + 4)]
        with Load(self.mmp, self.bob) as load:
            load.go_on()
            self.assertTrue(self.logs_in(self.alice))
        self.assertEqual(load.problems, [])
        # Its own users wait no longer than a connection may take, each for its turn and for it.
        wait_until(lambda: len(self.answered(clients)) == len(clients), "all are told")
        for client in clients:
            self.assertEqual(client.until("a ")[-2], f"* NO [ALERT] {ALERT}")
        self.mmp.await_log(["MaxConcurrentConnectionAttempts", HANGING])

    def ask_for_mail(self):
        client = Client(self.mmp.imap_port)
        self.addCleanup(client.close)
        client.line()
        client.send(f"a LOGIN {HANGING} {PASSWORD}\r\n")
        return client

    @staticmethod
    def answered(clients):
        readable = select.select([client.socket for client in clients], [], [], 0)[0]
        return [client for client in clients if client.socket in readable]


if __name__ == "__main__":
    unittest.main()
