"""Logins that fail: what the client may know, what the log says, what no log ever says."""

import glob
import json
import os
import re
import socket
import unittest

from testbed import HOST, PASSWORD, Client, Site, StubStore, free_port

NOBODY = "nobody@example.com"
WRONG = "Wr0ng-pass-phrase"
DOWN = "down@example.com"
STUB = "stub@example.com"


def serve_garbage(_, connection, lines):
    connection.sendall(b"\x00\xff not a greeting\r\n")
    lines.read()


def serve_bye(_, connection, lines):
    connection.sendall(b"* BYE go away\r\n")
    lines.read()


def serve_preauth(_, connection, lines):
    connection.sendall(b"* PREAUTH you are root here\r\n")
    lines.read()


def serve_silence(_, connection, lines):
    lines.read()


def serve_end(_, connection, lines):
    connection.shutdown(socket.SHUT_RDWR)


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Nobody listens at 127.0.0.13.
        cls.site = Site(homes={DOWN: "127.0.0.13"})
        cls.addClassCleanup(cls.site.close)
        cls.site.start()
        cls.mmp = cls.site.instance

    def imap_lines(self, user, password):
        """What the client sees of a failed LOGIN."""
        with Client(self.mmp.imap_port) as client:
            client.line()
            client.send(f"a LOGIN {user} {password}\r\n")
            return client.until("a ")

    def pop_lines(self, user, password):
        with Client(self.mmp.pop3_port) as client:
            client.line()
            client.send(f"USER {user}\r\n")
            first = client.line()
            client.send(f"PASS {password}\r\n")
            return [first.replace(user, "USER"), client.line()]

    def log_level_of_failure(self, user):
        line = self.mmp.await_log([user])
        return re.search(r"General (\w+):", line).group(1)

    def test_imap_does_not_tell_who_exists(self):
        wrong = self.imap_lines(self.site.alice, WRONG)
        unknown = self.imap_lines(NOBODY, WRONG)
        self.assertEqual(wrong, unknown)
        self.assertIn("[AUTHENTICATIONFAILED]", wrong[-1])
        self.assertTrue(wrong[-1].startswith("a NO "))

    def test_pop_does_not_tell_who_exists(self):
        wrong = self.pop_lines(self.site.alice, WRONG)
        unknown = self.pop_lines(NOBODY, WRONG)
        self.assertEqual(wrong, unknown)
        self.assertTrue(wrong[-1].startswith("-ERR"))
        self.assertNotIn("SYS/TEMP", wrong[-1])

    def test_both_failures_are_logged_alike(self):
        levels = set()
        for user in (self.site.bob, NOBODY):
            self.imap_lines(user, WRONG)
            levels.add(self.log_level_of_failure(user))
        self.assertEqual(len(levels), 1)

    def test_another_try_on_the_same_connection(self):
        with Client(self.mmp.imap_port) as client:
            client.line()
            client.send(f"a LOGIN {self.site.alice} {WRONG}\r\n")
            self.assertTrue(client.until("a ")[-1].startswith("a NO"))
            client.send(f"b LOGIN {self.site.bob} {PASSWORD}\r\n")
            self.assertTrue(client.until("b ")[-1].startswith("b OK"))

    def test_imap_store_down(self):
        lines = self.imap_lines(DOWN, PASSWORD)
        self.assertTrue(lines[-1].startswith("a NO [UNAVAILABLE]"), lines)
        alert = [line for line in lines if "[ALERT]" in line]
        self.assertEqual(len(alert), 1, lines)
        self.assertIn("Your IMAP server appears to be temporarily out of service.", alert[0])

    def test_pop_store_down(self):
        self.assertTrue(self.pop_lines(DOWN, PASSWORD)[-1].startswith("-ERR [SYS/TEMP]"))

    def test_store_down_is_logged_with_the_store(self):
        self.imap_lines(DOWN, PASSWORD)
        self.mmp.await_log([DOWN, "127.0.0.13"])

    def test_no_password_in_any_file_of_the_instance(self):
        self.imap_lines(self.site.alice, WRONG)
        self.pop_lines(self.site.alice, WRONG)
        self.mmp.imap(self.site.alice).logout()
        self.mmp.pop(self.site.alice).quit()
        with Client(self.mmp.imap_port) as client:
            client.send(f"a LOGIN {self.site.alice} {WRONG} more words\r\nb LOGIN {WRONG}\r\n")
            client.send(f"{WRONG}\r\nc AUTHENTICATE PLAIN {WRONG}\r\n")
            client.until("c ")
        self.mmp.await_log([self.site.alice])
        paths = glob.glob(self.mmp.path("log", "*")) + [self.mmp.path("mmpd.out")]
        self.assertGreater(len(paths), 1)
        for path in paths:
            with open(path, encoding="latin-1") as file:
                text = file.read()
            # The directory's entries hold the right password; the logs hold neither.
            self.assertNotIn(WRONG, text, path)
            self.assertNotRegex(text, rf"\b{PASSWORD}\b", path)

    def test_log_lines_of_a_session(self):
        port = self.site.store_ports[0]
        self.mmp.imap(self.site.alice).logout()
        login = self.mmp.await_log([self.site.alice, HOST, f"127.0.0.11:{port}", "Notice"])
        self.assertRegex(
            login,
            r"^\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] \S+ ImapProxy\[\d+\]: "
            r"General Notice: \(id \d+\) ",
        )
        number = re.search(r"\(id \d+\)", login).group(0)
        pid = re.search(r"ImapProxy\[\d+\]", login).group(0)
        end = self.mmp.await_log([pid, number, "bytes"])
        self.assertRegex(end, r"\d+ bytes")
        names = [os.path.basename(path) for path in glob.glob(self.mmp.path("log", "*.log"))]
        self.assertTrue([n for n in names if re.fullmatch(r"ImapProxy_\d{8}\.log", n)], names)
        self.assertTrue([n for n in names if re.fullmatch(r"AService_\d{8}\.log", n)], names)


