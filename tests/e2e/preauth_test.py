"""Passwords checked before a store is asked: by a bind, by a file's hashes, by a server in nginx's
dialect; and what a weakforced has to say. The stores here would let everybody in."""

import base64
import hashlib
import http.server
import json
import threading
import unittest
import urllib.parse

from directory_test import imap_answer
from domain_site import (
    ONE, TWO, RecordingStores, change_password, domain_instance, domain_slapd, entry,
    organization, person,
)
from testbed import (
    BASE_DN, HOST, PASSWORD, Client, free_port, run, wait_until, write_file,
)

OK, WRONG, LATER = "OK", "AUTHENTICATIONFAILED", "UNAVAILABLE"


def outcome_of(answer):
    """Of a tagged IMAP answer or one of POP."""
    codes = {"a OK": OK, "+OK": OK, "[AUTHENTICATIONFAILED]": WRONG, "[AUTH]": WRONG}
    codes.update({"[UNAVAILABLE]": LATER, "[SYS/TEMP]": LATER})
    (found,) = {outcome for code, outcome in codes.items() if code in answer}
    return found


def imap_login(mmp, user, password=PASSWORD):
    return outcome_of(imap_answer(mmp, user, password))


def pop_login(mmp, user, password=PASSWORD):
    with Client(mmp.pop3_port, timeout=40) as client:
        client.line()
        client.send(f"USER {user}\r\nPASS {password}\r\n")
        client.line()
        return outcome_of(client.line())


LOGINS = (imap_login, pop_login)


def digest(scheme, password=PASSWORD, salt=b""):
    """A value of userPassword as slappasswd makes it."""
    name = scheme.lower().removeprefix("s") if salt else scheme.lower()
    name = {"ha": "sha1", "sha": "sha1", "ha256": "sha256", "ha512": "sha512"}.get(name, name)
    hashed = hashlib.new(name, password.encode() + salt).digest()
    return "{%s}%s" % (scheme, base64.b64encode(hashed + salt).decode())


def crypt(*arguments):
    done = run(["/usr/bin/openssl", "passwd", *arguments, "-salt", "saltsalt", PASSWORD])
    return done.stdout.strip()


# What both slapd and the file can check: {uid: userPassword}
HASHES = {
    "clear": PASSWORD,
    "sha": digest("SHA"),
    "ssha": digest("SSHA", salt=b"pepper12"),
    "md5": digest("MD5"),
    "smd5": digest("SMD5", salt=b"pepper12"),
    "crypt": "{CRYPT}" + crypt("-6"),
    "crypt5": "{CRYPT}" + crypt("-5"),
    "several": [digest("SSHA", "another", salt=b"x"), digest("SSHA", salt=b"pepper12")],
}
FILE_HASHES = {
    "ssha256": digest("SSHA256", salt=b"pepper12"),
    "sha256": digest("SHA256"),
    "ssha512": digest("SSHA512", salt=b"pepper12"),
    "sha512": digest("SHA512"),
    "tagged": "{CLEARTEXT}" + PASSWORD,
    "sha512crypt": "{SHA512-CRYPT}" + crypt("-6"),
}
UNREADABLE = {"strange": "{ROT13}frperg", "damaged": "{SSHA}!!"}


def entries(hashes):
    return (
        entry(BASE_DN, "dcObject", "organization", dc="example", o="Example")
        + organization("one", sunPreferredDomain="one.example")
        + organization(
            "two", sunPreferredDomain="two.example", mailAccessProxyPreAuth="no",
            associatedDomain="zwei.example",
        )
        + person("joe", store=HOST) + person("jim", store=HOST)
        + person("joe", TWO, HOST, userPassword="other")
        + person("nopass", store=HOST, userPassword=[])
        + person("held", store=HOST, mailUserStatus="hold")
        + "".join(person(uid, store=HOST, userPassword=value) for uid, value in hashes.items())
    )


class PreAuth(unittest.TestCase):
    def setUp(self):
        self.stores = RecordingStores()
        self.addCleanup(self.stores.close)

    def started(self, url, ldif="", **options):
        mmp = domain_instance(url, self.stores.ports, **options)
        self.addCleanup(mmp.close)
        write_file(mmp.path("users.ldif"), ldif)
        mmp.start()
        return mmp

    def slapd(self, ldif):
        slapd = domain_slapd(ldif)
        self.addCleanup(slapd.close)
        slapd.start()
        return slapd

    def assert_no_store_asked(self, mmp, user, password, outcome=WRONG):
        accepted = self.stores.accepted
        for login in LOGINS:
            with self.subTest(login=login.__name__, user=user, password=password):
                self.assertEqual(login(mmp, user, password), outcome)
        self.assertEqual(self.stores.accepted, accepted, "a store was asked")

    def assert_logs_in(self, mmp, user, password=PASSWORD, at_store=None):
        for login in LOGINS:
            with self.subTest(login=login.__name__, user=user):
                self.stores.take()
                self.assertEqual(login(mmp, user, password), OK)
                self.assertEqual(self.stores.take(), [at_store or (user, password)])


