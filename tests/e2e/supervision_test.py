"""mmpd, AService.rc and mmpctl as processes: start, stop, reload, crashes, exit statuses.

No store is needed: sessions that have not logged in are sessions too.
"""

import os
import signal
import socket
import subprocess
import unittest

from testbed import BIN, HOST, Client, Instance, free_port, read_greeting, run, wait_until, write_file

USERS = "dn: mail=joe@example.com\nobjectClass: person\nmail: joe@example.com\nmailHost: 127.0.0.1\n"


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Supervision(unittest.TestCase):
    def setUp(self):
        self.mmp = self.new_instance()

    def new_instance(self):
        mmp = Instance("ldif:users.ldif")
        write_file(mmp.path("users.ldif"), USERS)
        mmp.write_configuration()
        self.addCleanup(mmp.close)
        self.addCleanup(lambda: mmp.control_script("stop"))
        return mmp

    def rc(self, verb, expected=0, mmp=None):
        done = (mmp or self.mmp).control_script(verb)
        self.assertEqual(done.returncode, expected, f"{verb}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def mmpd(self):
        return run([os.path.join(BIN, "mmpd"), "-d", self.mmp.directory])

    def workers(self, mmp=None):
        return (mmp or self.mmp).status()["workers"]

    def pids(self, mmp=None):
        return {worker["pid"] for worker in self.workers(mmp) if worker["pid"]}

    def await_workers(self, condition, what):
        return wait_until(lambda: condition(self.workers()), what)

    def configure(self, **options):
        self.mmp.options.update(options)
        self.mmp.write_configuration()


class Lifecycle(Supervision):
    def test_start_stop_restart(self):
        self.rc("status", 3)
        self.rc("stop")
        self.rc("start")
        # start returns when clients are served, not a moment before.
        self.assertRegex(read_greeting(self.mmp.imap_port), r"^\* OK ")
        self.assertRegex(read_greeting(self.mmp.pop3_port), r"^\+OK ")
        self.rc("status")
        first = self.mmp.status()
        self.assertIn("already running", self.rc("start"))
        self.assertEqual(self.mmp.status()["pid"], first["pid"])
        self.rc("restart")
        second = self.mmp.status()
        self.assertNotEqual(second["pid"], first["pid"])
        self.rc("stop")
        self.rc("status", 3)
        for status in (first, second):
            for pid in [status["pid"], *(worker["pid"] for worker in status["workers"])]:
                wait_until(lambda pid=pid: not is_alive(pid), f"{pid} is gone")
        self.assertFalse(os.path.exists(self.mmp.path("run/mmpd.pid")))
        self.assertFalse(os.path.exists(self.mmp.path("run/control.sock")))

    def test_second_mmpd_is_refused(self):
        self.rc("start")
        pid = self.mmp.status()["pid"]
        done = self.mmpd()
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"already running, pid {pid}", done.stderr)
        self.assertEqual(self.mmp.status()["pid"], pid)

    def test_stale_files_of_a_killed_mmpd_do_not_matter(self):
        self.rc("start")
        before = self.mmp.status()
        os.kill(before["pid"], signal.SIGKILL)
        wait_until(lambda: not is_alive(before["pid"]), "mmpd is gone")
        self.rc("status", 3)
        # Workers end with their last session when nobody can replace them any more.
        for worker in before["workers"]:
            wait_until(lambda pid=worker["pid"]: not is_alive(pid), "its workers end")
        self.rc("start")
        self.assertIsNotNone(read_greeting(self.mmp.imap_port))

    def test_control_socket_is_for_its_owner(self):
        self.rc("start")
        self.assertEqual(os.stat(self.mmp.path("run/control.sock")).st_mode & 0o777, 0o600)

    def test_stop_says_goodbye(self):
        self.rc("start")
        with Client(self.mmp.imap_port) as client:
            client.until("* OK")
            self.rc("stop")
            self.assertIn(b"* BYE", client.rest())

    def test_terminate(self):
        self.rc("start")
        pid = self.mmp.status()["pid"]
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda: not is_alive(pid), "mmpd ends")
        self.rc("status", 3)

    def test_two_instances(self):
        other = self.new_instance()
        self.rc("start")
        self.rc("start", mmp=other)
        self.assertFalse(self.pids() & self.pids(other))
        self.rc("reload", mmp=other)
        self.assertEqual(self.mmp.status()["generation"], 1)
        self.rc("stop", mmp=other)
        self.assertIsNotNone(read_greeting(self.mmp.imap_port))


