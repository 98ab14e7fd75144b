"""Limits, filters and penalties: that they are exact, known to all workers, and outlive crashes.

Clients come from addresses of their own in 127/8, so that none is counted that a test has not sent.
No test asserts how long a penalty lasts: that it is there is seen by mmpctl and in the log.
"""

import json
import os
import re
import signal
import socket
import unittest

from testbed import (
    HOST, PASSWORD, ROOT, Client, Instance, StubStore, ldif, serve_imap_login, wait_until,
    write_file,
)

CROWD, OTHER, THIRD = "127.0.0.2", "127.0.0.3", "127.0.0.4"
ALICE, BOB, POP_ONLY = "alice@example.com", "bob@example.com", "poponly@example.com"


class ClientFrom(Client):
    """A client with an address of its choice."""

    def __init__(self, address, port, timeout=20):
        self.socket = socket.create_connection((HOST, port), timeout, (address, 0))
        self.lines = self.socket.makefile("rb")

    def lives(self):
        """True if the session still answers."""
        try:
            self.send("n NOOP\r\n")
            while line := self.line():
                if line.startswith("n OK"):
                    return True
        except OSError:
            pass
        return False


def echo_imap(_, connection, lines):
    """A store that says yes to everything, until its client has gone."""
    serve_imap_login(connection, lines)
    for line in lines:
        connection.sendall(line.split()[0] + b" OK done\r\n")


def echo_pop(_, connection, lines):
    connection.sendall(b"+OK stub ready\r\n")
    for line in lines:
        known = not line.upper().startswith((b"CAPA", b"AUTH"))
        connection.sendall(b"+OK\r\n" if known else b"-ERR not here\r\n")


class Protections(unittest.TestCase):
    """Three workers for each service; passwords are checked by them, the stores take any."""

    OPTIONS = {}

    def setUp(self):
        imap, pop = StubStore(echo_imap), StubStore(echo_pop)
        for stub in (imap, pop):
            self.addCleanup(stub.__exit__)
        self.mmp = Instance("ldif:users.ldif", PreAuth="yes", **self.OPTIONS)
        self.addCleanup(self.mmp.close)
        self.mmp.process_options.update(NumThreads="3", ConnRejectThreshold="1000")
        self.mmp.imap_options["BacksidePort"] = imap.port
        self.mmp.pop_options["BacksidePort"] = pop.port
        users = ldif({ALICE: HOST, BOB: HOST, POP_ONLY: HOST})
        write_file(self.mmp.path("users.ldif"), users + "mailAllowedServiceAccess: +pop:ALL\n")
        self.prepare()
        self.mmp.start()

    def prepare(self):
        """What a test needs before the start."""

    def client(self, address, port=None):
        client = ClientFrom(address, port or self.mmp.imap_port)
        self.addCleanup(client.close)
        return client

    def crowd(self, address, size):
        return [self.client(address) for _ in range(size)]

    def login(self, user=ALICE, password=PASSWORD, address=CROWD):
        """A client, and the answer to its LOGIN."""
        client = self.client(address)
        client.line()
        client.send(f"a LOGIN {user} {password}\r\n")
        return client, client.until("a ")[-1]

    def pop_login(self, user=ALICE, password=PASSWORD, address=CROWD):
        client = self.client(address, self.mmp.pop3_port)
        client.line()
        client.send(f"USER {user}\r\nPASS {password}\r\n")
        client.line()
        return client, client.line()

    def reload(self, **options):
        self.mmp.options.update(options)
        self.mmp.write_configuration()
        done = self.mmp.ctl("reload")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def bad_guys(self):
        done = self.mmp.ctl("--json", "badguys")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return {row["address"]: row["badness"] for row in json.loads(done.stdout)["bad_guys"]}

    def log_lines(self, words, pattern="*.log"):
        return [line for line in self.mmp.log_text(pattern).splitlines() if words in line]

    def await_lines(self, words, number, pattern="*.log"):
        """Lines reach the log a moment after what they tell of."""
        found = lambda: self.log_lines(words, pattern)
        wait_until(lambda: len(found()) >= number, f"{number} lines with {words}")
        self.assertEqual(len(found()), number)
        return found()

    def assert_room_for(self, client_of, number):
        """So many come in, and no more. Who leaves is counted until the worker has noticed."""

        def come_in():
            client, words = client_of()
            if words.startswith(("* OK", "a OK")):
                return client
            client.close()
            return None

        guests = [wait_until(come_in, f"room for {number}") for _ in range(number)]
        # One too many may be greeted before the workers have told each other. Then one is ended:
        # whichever of them mmp-state was told of last.
        more = come_in()
        if more:
            guests.append(more)
            living = lambda: [client for client in guests if client.lives()]
            guests = wait_until(lambda: len(living()) == number and living(), "one to be ended")
        return guests

    def greeted(self, address):
        client = self.client(address)
        return client, client.line()

    def kill_state(self):
        """mmp-state dies, and another one works."""
        before = self.mmp.status()["state_process"]["pid"]
        os.kill(before, signal.SIGKILL)
        return before

    def await_new_state(self, before):
        def new():
            process = self.mmp.status()["state_process"]
            return process["state"] == "ready" and process["pid"] != before

        wait_until(new, "mmp-state works again")
        self.mmp.await_log(["mmp-state", "signal 9"])

    def kill_workers(self, service):
        workers = self.mmp.status()["workers"]
        victims = {w["pid"] for w in workers if w["service"].startswith(service)}
        for pid in victims:
            os.kill(pid, signal.SIGKILL)

        def replaced():
            workers = [w for w in self.mmp.status()["workers"] if w["service"].startswith(service)]
            return all(w["state"] == "ready" and w["pid"] not in victims for w in workers)

        wait_until(replaced, f"new workers of {service}")