class ByDirectory(PreAuth):
    def check_passwords(self, mmp, users):
        for user in users:
            self.assert_logs_in(mmp, f"{user}@one.example")
            for wrong in ("wrong", "Secret", PASSWORD + " ", "*", "{CLEAR}secret"):
                self.assert_no_store_asked(mmp, f"{user}@one.example", wrong)
        for user in ("nobody@one.example", "nopass@one.example", "joe@nowhere.example"):
            self.assert_no_store_asked(mmp, user, PASSWORD)
        self.assert_no_store_asked(mmp, "joe@one.example", "other")
        self.assert_no_store_asked(mmp, "held@one.example", PASSWORD, LATER)
        self.assert_no_store_asked(mmp, "held@one.example", "wrong")
        # The domain leaves it to the store.
        self.assert_logs_in(mmp, "joe@two.example", "anything")

    def test_by_bind(self):
        slapd = self.slapd(entries(HASHES))
        mmp = self.started(slapd.url, PreAuth="yes")
        self.check_passwords(mmp, HASHES)
        # An empty password would be an anonymous bind, which always succeeds.
        accepted = self.stores.accepted
        self.assertEqual(imap_login(mmp, "joe@one.example", ""), WRONG)
        self.assertEqual(self.stores.accepted, accepted)
        for name in ("Imap", "Pop"):
            mmp.await_log([
                f"{name}Proxy[", "General Notice: (id ",
                f"user clear@one.example pre-authenticated - client {HOST}, server {HOST}",
            ])
        self.assertNotIn("joe@two.example pre-authenticated", mmp.log_text())
        self.assertNotIn(PASSWORD, mmp.log_text())

    def test_by_file(self):
        mmp = self.started(
            "ldif:users.ldif", entries({**HASHES, **FILE_HASHES, **UNREADABLE}),
            PreAuth="yes",
        )
        self.check_passwords(mmp, {**HASHES, **FILE_HASHES})
        accepted = self.stores.accepted
        self.assertEqual(imap_login(mmp, "joe@one.example", ""), WRONG)
        self.assertEqual(self.stores.accepted, accepted)
        for user in UNREADABLE:
            self.assert_no_store_asked(mmp, f"{user}@one.example", PASSWORD, LATER)
        mmp.await_log(["strange@one.example", "{rot13} cannot be checked"])
        mmp.await_log([f"ssha256@one.example pre-authenticated - client {HOST}, server {HOST}"])

    def test_a_domain_may_want_it(self):
        ldif = entries(HASHES).replace("mailAccessProxyPreAuth: no", "mailAccessProxyPreAuth: yes")
        for url in (self.slapd(ldif).url, "ldif:users.ldif"):
            mmp = self.started(url, ldif)
            self.assert_logs_in(mmp, "joe@one.example", "anything")
            self.assert_no_store_asked(mmp, "joe@two.example", "anything")
            self.assert_logs_in(mmp, "joe@two.example", "other")


class AuthCache(PreAuth):
    def test_what_is_remembered(self):
        slapd = self.slapd(entries({}))
        mmp = self.started(slapd.url, PreAuth="yes", LDAPTimeout="2")
        forgetful = self.started(slapd.url, PreAuth="yes", LDAPTimeout="2", AuthCacheSize="0")
        users = "joe@one.example", "jim@one.example"
        # Both entries are remembered, and one password.
        for each in (mmp, forgetful):
            self.assert_logs_in(each, users[0])
            self.assert_no_store_asked(each, users[1], "wrong")
        slapd.stop()
        self.assert_logs_in(mmp, users[0])
        # Not his: of another user, of another domain, or nobody's. Whoever cannot be asked says no.
        self.assert_no_store_asked(mmp, users[1], PASSWORD, LATER)
        self.assert_no_store_asked(mmp, users[0], "wrong", LATER)
        self.assert_no_store_asked(mmp, "joe@two.example", PASSWORD, LATER)
        self.assert_no_store_asked(forgetful, users[0], PASSWORD, LATER)
        slapd.start()
        for user in users:
            wait_until(lambda: imap_login(mmp, user) == OK, "slapd is back for IMAP")
            wait_until(lambda: pop_login(mmp, user) == OK, "slapd is back for POP")

    def test_a_changed_password(self):
        slapd = self.slapd(entries({}))
        mmp = self.started(slapd.url, PreAuth="yes")
        brief = self.started(slapd.url, PreAuth="yes", AuthCacheTTL="0")
        for each in (mmp, brief):
            self.assert_logs_in(each, "joe@one.example")
        change_password(slapd, f"uid=joe,{ONE}", "changed")
        # The new one serves at once, the old one for AuthCacheTTL.
        for each in (mmp, brief):
            self.assert_logs_in(each, "joe@one.example", "changed")
        self.assert_no_store_asked(mmp, "joe@one.example", "neither")
        self.assert_no_store_asked(brief, "joe@one.example", PASSWORD)