class CannotStart(Supervision):
    def refused(self, status, *patterns):
        done = self.mmpd()
        self.assertEqual(done.returncode, status, done.stderr)
        for pattern in patterns:
            self.assertRegex(done.stderr, pattern)
        self.rc("status", 3)
        self.assertFalse(os.path.exists(self.mmp.path("run/mmpd.pid")))

    def test_every_mistake_is_named(self):
        self.configure(LDAPTimeout="soon", LdapCacheSize="many")
        self.refused(
            2,
            r"ImapProxyAService\.cfg:\d+: LDAPTimeout: ",
            r"PopProxyAService\.cfg:\d+: LdapCacheSize: ",
        )
        self.rc("check", 1)

    def test_nothing_that_can_start(self):
        for services in ("", "NoSuchService@12345"):
            write_file(self.mmp.path("AService.cfg"), f"default:ServiceList {services}\n")
            self.refused(2, "ServiceList")

    def test_service_without_its_file(self):
        services = f"/nowhere/SmtpProxyAService@{free_port()}"
        write_file(self.mmp.path("AService.cfg"), f"default:ServiceList {services}\n")
        self.refused(2, r"SmtpProxyAService\.cfg: error: is missing")

    def test_port_in_use(self):
        with socket.create_server((HOST, self.mmp.imap_port)):
            self.refused(1, rf"cannot listen on {HOST}:{self.mmp.imap_port}")

    def test_workers_that_fail(self):
        write_file(self.mmp.path("users.ldif"), "this is no LDIF\n")
        self.refused(1, r"ImapProxyAService@.*users\.ldif", "no worker could be started")

    def test_no_such_directory(self):
        done = run([os.path.join(BIN, "mmpd"), "-d", "/nonexistent"])
        self.assertEqual(done.returncode, 2)

    def test_bad_arguments(self):
        self.assertEqual(run([os.path.join(BIN, "mmpd"), "--no-such-flag"]).returncode, 2)
        self.assertEqual(run([os.path.join(BIN, "mmpctl")]).returncode, 2)
        self.rc("no-such-verb", 2)
        self.rc("reload", 7)


class Reload(Supervision):
    def setUp(self):
        super().setUp()
        self.mmp.process_options["NumThreads"] = "1"
        self.mmp.write_configuration()
        self.rc("start")

    def test_new_settings_for_new_clients(self):
        with Client(self.mmp.imap_port) as old:
            old.until("* OK")
            self.configure(Banner='"another banner"')
            self.rc("reload")
            self.assertIn("another banner", read_greeting(self.mmp.imap_port))
            self.assertEqual(self.mmp.status()["generation"], 2)
            states = {worker["state"] for worker in self.workers() if worker["generation"] == 1}
            self.assertEqual(states, {"draining"})
            old.send("a NOOP\r\n")
            self.assertTrue(old.until("a ")[-1].startswith("a OK"))
        self.await_workers(
            lambda workers: {w["generation"] for w in workers} == {2}, "the old generation ends"
        )

    def test_when_it_returns_the_old_accept_no_more(self):
        (old,) = {w["pid"] for w in self.workers() if w["service"].startswith("Imap")}
        os.kill(old, signal.SIGSTOP)
        self.addCleanup(lambda: is_alive(old) and os.kill(old, signal.SIGCONT))
        self.configure(Banner='"another banner"')
        mmpctl = [os.path.join(BIN, "mmpctl"), "-d", self.mmp.directory]
        with subprocess.Popen([*mmpctl, "reload"]) as reload:
            self.mmp.await_log(["generation 2 is at work"])
            self.mmp.status()  # which is answered behind a reload that waits for nobody
            self.assertIsNone(reload.poll())
            os.kill(old, signal.SIGCONT)
            self.assertEqual(reload.wait(), 0)
        for _ in range(8):
            self.assertIn("another banner", read_greeting(self.mmp.imap_port))

    def test_a_worker_that_hangs_is_named(self):
        (old,) = {w["pid"] for w in self.workers() if w["service"].startswith("Imap")}
        os.kill(old, signal.SIGSTOP)
        self.addCleanup(os.kill, old, signal.SIGKILL)
        words = rf"ImapProxyAService\S* worker 0 of generation 1 \(pid {old}\) does not answer"
        self.configure(LDAPTimeout="soon")
        self.assertNotRegex(self.rc("reload", 1), words)  # it goes on, and is not to leave
        self.configure(LDAPTimeout="30")
        self.assertRegex(self.rc("reload"), words)
        self.assertRegex(self.mmp.log_text("AService*.log"), words)

    def test_scheduling(self):
        def policies(generation):
            pids = [w["pid"] for w in self.workers() if w["generation"] == generation]
            return {os.sched_getscheduler(pid) for pid in pids}

        def policy_of_state():
            return os.sched_getscheduler(self.mmp.status()["state_process"]["pid"])

        self.assertEqual(policies(1), {os.SCHED_BATCH})
        self.assertEqual(policy_of_state(), os.SCHED_BATCH)
        self.configure(BatchScheduling="no")
        self.rc("reload")
        self.assertEqual(policies(2), {os.SCHED_OTHER})
        self.mmp.process_options["BatchScheduling"] = "no"
        self.mmp.write_configuration()
        self.rc("restart")
        self.assertEqual(policy_of_state(), os.SCHED_OTHER)

    def test_hang_up(self):
        self.configure(Banner='"by signal"')
        os.kill(self.mmp.status()["pid"], signal.SIGHUP)
        wait_until(lambda: "by signal" in (read_greeting(self.mmp.imap_port) or ""), "a reload")

    def test_bad_file_changes_nothing(self):
        before = self.pids()
        self.configure(LDAPTimeout="soon")
        self.assertRegex(self.rc("reload", 1), r"ImapProxyAService\.cfg:\d+: LDAPTimeout: ")
        self.assertEqual(self.pids(), before)
        self.assertEqual(self.mmp.status()["generation"], 1)

    def test_workers_that_fail_change_nothing(self):
        before = self.pids()
        write_file(self.mmp.path("users.ldif"), "this is no LDIF\n")
        self.assertRegex(self.rc("reload", 1), r"users\.ldif")
        self.assertEqual(self.mmp.status()["generation"], 1)
        self.await_workers(lambda workers: {w["pid"] for w in workers} == before, "only the old")
        self.assertIsNotNone(read_greeting(self.mmp.imap_port))
        # And when the file is good again, all is well.
        write_file(self.mmp.path("users.ldif"), USERS)
        self.rc("reload")

    def test_listeners_come_and_go(self):
        old, self.mmp.imap_port = self.mmp.imap_port, free_port()
        self.mmp.write_configuration()
        self.rc("reload")
        self.assertRegex(read_greeting(self.mmp.imap_port), r"^\* OK ")
        wait_until(lambda: read_greeting(old) is None, "the old port is closed")
        self.assertIsNotNone(read_greeting(self.mmp.pop3_port))

    def test_port_in_use_changes_nothing(self):
        before, port = self.pids(), self.mmp.imap_port
        self.mmp.imap_port = free_port()
        self.mmp.write_configuration()
        with socket.create_server((HOST, self.mmp.imap_port)):
            self.assertIn(str(self.mmp.imap_port), self.rc("reload", 1))
        self.assertEqual(self.pids(), before)
        self.assertIsNotNone(read_greeting(port))

    def test_removed_service(self):
        services = f"ImapProxyAService@{HOST}:{self.mmp.imap_port}"
        write_file(self.mmp.path("AService.cfg"), f"default:ServiceList {services}\n")
        self.rc("reload")
        wait_until(lambda: read_greeting(self.mmp.pop3_port) is None, "POP3 is gone")
        self.assertIsNotNone(read_greeting(self.mmp.imap_port))

    def test_drain_time(self):
        self.mmp.process_options["DrainTime"] = "1"
        self.mmp.write_configuration()
        self.rc("reload")
        with Client(self.mmp.imap_port) as client:
            client.until("* OK")
            self.rc("reload")
            self.assertIn(b"* BYE", client.rest())

    def test_max_generations(self):
        self.mmp.process_options["MaxGenerations"] = "2"
        self.mmp.write_configuration()
        with Client(self.mmp.imap_port) as oldest:
            oldest.until("* OK")
            self.rc("reload")
            with Client(self.mmp.imap_port) as newer:
                newer.until("* OK")
                self.rc("reload")
                self.assertIn(b"* BYE", oldest.rest())
                newer.send("a NOOP\r\n")
                self.assertTrue(newer.until("a ")[-1].startswith("a OK"))