class ConnectionLimit(Protections):
    LIMIT = 20
    OPTIONS = {"ConnLimits": f"{CROWD}|255.255.255.255:{LIMIT},0.0.0.0|0.0.0.0:1000"}

    def settle(self, crowd, most):
        """Who of the crowd may stay. Whoever is too many may have been greeted before."""
        refused = [c for c in crowd if not (c.line().startswith("* OK") and c.lives())]
        late = len(crowd) - len(refused) - most
        if late > 0:
            greeted = [c for c in crowd if c not in refused]
            wait_until(lambda: sum(not c.lives() for c in greeted) == late, "the limit holds")
        return [c for c in crowd if c not in refused and c.lives()]

    def test_exactly_so_many_stay(self):
        crowd = self.crowd(CROWD, 2 * self.LIMIT)
        staying = self.settle(crowd, self.LIMIT)
        self.assertEqual(len(staying), self.LIMIT)
        line = self.mmp.await_log([f"Connection limit reached for client IP {CROWD}"])
        self.assertIn("General Error: ", line)
        # Others have limits of their own, and POP counts by itself.
        self.assertRegex(self.greeted(OTHER)[1], r"^\* OK")
        self.assertRegex(self.client(CROWD, self.mmp.pop3_port).line(), r"^\+OK")
        # One goes, one may come.
        self.assertRegex(self.greeted(CROWD)[1], r"^(\* BYE Limit reached|$)")
        staying.pop().close()
        self.assert_room_for(lambda: self.greeted(CROWD), 1)
        self.assertTrue(all(client.lives() for client in staying))

    def test_generations_count_together(self):
        old = self.settle(self.crowd(CROWD, 12), self.LIMIT)
        self.assertEqual(len(old), 12)
        self.reload(Banner="new")
        self.assertIn("new", self.greeted(OTHER)[1])
        both = self.settle(self.crowd(CROWD, 2 * self.LIMIT), self.LIMIT - 12)
        self.assertEqual(len(both), self.LIMIT - 12)
        self.assertTrue(all(client.lives() for client in old))
        for client in old[:3]:
            client.close()
        self.assert_room_for(lambda: self.greeted(CROWD), 3)

    def test_killed_workers_give_back_their_seats(self):
        self.assertEqual(len(self.settle(self.crowd(CROWD, self.LIMIT), self.LIMIT)), self.LIMIT)
        self.kill_workers("Imap")
        again = self.settle(self.crowd(CROWD, self.LIMIT + 5), self.LIMIT)
        self.assertEqual(len(again), self.LIMIT)

    def test_mmp_state_is_killed(self):
        crowd = self.settle(self.crowd(CROWD, self.LIMIT), self.LIMIT)
        self.assertEqual(len(crowd), self.LIMIT)
        before = self.kill_state()
        # Sessions go on, logins go on.
        session, answer = self.login(address=OTHER)
        self.assertTrue(answer.startswith("a OK"), answer)
        self.assertTrue(all(client.lives() for client in crowd))
        self.await_new_state(before)
        # Workers have said again who is there.
        wait_until(lambda: not self.greeted(CROWD)[1].startswith("* OK"), "the limit holds again")
        self.assertTrue(all(client.lives() for client in [session, *crowd]))
        for client in crowd[:2]:
            client.close()
        self.assert_room_for(lambda: self.greeted(CROWD), 2)