class WebServer:
    """An HTTP server for one purpose: `answer(request)` gives (status, headers, body)."""

    def __init__(self, answer):
        class Handler(http.server.BaseHTTPRequestHandler):
            def respond(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, body = answer(self)
                self.send_response(status)
                for name, value in {"Content-Length": len(body), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    self.wfile.write(body)
                except BrokenPipeError:
                    pass  # whoever reports may not wait for the body

            do_GET = do_POST = respond

            def log_message(self, *_):
                pass

        self.handler, self.port, self.server = Handler, free_port(), None
        self.start()

    def start(self):
        self.server = http.server.ThreadingHTTPServer((HOST, self.port), self.handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


class AuthHttp(PreAuth):
    """A site that comes from nginx: no directory, one server that knows passwords and stores."""

    def setUp(self):
        super().setUp()
        self.requests = []
        self.server = WebServer(self.answer)
        self.addCleanup(self.server.stop)
        self.mmp = domain_instance("", self.stores.ports)
        self.addCleanup(self.mmp.close)
        del self.mmp.options["LdapUrl"]
        self.mmp.options.update({
            "PreAuth": "yes", "AuthenticationServer": f"http://{HOST}:{self.server.port}/auth",
            "AuthenticationHeader": '"X-Auth-Key: our key"', "AuthenticationTimeout": "2",
        })
        self.mmp.start()

    def answer(self, request):
        headers = request.headers
        self.requests.append((request.path, dict(headers)))
        user = urllib.parse.unquote(headers["Auth-User"])
        turn = sum(seen["Auth-User"] == headers["Auth-User"] for _, seen in self.requests)
        store = {
            "Auth-Server": HOST,
            "Auth-Port": str(self.stores.ports[headers["Auth-Protocol"] != "imap"]),
        }
        if user == "broken":
            return 500, {"Auth-Status": "OK", **store}, b""
        if user == "silent":
            return 200, store, b""
        if user == "later":
            return 200, {"Auth-Status": "Not now", "Auth-Error-Code": "451 4.3.0"}, b""
        if user.startswith("slow") and turn == 1:
            return 200, {"Auth-Status": "WAIT", "Auth-Wait": "1"}, b""
        if urllib.parse.unquote(headers["Auth-Pass"]) != PASSWORD + " %":
            return 200, {"Auth-Status": "Who are you?", "Auth-Wait": "1"}, b""
        if user == "renamed":
            store.update({"Auth-User": "new.name", "Auth-Pass": "store password"})
        return 200, {"Auth-Status": "OK", **store}, b""

    RIGHT = PASSWORD + " %"

    def test_a_login(self):
        done = self.mmp.ctl("check")
        self.assertIn("ok: 0 errors, 0 warnings, 0 notes", done.stdout + done.stderr)
        self.assert_logs_in(self.mmp, "joe@one.example", self.RIGHT)
        self.assertEqual([path for path, _ in self.requests], ["/auth", "/auth"])
        for (_, headers), protocol in zip(self.requests, ("imap", "pop3")):
            self.assertEqual(headers["Auth-Method"], "plain")
            self.assertEqual(headers["Auth-User"], "joe@one.example")
            self.assertEqual(headers["Auth-Pass"], "secret%20%25")
            self.assertEqual(headers["Auth-Protocol"], protocol)
            self.assertEqual(headers["Auth-Login-Attempt"], "1")
            self.assertEqual(headers["Client-IP"], HOST)
            self.assertEqual(headers["X-Auth-Key"], "our key")
        self.mmp.await_log([f"joe@one.example pre-authenticated - client {HOST}, server {HOST}"])
        self.assertNotIn("secret", self.mmp.log_text())

    def test_what_it_may_say(self):
        self.assert_logs_in(self.mmp, "renamed", self.RIGHT, ("new.name", "store password"))
        self.assert_no_store_asked(self.mmp, "joe", "wrong")
        self.mmp.await_log(["Who are you?"])
        for user in ("broken", "silent", "later"):
            self.assert_no_store_asked(self.mmp, user, self.RIGHT, LATER)
        self.stores.take()
        self.assertEqual(imap_login(self.mmp, "slow", self.RIGHT), OK)
        self.assertEqual(pop_login(self.mmp, "slow2", self.RIGHT), OK)
        self.assertEqual([user for user, _ in self.stores.take()], ["slow", "slow2"])

    def test_names_of_any_kind(self):
        """None of them makes a header of its own."""
        for user in ("a b", "joe%0d%0aX: y", "jöe@one.example", "x:y", "*", "{5}"):
            self.assertEqual(imap_login(self.mmp, user, self.RIGHT), OK, user)
            self.assertEqual(self.stores.take(), [(user, self.RIGHT)])
        for name in (b"joe\r\nX-Evil: yes", b"joe\nX-Evil: yes", b"\xff\xfe", b"joe\x01"):
            with Client(self.mmp.imap_port) as client:
                client.line()
                client.send(b'a LOGIN {%d+}\r\n%s "secret %%"\r\n' % (len(name), name))
                client.until("a ")
        for _, headers in self.requests:
            self.assertNotIn("X-Evil", headers)
            self.assertTrue(all(byte >= " " for byte in headers["Auth-User"]))

    def test_it_goes_away_and_comes_back(self):
        self.assert_logs_in(self.mmp, "joe", self.RIGHT)
        self.server.stop()
        self.assert_no_store_asked(self.mmp, "joe", self.RIGHT, LATER)
        self.assert_no_store_asked(self.mmp, "joe", "wrong", LATER)
        self.server.start()
        self.assert_logs_in(self.mmp, "joe", self.RIGHT)


class Weakforced(PreAuth):
    def setUp(self):
        super().setUp()
        self.asked, self.told = [], []
        self.server = WebServer(self.answer)
        self.addCleanup(self.server.stop)
        self.mmp = self.started(
            "ldif:users.ldif", entries({}), PreAuth="yes", PolicyTimeout="2",
            PolicyServer=f"http://{HOST}:{self.server.port}", PolicyPassword="super",
        )

    def answer(self, request):
        proof = base64.b64encode(b"wforce:super").decode()
        if request.headers["Authorization"] != f"Basic {proof}":
            return 401, {}, b""
        body = json.loads(request.body)
        (self.asked if request.path == "/?command=allow" else self.told).append(body)
        if request.path == "/?command=report":
            return 200, {}, b'{"status":"ok"}'
        refused = body["login"] == "jim@one.example"
        verdict = {"status": -1, "msg": "too many guesses"} if refused else {"status": 0, "msg": ""}
        return 200, {}, json.dumps(verdict).encode()

    def await_told(self, count):
        wait_until(lambda: len(self.told) >= count, f"{count} reports")
        self.assertEqual(len(self.told), count, self.told)
        return self.told

    def test_it_is_asked_and_told(self):
        self.assert_logs_in(self.mmp, "joe@one.example")
        self.await_told(2)
        self.assert_no_store_asked(self.mmp, "joe@one.example", "wrong")
        told = self.await_told(4)
        self.assertEqual([report["success"] for report in told], [True, True, False, False])
        self.assertEqual([report["protocol"] for report in told], ["imap", "pop3"] * 2)
        for question, report in zip(self.asked, told):
            outcome = {"success": report["success"], "policy_reject": False}
            self.assertEqual({**question, **outcome}, report)
            self.assertEqual((report["login"], report["remote"]), ("joe@one.example", HOST))
            self.assertFalse(report["tls"])
            self.assertRegex(report["pwhash"], "^0[0-9a-f]{3}$")
        hashes = [report["pwhash"] for report in told]
        self.assertEqual(hashes[0], hashes[1])
        self.assertNotEqual(hashes[0], hashes[2])

    def test_it_refuses(self):
        self.assert_no_store_asked(self.mmp, "jim@one.example", PASSWORD)
        self.mmp.await_log(["PolicyServer does not allow it: too many guesses"])
        told = self.await_told(2)
        for report in told:
            self.assertEqual((report["success"], report["policy_reject"]), (False, True))
        # Somebody else's login shows that no further report was under way.
        self.assert_logs_in(self.mmp, "joe@one.example")
        self.await_told(4)

    def test_it_goes_away(self):
        self.server.stop()
        self.assert_logs_in(self.mmp, "joe@one.example")
        self.assert_logs_in(self.mmp, "jim@one.example")
        self.assert_no_store_asked(self.mmp, "joe@one.example", "wrong")
        for name in ("Imap", "Pop"):
            self.mmp.await_log([f"{name}Proxy[", "PolicyServer: ", "logins go on without it"])
        self.assertEqual(self.mmp.log_text().count("logins go on without it"), 2, "once a worker")
        self.server.start()
        self.assert_no_store_asked(self.mmp, "jim@one.example", PASSWORD)
        for name in ("Imap", "Pop"):
            self.mmp.await_log([f"{name}Proxy[", "PolicyServer answers again"])


if __name__ == "__main__":
    unittest.main()
