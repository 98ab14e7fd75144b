"""Two instances with two redis-servers to share what they know by: the first that serves is used by
both, and whichever goes or comes, what one of them has learnt the other knows."""

import shutil
import signal
import unittest

from fleet_test import Fleet, Redis
from testbed import wait_until


class Endpoints(Fleet):
    """The cases' half of a fleet: `first` comes before `second`; `running` are there at the start."""

    running = ("first", "second")

    @classmethod
    def setUpClass(cls):
        cls.first, cls.second = Redis(), Redis()
        cls.addClassCleanup(cls.first.close)
        cls.addClassCleanup(cls.second.close)
        super().setUpClass()

    @classmethod
    def make_redis(cls):
        """The one that is used at first."""
        for name in cls.running[1:]:
            getattr(cls, name).start()
        return getattr(cls, cls.running[0])

    @classmethod
    def urls(cls):
        return f'"{cls.first.url} {cls.second.url}"'

    def await_server(self, redis, timeout=20):
        for mmp in (self.a, self.b):
            wait_until(lambda mmp=mmp: self.is_with(mmp, redis), "both are with it", timeout)

    def is_with(self, mmp, redis):
        shared = self.shared(mmp)
        return shared["connected"] and shared["server"] == redis.url

    def meet(self, mmp, relay):
        """A relay that is down is met by a session of this instance."""
        relay.stop()
        self.addCleanup(lambda: relay.start() if relay.listener is None else None)

        def met():
            self.may_send(mmp, "127.0.5.1")
            return self.avoided(mmp, relay)

        wait_until(met, "a session meets it")

    def await_avoided(self, mmp, relay):
        wait_until(lambda: self.avoided(mmp, relay), "the other avoids it, too")

    def holds(self, redis, address):
        """Whether this server has been told of the login, whatever others know."""
        return redis.ask("EXISTS", f"openmmp:login:{address}") == "1"


class FirstDownAtStart(Endpoints, unittest.TestCase):
    running = ("second",)

    def test_second_is_used_until_the_first_comes_up(self):
        self.await_server(self.second)
        self.agree(self.a, self.b, "127.0.5.10")
        self.meet(self.b, self.relays[0])
        self.await_avoided(self.a, self.relays[0])
        # They look for it twice a minute.
        self.first.start()
        self.await_server(self.first, 50)
        # It had nothing: they have brought what they know.
        for mmp in (self.a, self.b):
            self.assertIn("127.0.5.10", self.logins(mmp))
            self.assertTrue(self.avoided(mmp, self.relays[0]))
        self.assertTrue(self.holds(self.first, "127.0.5.10"))
        # And go on there, whatever becomes of the second.
        self.second.signal(signal.SIGKILL)
        self.agree(self.b, self.a, "127.0.5.11")
        self.assertTrue(self.holds(self.first, "127.0.5.11"))
        self.await_server(self.first)


class SecondKilled(Endpoints, unittest.TestCase):
    running = ("second",)

    def test_what_was_learnt_while_both_were_away_is_known_by_the_first(self):
        self.await_server(self.second)
        self.agree(self.a, self.b, "127.0.5.20")
        self.second.signal(signal.SIGKILL)
        self.await_away(self.a, self.b)
        self.assertTrue(self.pop_login(self.a, "127.0.5.21"))
        wait_until(lambda: "127.0.5.21" in self.logins(self.a), "known where it was said")
        self.assertNotIn("127.0.5.21", self.logins(self.b))
        self.meet(self.b, self.relays[1])
        self.assertFalse(self.avoided(self.a, self.relays[1]))
        self.first.start()
        self.await_server(self.first)
        wait_until(lambda: "127.0.5.21" in self.logins(self.b), "the other knows it")
        self.assertTrue(self.may_send(self.b, "127.0.5.21"))
        self.await_avoided(self.a, self.relays[1])
        self.assertTrue(self.holds(self.first, "127.0.5.20"))
        self.agree(self.b, self.a, "127.0.5.22")


class FirstKilled(Endpoints, unittest.TestCase):
    def test_the_second_takes_its_place(self):
        self.await_server(self.first)
        self.agree(self.a, self.b, "127.0.5.30")
        self.meet(self.a, self.relays[0])
        self.await_avoided(self.b, self.relays[0])
        self.assertFalse(self.holds(self.second, "127.0.5.30"))
        self.first.signal(signal.SIGKILL)
        self.await_server(self.second)
        wait_until(lambda: self.holds(self.second, "127.0.5.30"), "they have brought it")
        self.agree(self.a, self.b, "127.0.5.31")
        self.relays[0].start()
        self.meet(self.b, self.relays[1])
        self.await_avoided(self.a, self.relays[1])
        # Who begins anew and has no snapshot learns it there, too.
        self.b.stop()
        shutil.rmtree(self.b.path("run", "state"))
        self.b.start()
        self.await_server(self.second)
        wait_until(lambda: {"127.0.5.30", "127.0.5.31"} <= set(self.logins(self.b)), "learnt")
        self.assertTrue(self.avoided(self.b, self.relays[1]))


if __name__ == "__main__":
    unittest.main()