class ConnectionLimitFile(Protections):
    OPTIONS = {"ConnLimits": "limits.txt"}

    def prepare(self):
        self.write_limits("2")

    def write_limits(self, number):
        text = f"# tests\n{CROWD}|255.255.255.255:{number}\n\n{OTHER}:0\n0.0.0.0|0.0.0.0:20\n"
        write_file(self.mmp.path("limits.txt"), text)

    def test_is_read_at_start_and_reload(self):
        guests = self.assert_room_for(lambda: self.greeted(CROWD), 2)
        self.assertNotIn("* OK", self.greeted(OTHER)[1])
        self.assertRegex(self.greeted(THIRD)[1], r"^\* OK")
        self.write_limits("4")
        self.reload()
        self.assert_room_for(lambda: self.greeted(CROWD), 2)
        self.assertTrue(all(client.lives() for client in guests))

    def test_mistakes_are_named(self):
        write_file(self.mmp.path("limits.txt"), "10.0.0.0|255.0.0.0:5\n10.0.0.0|255.0.0.0:many\n")
        done = self.mmp.ctl("check")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("limits.txt", done.stdout + done.stderr)
        self.assertEqual(self.mmp.ctl("reload").returncode, 1)
        self.assertRegex(self.greeted(THIRD)[1], r"^\* OK")


class RejectThreshold(Protections):
    OPTIONS = {"ConnLimits": f"{CROWD}:0"}

    def prepare(self):
        self.mmp.process_options.update(NumThreads="1", ConnRejectThreshold="2")

    def test_later_ones_are_not_worth_a_word(self):
        words = [self.greeted(CROWD)[1] for _ in range(4)]
        self.assertTrue(all(line.startswith("* BYE Limit reached") for line in words[:2]), words)
        self.assertEqual(words[2:], ["", ""])
        self.await_lines("Connection limit reached", 2)


class UserSessions(Protections):
    # A session that is refused by the limit asks again until there is room, however slowly the
    # others go.
    OPTIONS = {"MaxUserSessions": "2", "MaxLoginAttempts": "1000", "MaxCommands": "10000"}

    def test_wherever_they_come_from(self):
        one, first = self.login(ALICE, address=CROWD)
        two, second = self.login("alice", address=OTHER)
        self.assertTrue(first.startswith("a OK") and second.startswith("a OK"), (first, second))
        refused = lambda said: said[1].startswith("a NO [LIMIT]") and said
        three, _ = wait_until(
            lambda: refused(self.login("ALICE@example.com", address=THIRD)), "the limit holds"
        )
        self.assertTrue(self.login(BOB)[1].startswith("a OK"))
        # A service counts by itself; POP has no word for it but "not now".
        for _ in range(2):
            self.assertTrue(self.pop_login()[1].startswith("+OK"))
        # One that a worker lets in before it has heard of the others is ended afterwards.
        wait_until(lambda: self.pop_login()[1].startswith("-ERR"), "the limit of POP holds")
        # It was no wrong password, and the session may try again.
        self.assertEqual(self.bad_guys(), {})
        one.close()

        def again():
            three.send(f"b LOGIN {ALICE} {PASSWORD}\r\n")
            return three.until("b ")[-1].startswith("b OK")

        two_more = wait_until(again, "room for another session")
        self.assertTrue(two_more and two.lives() and three.lives())

    def test_burst(self):
        crowd = self.crowd(CROWD, 12)
        for client in crowd:
            client.send(f"a LOGIN {ALICE} {PASSWORD}\r\n")
        inside = [client for client in crowd if self.is_in(client)]
        # One that was let in too many is told so afterwards.
        wait_until(lambda: sum(client.lives() for client in inside) <= 2, "no more than two stay")
        self.assertEqual(sum(client.lives() for client in inside), 2)

    @staticmethod
    def is_in(client):
        while line := client.line():
            if line.startswith("a "):
                return line.startswith("a OK")
        return False


