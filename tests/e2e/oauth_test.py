"""XOAUTH2 and OAUTHBEARER: tokens go to the store, its word against one goes to the client, and no
log has any of it. The store is a Dovecot, which asks a server of the test about each token.
"""

import base64
import imaplib
import itertools
import json
import os
import shutil
import ssl
import tempfile
import unittest
import urllib.parse

from certificates import Authority
from preauth_test import LATER, OK, WRONG, WebServer, outcome_of
from sasl_client import encode
from testbed import HOST, STORE_HOSTS, Client, Site, StubStore, message, run, write_file
from tls_site import NAME, TlsClient

PROTOCOLS, MECHANISMS = ("imap", "pop3"), ("XOAUTH2", "OAUTHBEARER")
WAYS = tuple(itertools.product(PROTOCOLS, MECHANISMS))
CAROL = "carol@example.com"
STUB_USERS = {protocol: f"{protocol}-stub@example.com" for protocol in PROTOCOLS}
# What Dovecot says in its JSON, and what a client says to that before it hears the no.
STATUS = {"XOAUTH2": "401", "OAUTHBEARER": "invalid_token"}
ANSWER = {"XOAUTH2": "", "OAUTHBEARER": "AQ=="}
# Each failed login would make Dovecot wait longer before it looks at the next one.
DOVECOT_SETTINGS = """\
auth_mechanisms = plain xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {path}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""
OAUTH2_SETTINGS = """\
introspection_url = http://{host}:{port}/introspect
introspection_mode = post
force_introspection = yes
username_attribute = username
active_attribute = active
active_value = true
"""
# In bytes of a message: its base64 must be shorter than 8192 bytes (LOGIN_MAX_AUTH_BUF_SIZE).
LONGEST_OF_DOVECOT = (8192 - 4) // 4 * 3
# In bytes of a token: what some issuers come to, and what is the most here.
LONG, LONGEST = 12 * 1024, 32 * 1024


def oauth_message(mechanism, user, token):
    """As clients build it, in base64."""
    if mechanism == "XOAUTH2":
        return encode(f"user={user}\1auth=Bearer {token}\1\1".encode())
    return encode(f"n,a={user},\1host={NAME}\1port=143\1auth=Bearer {token}\1\1".encode())


class Session:
    """A client that has been greeted, and the words around SASL and mail in its protocol."""

    def __init__(self, protocol, client):
        self.protocol, self.client = protocol, client
        self.greeting = client.line()

    def authenticate(self, mechanism, text, initial=True):
        """The answer to the message: a challenge, or how it ended."""
        command = ("a AUTHENTICATE " if self.protocol == "imap" else "AUTH ") + mechanism
        if initial:
            return self.say(f"{command} {text}")
        challenge = self.say(command)
        if challenge.rstrip() != "+":
            return challenge
        return self.say(text)

    def say(self, line):
        self.client.send(line + "\r\n")
        answer = self.client.line()
        while answer.startswith("* "):  # an ALERT, for the user to see
            answer = self.client.line()
        return answer

    def mail(self):
        """The lines that the subject of the user's first message is in."""
        if self.protocol == "pop3":
            self.client.send("TOP 1 0\r\n")
            return self.client.until(".")
        self.client.send("b EXAMINE INBOX\r\nc FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT)]\r\n")
        return self.client.until("c ")