class StoresThatMisbehave(unittest.TestCase):
    """The client gets the temporary answer, and the instance goes on."""

    def login(self, serve):
        with StubStore(serve) as stub:
            site = Site(homes={STUB: f"{HOST}:{stub.port}"}, StoreLoginTimeout="2")
            self.addCleanup(site.close)
            site.start()
            with Client(site.instance.imap_port) as client:
                client.line()
                client.send(f"a LOGIN {STUB} {PASSWORD}\r\n")
                answer = client.until("a ")[-1]
            self.assertTrue(answer.startswith("a NO [UNAVAILABLE]"), answer)
            self.assertGreater(stub.accepted, 0)
            site.instance.imap(site.alice).logout()

    def test_garbage(self):
        self.login(serve_garbage)

    def test_bye(self):
        self.login(serve_bye)

    def test_preauth(self):
        self.login(serve_preauth)

    def test_silence(self):
        self.login(serve_silence)

    def test_end(self):
        self.login(serve_end)


class Loops(unittest.TestCase):
    def test_a_store_that_is_this_multiplexor(self):
        """One login must not beget another, whatever the name of our own address."""
        port = free_port()
        homes = {"self@example.com": f"localhost:{port}", "ip@example.com": f"127.0.0.1:{port}"}
        site = Site(homes=homes)
        self.addCleanup(site.close)
        mmp = site.instance
        mmp.imap_port = port
        site.start()
        for user in ("self@example.com", "ip@example.com"):
            with Client(mmp.imap_port) as client:
                client.line()
                client.send(f"a LOGIN {user} {PASSWORD}\r\n")
                self.assertIn("[UNAVAILABLE]", client.until("a ")[-1])
        status = json.loads(mmp.ctl("--json", "status").stdout)
        accepted = sum(w["accepted"] for w in status["workers"] if "Imap" in w["service"])
        # Two clients, what each of them connected to, and who looked whether the port is open.
        self.assertLess(accepted, 7)


if __name__ == "__main__":
    unittest.main()
