"""A site of hosted domains for the end-to-end tests: its entries, the schema that slapd wants for
them, and stores that write down who logs in."""

import re

from testbed import BASE_DN, HOST, PASSWORD, STORE_HOSTS, Instance, StubStore, Slapd, run

# What the product's own schema has and Debian's slapd has not. An extensibleObject may have any.
ATTRIBUTES = (
    "sunPreferredDomain", "inetCanonicalDomainName", "inetDomainBaseDN", "inetDomainSearchFilter",
    "domainUidSeparator", "inetDomainStatus", "mailDomainStatus", "inetUserStatus",
    "mailUserStatus", "mailDomainAllowedServiceAccess", "mailAllowedServiceAccess",
    "mailAccessProxyReplay", "mailAccessProxyPreAuth",
)
SCHEMA = "".join(
    f"attributetype ( 1.3.6.1.4.1.4203.666.99.{number} NAME '{name}' EQUALITY caseIgnoreMatch\n"
    "  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )\n"
    for number, name in enumerate(ATTRIBUTES)
) + "".join(
    f"objectclass ( 1.3.6.1.4.1.4203.666.98.{number} NAME '{name}' AUXILIARY )\n"
    for number, name in enumerate(("inetDomain", "inetDomainAlias"))
)
STATUSES = (
    "active", "overquota", "hold", "inactive", "defer", "defer-submit", "disabled", "deleted",
    "removed", "nonsense",
)
DOMAIN_STATUS, USER_STATUS = (
    ("inetDomainStatus", "mailDomainStatus"), ("inetUserStatus", "mailUserStatus"),
)
ONE, TWO, DC_ROOT = f"o=one,{BASE_DN}", f"o=two,{BASE_DN}", f"ou=dc,{BASE_DN}"


def entry(dn, *classes, **values):
    """An entry in LDIF. A list has several values; RDN attributes are among the values."""
    lines = [f"dn: {dn}", *(f"objectClass: {name}" for name in (*classes, "extensibleObject"))]
    for name, value in values.items():
        lines += [f"{name}: {one}" for one in ([value] if isinstance(value, str) else value)]
    return "\n".join(lines) + "\n\n"


def organization(name, **values):
    return entry(f"o={name},{BASE_DN}", "organization", o=name, **values)


def person(uid, above=ONE, store=STORE_HOSTS[0], **values):
    values = {"userPassword": PASSWORD, **values}
    return entry(
        f"uid={uid},{above}", "inetOrgPerson", uid=uid, cn=uid, sn=uid,
        mail=f"{uid}@{above.partition(',')[0][2:]}.example", mailHost=store, **values
    )


def status_entries():
    """A domain for each value of its two attributes, and a user of one.example for his."""
    text = ""
    for status in STATUSES:
        for name in DOMAIN_STATUS:
            domain = f"{name}-{status}"
            values = {"sunPreferredDomain": f"{domain}.example", name: status}
            text += organization(domain, inetDomainBaseDN=ONE, **values)
        for name in USER_STATUS:
            text += person(f"{name}-{status}".lower(), **{name: status})
    return text


def domain_entries():
    return (
        organization(
            "one", sunPreferredDomain="one.example",
            associatedDomain=["uno.example", "eins.example"], mailAccessProxyReplay="%A[mail]",
        )
        + organization(
            "two", sunPreferredDomain="two.example", inetCanonicalDomainName="zwei.example",
            inetDomainSearchFilter="(mail=%U@two.example)", mailAccessProxyReplay="%U_%V",
            mailAccessProxyPreAuth="yes", mailDomainAllowedServiceAccess=["-ALL:10.", "-pop:ALL"],
        )
        # Users of one.example, under a name and by rules of another domain.
        + organization("else", sunPreferredDomain="else.example", inetDomainBaseDN=ONE)
        + organization(
            "far", sunPreferredDomain="far.example", inetDomainBaseDN=ONE,
            mailDomainAllowedServiceAccess="+imap,pop:10.",
        )
        + organization(
            "broken", sunPreferredDomain="broken.example", inetDomainSearchFilter="(uid=%U"
        )
        + organization("twice", sunPreferredDomain="twice.example")
        + organization("again", associatedDomain="twice.example")
    )