class TokenStores:
    """A store for each protocol that takes any token, of any length, and keeps what it hears."""

    def __init__(self):
        self.heard = []
        serves = {"imap": self._serve_imap, "pop3": self._serve_pop}
        self.stubs = {protocol: StubStore(serves[protocol]) for protocol in PROTOCOLS}

    def _serve_imap(self, _, connection, lines):
        connection.sendall(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER]\r\n")
        for line in lines:
            tag, verb, *words = line.decode().split()
            if verb == "AUTHENTICATE":
                self.heard.append(tuple(words))
            connection.sendall(f"{tag} OK done\r\n".encode())

    def _serve_pop(self, _, connection, lines):
        connection.sendall(b"+OK stub ready\r\n")
        for line in lines:
            verb, *words = line.decode().split()
            if verb == "AUTH":
                if len(words) == 1:  # a long message may not stand in the command (RFC 5034)
                    connection.sendall(b"+ \r\n")
                    words += lines.readline().decode().split()
                self.heard.append(tuple(words))
            capabilities = b"SASL XOAUTH2 OAUTHBEARER\r\n.\r\n" if verb == "CAPA" else b""
            connection.sendall(b"+OK done\r\n" + capabilities)

    def close(self):
        for stub in self.stubs.values():
            stub.__exit__()


