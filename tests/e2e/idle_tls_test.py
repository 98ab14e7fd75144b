"""Four thousand TLS sessions of one worker that have nothing to say, and then none."""

import asyncio
import os
import resource
import shutil
import ssl
import tempfile
import threading
import unittest

from certificates import Authority
from testbed import HOST, PASSWORD, Instance, free_port, ldif, wait_until, write_file
from tls_site import NAME, TlsClient

USER = "idle@example.com"
SESSIONS = 4000
# For each process: the worker has two a session, and so has this one, which is both of its ends.
DESCRIPTORS = 4 * SESSIONS


class IdleStore:
    """An IMAP store that says yes to every line, in one thread however many have come."""

    def __init__(self):
        self.port, self.sessions = free_port(), 0
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    async def _run(self):
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._serve, HOST, self.port, backlog=1024):
            self.ready.set()
            await self.ended.wait()

    async def _serve(self, reader, writer):
        self.sessions += 1
        writer.write(b"* OK [CAPABILITY IMAP4rev1] stub ready\r\n")
        try:
            while line := await reader.readline():
                writer.write(line.split()[0] + b" OK done\r\n")
        finally:
            self.sessions -= 1
            writer.close()

    def __enter__(self):
        self.thread.start()
        self.ready.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.ended.set)
        self.thread.join()


class IdleTls(unittest.TestCase):
    def setUp(self):
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, limits[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        directory = tempfile.mkdtemp(prefix="openmmp-ca-", dir="/tmp")
        self.addCleanup(shutil.rmtree, directory)
        os.chmod(directory, 0o755)
        ca = Authority(os.path.join(directory, "ca"))
        self.context = ssl.create_default_context(cafile=ca.cert)
        self.store = self.enterContext(IdleStore())
        self.mmp = Instance("ldif:users.ldif")
        self.mmp.process_options["NumThreads"] = "1"
        self.mmp.descriptors = DESCRIPTORS
        self.mmp.enable_tls(ca.server("mail", NAME))
        write_file(self.mmp.path("users.ldif"), ldif({USER: f"{HOST}:{self.store.port}"}))
        self.enterContext(self.mmp)

    def worker(self):
        (worker,) = [w for w in self.mmp.status()["workers"] if w["service"].startswith("Imap")]
        return worker

    def await_sessions(self, count):
        wait_until(lambda: self.worker()["sessions"] == count, f"{count} sessions are counted")
        wait_until(lambda: self.store.sessions == count, f"the store has {count} sessions")

    def new_client(self):
        """One that has asked to be let in, and listens later."""
        client = TlsClient(self.mmp.imaps_port, self.context)
        self.addCleanup(client.close)
        client.send(f"a LOGIN {USER} {PASSWORD}\r\n")
        return client

    def descriptors(self, pid):
        # A worker has closed itself to everybody but root.
        return len(os.listdir(f"/proc/{pid}/fd")) if os.getuid() == 0 else 0

    def test_all_are_served_and_leave_nothing_behind(self):
        # What a worker opens once, for its first session, is none of what is looked for.
        with self.new_client() as first:
            self.assertTrue(first.until("a ")[-1].startswith("a OK"))
        self.await_sessions(0)
        pid = self.worker()["pid"]
        before = self.descriptors(pid)
        clients = [self.new_client() for _ in range(SESSIONS)]
        for client in clients:
            self.assertTrue(client.until("a ")[-1].startswith("a OK"))
        self.await_sessions(SESSIONS)
        # Answered while nobody reads, and each for itself.
        for number, client in enumerate(clients):
            client.send(f"n{number} NOOP\r\n")
        for number, client in enumerate(clients):
            self.assertEqual(client.line(), f"n{number} OK done")
        for client in clients:
            client.close()
        self.await_sessions(0)
        self.assertEqual(self.worker()["pid"], pid)
        wait_until(lambda: self.descriptors(pid) <= before, "no descriptor is left behind")


if __name__ == "__main__":
    unittest.main()