def dc_tree():
    """The same domain in the DC tree of schema 1: itself, aliases, and uids with a separator."""
    domain, alias = ("domain", "inetDomain"), ("alias", "inetDomainAlias")
    top = f"dc=example,{DC_ROOT}"
    return (
        entry(DC_ROOT, "organizationalUnit", ou="dc")
        + entry(top, "domain", dc="example")
        + entry(
            f"dc=tree,{top}", *domain, dc="tree", sunPreferredDomain="tree.example",
            inetDomainBaseDN=ONE, mailAccessProxyReplay="%A[mail]",
        )
        + entry(
            f"dc=held,{top}", *domain, dc="held", sunPreferredDomain="held.example",
            inetDomainBaseDN=ONE, inetDomainStatus="hold",
        )
        + entry(
            f"dc=sep,{top}", *domain, dc="sep", sunPreferredDomain="sep.example",
            inetDomainBaseDN=ONE, domainUidSeparator="_", mailAccessProxyReplay="%A[mail]",
        )
        + entry(
            f"dc=baum,{top}", *alias, dc="baum", sunPreferredDomain="baum.example",
            aliasedObjectName=f"dc=tree,{top}",
        )
        + entry(
            f"dc=loop,{top}", *alias, dc="loop", sunPreferredDomain="loop.example",
            aliasedObjectName=f"dc=loop,{top}",
        )
    )


def people():
    return (
        person("joe") + person("jim", store=STORE_HOSTS[1])
        + person("joe", TWO, STORE_HOSTS[1])
        + person("joe_sep.example") + person("a*b(c)d")
        + person("imaponly", mailAllowedServiceAccess="+imap:ALL")
        + person("poponly", mailAllowedServiceAccess="+pop:127.0.0.0/255.0.0.0")
        + person("near", mailAllowedServiceAccess="+imap,pop:127.")
        + person("abroad", mailAllowedServiceAccess="+imap,pop:10.$+pop:192.0.2.7")
        + person("tlsonly", mailAllowedServiceAccess="+imaps,pops:ALL")
        + person("ident", mailAllowedServiceAccess="+imap,pop:root@ALL")
        + person("mistake", mailAllowedServiceAccess="imap")
        + person("twin") + person("twin", f"uid=joe,{ONE}")
        + entry(f"uid=homeless,{ONE}", "inetOrgPerson", uid="homeless", cn="x", sn="x")
    )


def site_ldif():
    top = entry(BASE_DN, "dcObject", "organization", dc="example", o="Example")
    return top + domain_entries() + people() + status_entries() + dc_tree()


def domain_slapd(ldif):
    slapd = Slapd(ldif)
    slapd.schema = SCHEMA
    return slapd


def domain_instance(url, ports, **options):
    """An instance with hosted domains whose answers nothing delays. `ports`: of the stores."""
    mmp = Instance(url)
    for name in Instance.DIRECTORY_OPTIONS:
        del mmp.options[name]
    mmp.options.update({"BGMax": "0", "ConnLimits": '""', "StoreFailures": "0", **options})
    mmp.process_options["NumThreads"] = "1"
    mmp.imap_options["BacksidePort"], mmp.pop_options["BacksidePort"] = ports
    return mmp


class RecordingStores:
    """An IMAP and a POP store that let everybody in, and keep (user, password) of each login."""

    def __init__(self, host=HOST):
        self.logins = []
        self.imap = StubStore(self._serve_imap, host)
        self.pop = StubStore(self._serve_pop, host)

    @property
    def ports(self):
        return self.imap.port, self.pop.port

    @property
    def accepted(self):
        return self.imap.accepted + self.pop.accepted

    def take(self):
        """The logins since the last call."""
        taken, self.logins = self.logins, []
        return taken

    def _serve_imap(self, _, connection, lines):
        connection.sendall(b"* OK [CAPABILITY IMAP4rev1] stub ready\r\n")
        while line := lines.readline():
            while literal := re.search(rb"\{(\d+)\+?\}\r\n$", line):
                connection.sendall(b"+ go on\r\n")
                text = b'"%s"' % lines.read(int(literal.group(1)))
                line = line[: literal.start()] + text + lines.readline()
            tag, verb, *rest = line.decode(errors="replace").split(None, 2)
            if verb.upper() == "LOGIN":
                words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', rest[0])
                self.logins.append(tuple(quoted or atom for quoted, atom in words))
            connection.sendall(f"{tag} OK done\r\n".encode())

    def _serve_pop(self, _, connection, lines):
        connection.sendall(b"+OK stub ready\r\n")
        user = ""
        for line in lines:
            verb, _, rest = line.decode().rstrip("\r\n").partition(" ")
            if verb.upper() == "USER":
                user = rest
            elif verb.upper() == "PASS":
                self.logins.append((user, rest))
            capabilities = b"USER\r\n.\r\n" if verb.upper() == "CAPA" else b""
            connection.sendall(b"+OK done\r\n" + capabilities)

    def close(self):
        for stub in (self.imap, self.pop):
            stub.__exit__()


def change_password(slapd, dn, password):
    change = f"dn: {dn}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n"
    admin = ["-x", "-D", f"cn=admin,{BASE_DN}", "-w", PASSWORD]
    done = run(["/usr/bin/ldapmodify", *admin, "-H", f"ldap://{HOST}:{slapd.port}"], stdin=change)
    assert done.returncode == 0, done.stderr