class Oauth(unittest.TestCase):
    """Alice and carol have mail in a store that takes tokens; bob's store takes none."""

    @classmethod
    def setUpClass(cls):
        cls.shown = set()
        directory = tempfile.mkdtemp(prefix="openmmp-ca-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, directory)
        os.chmod(directory, 0o755)
        cls.ca = Authority(os.path.join(directory, "ca"))
        cls.tokens = {}  # {token: whose}
        cls.introspection = WebServer(cls.introspect)
        cls.addClassCleanup(cls.introspection.stop)
        cls.stubs = TokenStores()
        cls.addClassCleanup(cls.stubs.close)
        homes = {STUB_USERS[name]: f"{HOST}:{stub.port}" for name, stub in cls.stubs.stubs.items()}
        cls.site = Site(homes=homes, users=(CAROL,), OAuthMechanisms=" ".join(MECHANISMS),
                        RestrictPlainPasswords="yes", DebugKeys="connect ldap tls")
        cls.addClassCleanup(cls.site.close)
        cls.alice, cls.bob, cls.mmp = cls.site.alice, cls.site.bob, cls.site.instance
        cls.configure(cls.site.store_of[cls.alice])
        cls.mmp.process_options["LogLevel"] = "7"
        cls.mmp.enable_tls(cls.ca.server("mail", NAME, "localhost", HOST))
        cls.site.start()

    @classmethod
    def configure(cls, store):
        store.deliver(CAROL, message(CAROL, f"mail of {CAROL}"))
        path = store.path("oauth2.conf")
        write_file(path, OAUTH2_SETTINGS.format(host=HOST, port=cls.introspection.port))
        store.settings = DOVECOT_SETTINGS.format(path=path)

    @classmethod
    def introspect(cls, request):
        (token,) = urllib.parse.parse_qs(request.body.decode())["token"]
        answer = {"active": token in cls.tokens, "username": cls.tokens.get(token)}
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    def tearDown(self):
        """No log has the beginning of a token, as it is or in base64."""
        log = self.mmp.log_text()
        with open(self.mmp.path("mmpd.out"), encoding="utf-8") as file:
            log += file.read()
        for secret in self.shown:
            self.assertNotIn(secret, log)

    def text(self, mechanism, user, token):
        """A message with a token that no log may have."""
        text = oauth_message(mechanism, user, token)
        self.shown |= {token[:16], text[:32]}
        return text

    def new_token(self, user, size=64):
        """Of the alphabet of RFC 6750, and padded as some are."""
        random = base64.urlsafe_b64encode(os.urandom(size)).decode()
        token = random[:size - 2] + "=="
        self.tokens[token] = user
        return token

    def context(self):
        return ssl.create_default_context(cafile=self.ca.cert)

    def session(self, protocol):
        port = self.mmp.imaps_port if protocol == "imap" else self.mmp.pop3s_port
        client = TlsClient(port, self.context())
        self.addCleanup(client.close)
        return Session(protocol, client)

    def in_clear(self, protocol):
        client = Client(self.mmp.imap_port if protocol == "imap" else self.mmp.pop3_port)
        self.addCleanup(client.close)
        return Session(protocol, client)

    def assert_mail_of(self, user, session):
        self.assertIn(f"Subject: mail of {user}", session.mail())


class Tokens(Oauth):
    def test_a_good_token(self):
        for (protocol, mechanism), user, initial in itertools.product(
            WAYS, (self.alice, CAROL), (True, False)
        ):
            with self.subTest(protocol=protocol, mechanism=mechanism, user=user, initial=initial):
                session = self.session(protocol)
                text = self.text(mechanism, user, self.new_token(user))
                self.assertEqual(outcome_of(session.authenticate(mechanism, text, initial)), OK)
                self.assert_mail_of(user, session)
        self.mmp.await_log(["ImapProxy", f"user {CAROL} logged in"])
        self.mmp.await_log(["PopProxy", f"user {CAROL} logged in"])

    def test_imaplib(self):
        imap = imaplib.IMAP4_SSL(HOST, self.mmp.imaps_port, ssl_context=self.context())
        text = self.text("XOAUTH2", self.alice, self.new_token(self.alice))
        imap.authenticate("XOAUTH2", lambda _: base64.b64decode(text))
        imap.select("INBOX", readonly=True)
        self.assertIn(f"Subject: mail of {self.alice}\r\n".encode(),
                      imap.fetch("1", "(BODY.PEEK[])")[1][0][1])
        imap.logout()

    def test_curl(self):
        ports = {"imap": self.mmp.imaps_port, "pop3": self.mmp.pop3s_port}
        for (protocol, mechanism), initial in itertools.product(WAYS, ([], ["--sasl-ir"])):
            token = self.new_token(self.alice)
            self.text(mechanism, self.alice, token)
            path = "INBOX;MAILINDEX=1" if protocol == "imap" else "1"
            done = run([
                "curl", "-sS", "-m", "20", "--cacert", self.ca.cert, "-u", self.alice,
                "--oauth2-bearer", token, "--login-options", f"AUTH={mechanism}", *initial,
                f"{protocol}s://localhost:{ports[protocol]}/{path}",
            ])
            self.assertEqual(done.returncode, 0, f"{protocol} {mechanism}: {done.stderr}")
            self.assertIn(f"Subject: mail of {self.alice}\n", done.stdout)

    def test_a_bad_token_and_then_a_good_one(self):
        bad = {True: "nobody-has-this-token", False: self.new_token(CAROL)}
        for (protocol, mechanism), (initial, token) in itertools.product(WAYS, bad.items()):
            with self.subTest(protocol=protocol, mechanism=mechanism, token=token):
                session = self.session(protocol)
                text = self.text(mechanism, self.alice, token)
                challenge = session.authenticate(mechanism, text, initial)
                self.assertRegex(challenge, r"^\+ \S+$")
                said = json.loads(base64.b64decode(challenge[2:]))
                self.assertEqual(said["status"], STATUS[mechanism])
                self.assertEqual(outcome_of(session.say(ANSWER[mechanism])), WRONG)
                text = self.text(mechanism, self.alice, self.new_token(self.alice))
                self.assertEqual(outcome_of(session.authenticate(mechanism, text, initial)), OK)
                self.assert_mail_of(self.alice, session)
        self.mmp.await_log(["ImapProxy", f"login of user {self.alice} failed"])
        self.mmp.await_log(["PopProxy", f"login of user {self.alice} failed"])

    def test_a_store_that_takes_no_tokens(self):
        for protocol, mechanism in WAYS:
            text = self.text(mechanism, self.bob, self.new_token(self.bob))
            self.assertEqual(
                outcome_of(self.session(protocol).authenticate(mechanism, text)), LATER
            )
            self.mmp.await_log([f"login of user {self.bob} failed", "does not offer", mechanism])

    def test_no_token_in_clear(self):
        for protocol, mechanism in WAYS:
            with self.subTest(protocol=protocol, mechanism=mechanism):
                self.assertNotIn(mechanism, self.offer(self.in_clear(protocol)))
                self.assertIn(mechanism, self.offer(self.session(protocol)))
                token = self.new_token(self.alice)
                text = self.text(mechanism, self.alice, token)
                answer = self.in_clear(protocol).authenticate(mechanism, text)
                refused = "a NO [PRIVACYREQUIRED]" if protocol == "imap" else "-ERR"
                self.assertTrue(answer.startswith(refused), answer)
                # Nor is the client asked for it.
                answer = self.in_clear(protocol).authenticate(mechanism, text, initial=False)
                self.assertTrue(answer.startswith(refused), answer)

    @staticmethod
    def offer(session):
        if session.protocol == "imap":
            return session.greeting
        session.client.send("CAPA\r\n")
        return " ".join(session.client.until("."))


class LongTokens(Oauth):
    def test_the_longest_that_dovecot_takes(self):
        for (protocol, mechanism), initial in itertools.product(WAYS, (True, False)):
            with self.subTest(protocol=protocol, mechanism=mechanism, initial=initial):
                text = self.text_of_size(mechanism, LONGEST_OF_DOVECOT)
                for session in (self.at_the_store(protocol), self.session(protocol)):
                    self.assertEqual(outcome_of(session.authenticate(mechanism, text, initial)), OK)
                    self.assert_mail_of(self.alice, session)

    def test_one_that_is_too_long_for_dovecot(self):
        for protocol, mechanism in WAYS:
            with self.subTest(protocol=protocol, mechanism=mechanism):
                text = self.text_of_size(mechanism, LONGEST_OF_DOVECOT + 1)
                # It hangs up without a word, so that nothing is known of the token.
                self.assertTrue(self.hangs_up(self.at_the_store(protocol), mechanism, text))
                session = self.session(protocol)
                self.assertEqual(outcome_of(session.authenticate(mechanism, text)), LATER)
                # The store is none the worse for it.
                text = self.text(mechanism, self.alice, self.new_token(self.alice))
                self.assertEqual(outcome_of(session.authenticate(mechanism, text)), OK)

    @staticmethod
    def hangs_up(session, mechanism, text):
        try:
            return session.authenticate(mechanism, text) == ""
        except ConnectionError:
            return True  # with something unread

    def text_of_size(self, mechanism, size):
        """A good message of so many bytes before base64."""
        around = len(base64.b64decode(oauth_message(mechanism, self.alice, "")))
        return self.text(mechanism, self.alice, self.new_token(self.alice, size - around))

    def at_the_store(self, protocol):
        store = self.site.store_of[self.alice]
        port = store.imap_port if protocol == "imap" else store.pop3_port
        client = Client(port, host=STORE_HOSTS[0])
        self.addCleanup(client.close)
        return Session(protocol, client)

    def test_through_to_a_store_that_takes_any(self):
        for (protocol, mechanism), initial, size in itertools.product(
            WAYS, (True, False), (LONG, LONGEST)
        ):
            with self.subTest(protocol=protocol, mechanism=mechanism, initial=initial, size=size):
                session, user = self.session(protocol), STUB_USERS[protocol]
                text = self.text(mechanism, user, self.new_token(user, size))
                self.assertEqual(outcome_of(session.authenticate(mechanism, text, initial)), OK)
                self.assertEqual(self.stubs.heard.pop(), (mechanism, text))

    def test_one_that_is_too_long_for_us(self):
        for (protocol, mechanism), initial in itertools.product(WAYS, (True, False)):
            with self.subTest(protocol=protocol, mechanism=mechanism, initial=initial):
                session, user = self.session(protocol), STUB_USERS[protocol]
                text = self.text(mechanism, user, self.new_token(user, LONGEST + 1))
                self.assertEqual(outcome_of(session.authenticate(mechanism, text, initial)), WRONG)
                text = self.text(mechanism, user, self.new_token(user))
                self.assertEqual(outcome_of(session.authenticate(mechanism, text, initial)), OK)
                self.assertEqual(self.stubs.heard.pop(), (mechanism, text))
                self.assertEqual(self.stubs.heard, [])


if __name__ == "__main__":
    unittest.main()