class AccessFilter(Protections):
    OPTIONS = {"TCPAccess": f'"-imap:{OTHER} 127.1."'}

    def test_of_the_service(self):
        for address, welcome in ((CROWD, True), (OTHER, False), ("127.1.2.3", False)):
            with self.subTest(address=address):
                words = self.greeted(address)[1]
                self.assertTrue(words.startswith("* OK") if welcome else words == "", words)
                self.assertRegex(self.client(address, self.mmp.pop3_port).line(), r"^\+OK")
        self.mmp.await_log(["ImapProxy", OTHER, "TCPAccess"])

    def test_of_the_user(self):
        self.assertTrue(self.pop_login(POP_ONLY)[1].startswith("+OK"))
        self.assertTrue(self.login(POP_ONLY)[1].startswith("a NO"))
        self.mmp.await_log(["ImapProxy", "filter of"])


class Guesses(Protections):
    GUESSES = 50
    OPTIONS = {"BGPenalty": "1", "BGMaxBadness": "1", "MaxLoginAttempts": "100"}

    def test_each_one_is_seen(self):
        client = self.client(OTHER)
        client.send("".join(f"g{n} LOGIN {ALICE} guess{n}\r\n" for n in range(self.GUESSES)))
        for number in range(self.GUESSES):
            answer = client.until(f"g{number} ")[-1]
            self.assertIn("NO [AUTHENTICATIONFAILED]", answer)
        self.await_lines(f"badguy {OTHER} now has 1 badness", self.GUESSES)
        self.await_lines(f"login of user {ALICE} failed - client {OTHER}", self.GUESSES)
        self.assertEqual(self.log_lines("guess"), [])
        self.assertEqual(self.bad_guys(), {OTHER: 1})
        done = self.mmp.ctl("badguys", "--forgive", OTHER)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.bad_guys(), {})


class Penalties(Protections):
    """An address is one to all: each failure adds to what others have seen."""

    OPTIONS = {"BGPenalty": "1", "BGMaxBadness": "60", "BGExcluded": "excluded.txt"}

    def prepare(self):
        text = f"# webmail\n{THIRD}|255.255.255.255\n127.0.9.0/24\n"
        write_file(self.mmp.path("excluded.txt"), text)

    def guess(self, expected, log="ImapProxy*.log", login=None, address=CROWD, repeated=1):
        """A wrong password, after which the address is so bad, as it may have been before."""
        client, answer = (login or self.login)(password="wrong", address=address)
        client.close()
        self.assertRegex(answer, r"^(a NO|-ERR)")
        self.await_lines(f"badguy {address} now has {expected} badness", repeated, log)
        wait_until(lambda: self.bad_guys().get(address) == expected, "mmp-state knows")

    def forgive_by_success(self):
        self.assertTrue(self.login()[1].startswith("a OK"))
        wait_until(lambda: self.bad_guys() == {}, "a right password forgives")

    def test_all_workers_and_services_know(self):
        self.guess(1)
        self.guess(2, "PopProxy*.log", self.pop_login)
        self.guess(3)
        self.guess(1, address=OTHER)  # who has done nothing yet
        self.assertEqual(self.bad_guys(), {CROWD: 3, OTHER: 1})
        done = self.mmp.ctl("badguys")
        self.assertRegex(done.stdout, rf"(?s)ADDRESS +BADNESS +AGE\n{CROWD} +3 .*{OTHER} +1 ")
        self.assertEqual(self.mmp.ctl("badguys", "--forgive", CROWD).returncode, 0)
        self.assertEqual(self.bad_guys(), {OTHER: 1})
        self.guess(1, "PopProxy*.log", self.pop_login, address="127.0.0.9")

    def test_forgiven_is_forgiven_everywhere(self):
        self.guess(1)
        self.assertEqual(self.mmp.ctl("badguys", "--forgive", CROWD).returncode, 0)
        for service in ("Imap", "Pop"):
            self.kill_workers(service)
        self.guess(1, repeated=2)

    def test_reload_and_killed_workers_change_nothing(self):
        self.guess(1)
        self.reload(Banner="new")
        self.assertEqual(self.bad_guys(), {CROWD: 1})
        self.guess(2)
        self.kill_workers("Imap")
        self.guess(3)
        self.forgive_by_success()

    def test_killed_mmp_state_changes_nothing(self):
        self.guess(1)
        snapshot = self.mmp.path("run/state/snapshot")
        wait_until(lambda: os.path.exists(snapshot) and os.path.getsize(snapshot), "a snapshot")
        before = self.kill_state()
        # What happens meanwhile is told later.
        client, answer = self.login(password="wrong", address=OTHER)
        client.close()
        self.assertTrue(answer.startswith("a NO"), answer)
        self.await_new_state(before)
        wait_until(lambda: self.bad_guys() == {CROWD: 1, OTHER: 1}, "both are known again")
        self.guess(2)
        self.forgive_of(OTHER)
        self.forgive_by_success()

    def forgive_of(self, address):
        self.assertEqual(self.mmp.ctl("badguys", "--forgive", address).returncode, 0)

    def test_restart_of_the_instance(self):
        self.guess(1)
        self.mmp.stop()
        self.mmp.start()
        self.assertEqual(self.bad_guys(), {CROWD: 1})
        self.guess(2)

    def test_excluded(self):
        for address in (THIRD, "127.0.9.7"):
            for _ in range(3):
                client, answer = self.login(password="wrong", address=address)
                client.close()
                self.assertTrue(answer.startswith("a NO"), answer)
        self.assertEqual(self.log_lines("badguy"), [])
        self.assertEqual(self.bad_guys(), {})
        self.guess(1)

    def test_documents(self):
        self.guess(1)
        document = json.loads(self.mmp.ctl("--json", "badguys").stdout)
        self.assertEqual(document["stores"], [])
        self.assertEqual([set(row) for row in document["bad_guys"]],
                         [{"address", "badness", "age_seconds"}])
        self.assertEqual(self.mmp.ctl("badguys", "--forgive", "nonsense").returncode, 1)


