"""Reload under load, a reload that must not happen, and a worker that dies."""

import os
import signal
import threading
import time
import unittest

from testbed import PASSWORD, Client, Site, read_greeting, wait_until


class Load:
    """Logs in and out on several threads until told to stop; remembers whatever went wrong."""

    def __init__(self, site, threads=4):
        self.site = site
        self.logins = 0
        self.faults = []
        self.running = True
        self.threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def _run(self):
        while self.running:
            try:
                with Client(self.site.instance.imap_port) as client:
                    client.until("* OK")
                    client.send(f"a LOGIN {self.site.alice} {PASSWORD}\r\nb LOGOUT\r\n")
                    for tag in "ab":
                        line = client.until(f"{tag} ")[-1]
                        if not line.startswith(f"{tag} OK"):
                            self.faults.append(line)
                self.logins += 1
            except Exception as error:  # each kind of failure is one too many
                self.faults.append(repr(error))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.running = False
        for thread in self.threads:
            thread.join()


class Reload(unittest.TestCase):
    def setUp(self):
        self.site = Site(Banner='"first banner"')
        self.addCleanup(self.site.close)
        self.site.start()
        self.mmp = self.site.instance

    def generation(self):
        return self.mmp.status()["generation"]

    def reload(self, banner):
        self.mmp.options["Banner"] = f'"{banner}"'
        self.mmp.write_configuration()
        done = self.mmp.control_script("reload")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        wait_until(lambda: banner in (read_greeting(self.mmp.imap_port) or ""), "the new banner")

    def test_under_load(self):
        old = self.mmp.imap(self.site.bob)
        before = self.generation()
        with Load(self.site) as load:
            for number in range(3):
                self.reload(f"banner number {number}")
                wait_until(lambda: load.logins > 20 * (number + 1), "logins go on")
        self.assertEqual(load.faults, [])
        self.assertEqual(self.generation(), before + 3)
        self.assertEqual(old.select("INBOX", readonly=True), ("OK", [b"1"]))
        old.logout()
        pop = self.mmp.pop(self.site.alice)
        self.assertIn(b"banner number 2", pop.getwelcome())
        pop.quit()

    def test_old_generation_ends_with_its_last_session(self):
        old = self.mmp.imap(self.site.bob)
        before = {worker["pid"] for worker in self.mmp.status()["workers"]}
        self.reload("second banner")
        wait_until(lambda: len(self.old_workers(before)) == 1, "the idle old workers end")
        self.assertEqual(old.noop()[0], "OK")
        old.logout()
        wait_until(lambda: not self.old_workers(before), "the last old worker ends")

    def old_workers(self, before):
        return {worker["pid"] for worker in self.mmp.status()["workers"]} & before

    def test_bad_file_changes_nothing(self):
        session = self.mmp.imap(self.site.alice)
        pids = {worker["pid"] for worker in self.mmp.status()["workers"]}
        self.mmp.options["LDAPTimeout"] = "soon"
        self.mmp.options["Banner"] = '"never shown"'
        self.mmp.write_configuration()
        done = self.mmp.control_script("reload")
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, r"ImapProxyAService\.cfg:\d+: LDAPTimeout: ")
        self.assertIn("first banner", read_greeting(self.mmp.imap_port))
        self.assertEqual({worker["pid"] for worker in self.mmp.status()["workers"]}, pids)
        self.assertEqual(session.noop()[0], "OK")
        session.logout()


class WorkerKilled(unittest.TestCase):
    def test_another_takes_its_place(self):
        with Site() as site:
            mmp = site.instance
            session = mmp.imap(site.bob)
            imap = [w for w in mmp.status()["workers"] if w["service"].startswith("Imap")]
            wait_until(lambda: any(w["sessions"] for w in self.imap_workers(mmp)), "a session counted")
            idle = [w["pid"] for w in self.imap_workers(mmp) if not w["sessions"]]
            self.assertEqual(len(idle), len(imap) - 1)
            os.kill(idle[0], signal.SIGKILL)
            self.assertEqual(session.noop()[0], "OK")
            wait_until(
                lambda: len([w for w in self.imap_workers(mmp)
                             if w["state"] == "ready" and w["pid"] != idle[0]]) == len(imap),
                "a new worker",
            )
            self.assertEqual(session.noop()[0], "OK")
            session.logout()
            for _ in range(10):
                mmp.imap(site.alice).logout()
            mmp.await_log(["AService", str(idle[0])])

    def imap_workers(self, mmp):
        return [w for w in mmp.status()["workers"] if w["service"].startswith("Imap")]

    def test_all_of_them(self):
        with Site() as site:
            for worker in site.instance.status()["workers"]:
                os.kill(worker["pid"], signal.SIGKILL)
            # The listeners are the supervisor's: whoever connects now waits and is served.
            started = time.monotonic()
            site.instance.imap(site.alice).logout()
            site.instance.pop(site.bob).quit()
            self.assertLess(time.monotonic() - started, 15)


if __name__ == "__main__":
    unittest.main()
