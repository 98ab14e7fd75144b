"""Limits and load: descriptors, memory, idle time, many sessions, half-closed connections."""

import os
import resource
import time
import unittest

from testbed import (
    HOST, PASSWORD, Client, Site, StubStore, message, serve_imap_login, wait_until,
)

STUB = "stub@example.com"
MANY = "0.0.0.0|0.0.0.0:100000"


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def imap_workers(mmp):
    return [w["pid"] for w in mmp.status()["workers"] if w["service"].startswith("Imap")]


def one_worker(site):
    """One worker a service, so that the test knows which one it watches."""
    site.instance.process_options["NumThreads"] = "1"
    return site


class DescriptorLimit(unittest.TestCase):
    def test_accept_pauses_and_nothing_spins(self):
        site = one_worker(Site(ConnLimits=MANY))
        site.instance.descriptors = 64
        with site:
            mmp = site.instance
            session = mmp.imap(site.alice)
            pid = imap_workers(mmp)[0]
            crowd = [Client(mmp.imap_port, timeout=20) for _ in range(100)]
            time.sleep(0.5)
            before = cpu_seconds(pid)
            time.sleep(2)
            self.assertLess(cpu_seconds(pid) - before, 0.3, "the worker spins")
            self.assertEqual(session.select("INBOX", readonly=True), ("OK", [b"1"]))
            mmp.await_log(["ImapProxy", "descriptor"])
            # Whoever waits is served once there is room again.
            for client in crowd[:-1]:
                client.close()
            self.assertRegex(crowd[-1].line(), r"^\* OK")
            crowd[-1].close()
            mmp.imap(site.bob).logout()
            self.assertEqual(session.noop()[0], "OK")
            session.logout()


class SlowReader(unittest.TestCase):
    def test_memory_stays_flat(self):
        with one_worker(Site()) as site:
            data = message(site.alice, "long", "0123456789abcdef" * 4 + "\r\n" * 1)
            data += (b"x" * 70 + b"\r\n") * 400_000
            site.store_of[site.alice].deliver(site.alice, data)
            pid = imap_workers(site.instance)[0]
            with Client(site.instance.imap_port, timeout=60) as client:
                client.send(f"a LOGIN {site.alice} {PASSWORD}\r\nb EXAMINE INBOX\r\n")
                client.until("b ")
                before = resident_bytes(pid)
                client.send("c FETCH 1:2 (RFC822.SIZE BODY.PEEK[])\r\nd LOGOUT\r\n")
                time.sleep(2)
                self.assertLess(resident_bytes(pid) - before, 4 << 20)
                self.assertLess(cpu_seconds(pid), 2, "the worker spins while the client sleeps")
                received = client.rest()
            self.assertGreater(len(received), len(data))
            self.assertTrue(received.decode().splitlines()[-1].startswith("d OK"))


class HalfClose(unittest.TestCase):
    def test_client_ends_first_and_still_hears_the_store(self):
        def serve(_, connection, lines):
            serve_imap_login(connection, lines)
            rest = lines.read()  # returns when the client's end has arrived
            connection.sendall(b"* heard " + str(len(rest)).encode() + b" bytes\r\n")

        with StubStore(serve) as stub, Site(homes={STUB: f"{HOST}:{stub.port}"}) as site:
            with Client(site.instance.imap_port) as client:
                client.send(f"a LOGIN {STUB} {PASSWORD}\r\n")
                client.until("a ")
                client.send("b NOOP\r\n" * 1000)
                client.socket.shutdown(1)
                self.assertEqual(client.rest().decode(), "* heard 8000 bytes\r\n")

    def test_store_ends_first_and_the_client_hears_its_last_words(self):
        last_words = b"* BYE " + b"x" * 500_000 + b"\r\n"
        ended = []

        def serve(_, connection, lines):
            serve_imap_login(connection, lines)
            connection.sendall(last_words)
            connection.shutdown(1)
            ended.append(lines.read())

        with StubStore(serve) as stub, Site(homes={STUB: f"{HOST}:{stub.port}"}) as site:
            with Client(site.instance.imap_port) as client:
                client.send(f"a LOGIN {STUB} {PASSWORD}\r\n")
                client.until("a ")
                self.assertEqual(client.rest(), last_words)
            wait_until(lambda: ended, "the store hears the end")


class Timeout(unittest.TestCase):
    def test_ends_an_idle_session(self):
        with Site(Timeout="3") as site:
            with Client(site.instance.imap_port) as client:
                client.send(f"a LOGIN {site.alice} {PASSWORD}\r\n")
                client.until("a ")
                for _ in range(4):  # not idle: lives longer than the limit
                    time.sleep(1.5)
                    client.send("b NOOP\r\n")
                    client.until("b OK")
                begin = time.monotonic()
                client.rest()
                self.assertGreater(time.monotonic() - begin, 1.5)
                self.assertLess(time.monotonic() - begin, 10)

    def test_ends_a_client_that_never_logs_in(self):
        with Site(LoginTimeout="2") as site:
            with Client(site.instance.imap_port) as client:
                self.assertTrue(client.line().startswith("* OK"))
                self.assertTrue(client.rest().startswith(b"* BYE"))
            with Client(site.instance.pop3_port) as client:
                self.assertTrue(client.line().startswith("+OK"))
                client.rest()


class ManySessions(unittest.TestCase):
    COUNT = 500

    def test_at_the_same_time(self):
        def serve(_, connection, lines):
            serve_imap_login(connection, lines)
            for line in lines:
                tag = line.split()[0]
                connection.sendall(tag + b" OK done\r\n")

        with StubStore(serve) as stub:
            homes = {STUB: f"{HOST}:{stub.port}"}
            with Site(homes=homes, ConnLimits=MANY, MaxConcurrentConnectionAttempts="1000") as site:
                users = [STUB] * (self.COUNT - 100) + [site.alice, site.bob] * 50
                clients = [Client(site.instance.imap_port, timeout=60) for _ in users]
                for client, user in zip(clients, users):
                    client.send(f"a LOGIN {user} {PASSWORD}\r\n")
                for client in clients:
                    self.assertTrue(client.until("a ")[-1].startswith("a OK"))
                counted = lambda: sum(w["sessions"] for w in site.instance.status()["workers"])
                wait_until(lambda: counted() == self.COUNT, f"status counts {self.COUNT}")
                for number, client in enumerate(clients):
                    client.send(f"n{number} NOOP\r\n")
                for number, client in enumerate(clients):
                    self.assertTrue(client.until("n")[-1].startswith(f"n{number} OK"))
                for client in clients:
                    client.close()
                wait_until(lambda: counted() == 0, "every session has ended")


if __name__ == "__main__":
    unittest.main()