class Effect(unittest.TestCase):
    """What an operator sets has an effect: no option of IMAP or POP is only accepted."""

    LATER = {"AuthService", "AuthServiceTTL"}

    def test_check_has_nothing_to_say(self):
        mmp = Instance("ldif:users.ldif")
        self.addCleanup(mmp.close)
        write_file(mmp.path("users.ldif"), ldif({ALICE: HOST}))
        given = 0
        for name, values, default, where in self.table():
            sample = self.sample(values, default)
            if sample is None or name in self.LATER or not set(where) & set("IP"):
                continue
            given += 1
            for letter, options in (("I", mmp.imap_options), ("P", mmp.pop_options)):
                if letter in where:
                    options[name] = sample
        self.assertGreater(given, 60)
        mmp.write_configuration()
        done = mmp.ctl("check")
        self.assertIn("ImapProxyAService", done.stdout + done.stderr)
        self.assertNotIn("no effect yet", done.stdout + done.stderr)

    @staticmethod
    def table():
        """Name, kind of value, default, and files of each option that docs/options.md has."""
        with open(os.path.join(ROOT, "docs/options.md"), encoding="utf-8") as file:
            for line in file:
                cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
                if len(cells) == 7 and cells[0].startswith(" `"):
                    yield tuple(cell.strip(" `") for cell in cells[:4])

    @staticmethod
    def sample(values, default):
        """A value that is not the default."""
        if values == "boolean":
            return "no" if default == "yes" else "yes"
        if bounds := re.search(r", (-?\d+) to (\d+)", values):
            return next(bound for bound in reversed(bounds.groups()) if bound != default)
        if choice := re.match(r"(?:words of )?([\w.]+),? (?:or )?(\w[\w.]*)", values):
            if values.startswith("words of") or " or " in values and ":" not in values:
                return next(word for word in choice.groups() if word != default)
        return {
            "text": "words", "secret": "secret", "path": "users.ldif", "attribute": "cn",
            "attributes": "cn sn", "filter": "(cn=%s)", "format": "%U", "character": "+",
            "characters": "+%", "URL": "http://127.0.0.1:1", "networks": "192.0.2.0/24",
            "addresses": "127.0.0.1", "limits": "0.0.0.0|0.0.0.0:7", "words": "words",
            "access filter": "+ALL:ALL", "ciphers": "ECDHE-RSA-AES128-GCM-SHA256",
        }.get(values)


if __name__ == "__main__":
    unittest.main()