class Crash(Supervision):
    def setUp(self):
        super().setUp()
        self.rc("start")

    def test_others_are_untouched(self):
        clients = [Client(self.mmp.imap_port) for _ in range(8)]
        for client in clients:
            self.addCleanup(client.close)
            client.until("* OK")
        before = self.await_workers(
            lambda workers: sum(w["sessions"] for w in workers) == 8 and workers, "eight sessions"
        )
        victim = max(before, key=lambda worker: worker["sessions"])
        os.kill(victim["pid"], signal.SIGKILL)
        lost = sum(self.is_lost(client) for client in clients)
        self.assertEqual(lost, victim["sessions"])
        after = self.await_workers(
            lambda workers: len([w for w in workers if w["state"] == "ready"]) == 4 and workers,
            "a new worker",
        )
        untouched = {w["pid"] for w in before} - {victim["pid"]}
        self.assertLess(untouched, {w["pid"] for w in after})
        replaced = [w for w in after if w["restarts"] == 1]
        self.assertEqual(len(replaced), 1)
        self.assertEqual(replaced[0]["service"], victim["service"])
        self.assertIn("signal 9", replaced[0]["last_problem"])

    def is_lost(self, client):
        try:
            client.send("a NOOP\r\n")
            return not client.line().startswith("a OK")
        except OSError:
            return True

    def test_restarts_wait_longer_and_longer(self):
        index = next(w["index"] for w in self.workers() if w["service"].startswith("Imap"))

        def slot():
            return next(
                w for w in self.workers()
                if w["service"].startswith("Imap") and w["index"] == index
            )

        for times in (1, 2):
            wait_until(lambda: slot()["state"] == "ready", "the worker is ready")
            os.kill(slot()["pid"], signal.SIGKILL)
            wait_until(lambda: slot()["state"] == "waiting", "its slot waits")
            self.assertEqual(slot()["restarts"], times)
        self.assertEqual(self.mmp.status()["generation"], 1)
        self.assertIsNotNone(read_greeting(self.mmp.imap_port))


if __name__ == "__main__":
    unittest.main()
