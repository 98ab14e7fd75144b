"""Measures openmmp and Debian's proxies side by side, in turn, against one stub store or relay.

Called by scripts/bench; docs/bench.md says what the figures mean.
"""
import argparse
import contextlib
import json
import operator
import os
import pathlib
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import typing

import peers


class Measure(typing.NamedTuple):
    group: str  # of GROUPS: which of a proxy's configurations it needs
    title: str
    mode: str  # of the load driver
    full: dict  # sizes of a run, and of one with --quick
    quick: dict
    options: dict = {}  # of the load driver


# By the names that --rows and the JSON file know, in the order of the columns.
MEASURES = {
    "logins": Measure("plain", "logins/CPU-s", "logins", {"total": 30000, "sessions": 64},
                      {"total": 10000, "sessions": 64}),
    "noops": Measure("plain", "NOOPs/CPU-s", "noops", {"total": 300000, "sessions": 1000},
                     {"total": 100000, "sessions": 1000}),
    "bulk": Measure("plain", "MB/CPU-s", "bulk", {"total": 8000, "sessions": 64},
                    {"total": 2000, "sessions": 64}),
    "idle": Measure("plain", "KiB/session", "idle", {"sessions": 4000}, {"sessions": 4000}),
    "tls_full": Measure("tls", "full/CPU-s", "logins", {"total": 8000, "sessions": 256},
                        {"total": 3000, "sessions": 256}, {"tls": "1.3"}),
    "tls_resumed": Measure("tls", "resumed/CPU-s", "logins", {"total": 8000, "sessions": 256},
                           {"total": 3000, "sessions": 256}, {"tls": "1.3", "resume": "yes"}),
    "tls_resumed_12": Measure("tls", "res. 1.2/CPU-s", "logins", {"total": 12000, "sessions": 256},
                              {"total": 4000, "sessions": 256}, {"tls": "1.2", "resume": "yes"}),
    "tls_bulk": Measure("tls", "TLS MB/CPU-s", "bulk", {"total": 3000, "sessions": 64},
                        {"total": 1000, "sessions": 64}, {"tls": "1.3"}),
    "tls_idle": Measure("tls", "TLS KiB/sess.", "idle", {"sessions": 4000}, {"sessions": 4000},
                        {"tls": "1.3"}),
    "mail_one": Measure("smtp", "1 mail/CPU-s", "mails", {"total": 20000, "sessions": 64},
                        {"total": 6000, "sessions": 64}),
    "mail_ten": Measure("smtp", "10 mails/CPU-s", "mails", {"total": 60000, "sessions": 64},
                        {"total": 20000, "sessions": 64}, {"messages": 10}),
    "mail_tls_one": Measure("smtp_tls", "TLS 1 mail/CPU", "mails", {"total": 8000, "sessions": 256},
                            {"total": 3000, "sessions": 256}, {"tls": "1.3"}),
    "mail_tls_ten": Measure("smtp_tls", "TLS 10 m./CPU", "mails", {"total": 40000, "sessions": 256},
                            {"total": 12000, "sessions": 256}, {"tls": "1.3", "messages": 10}),
    "mail_sink": Measure("sink", "to sink/CPU-s", "source", {"total": 10000, "sessions": 20},
                         {"total": 3000, "sessions": 20}),
}
GROUPS = ("plain", "tls", "smtp", "smtp_tls", "sink")
# Measure, whose figure it is divided by (none: the figure itself), target, and its direction.
TARGETS = [("logins", "nginx", 1.7, ">="), ("noops", "nginx", 1.1, ">="),
           ("bulk", "haproxy", 1.5, ">="), ("idle", None, 2.0, "<="),
           ("tls_full", "haproxy", 1.0, ">="), ("tls_resumed", "nginx", 1.4, ">="),
           ("tls_resumed_12", "nginx", 1.4, ">="), ("tls_bulk", "haproxy", 1.0, ">="),
           ("tls_idle", "haproxy", 1.0, "<"),
           ("mail_one", "nginx", 1.5, ">="), ("mail_ten", "nginx", 1.5, ">="),
           ("mail_tls_one", "nginx", 1.5, ">="), ("mail_tls_ten", "nginx", 1.5, ">="),
           ("mail_sink", "nginx", 1.5, ">="), ("mail_one", "openmmp-ldif", 0.9, ">=")]
DIRECTIONS = {">=": operator.ge, "<=": operator.le, "<": operator.lt}
GROUPS_OF = {kind.name: kind.groups for kind in peers.ALL_PEERS}
PROGRAMS = {"mails": "bench_mail"}  # the load driver of a mode, bench_load unless it is here
TURNS = 4  # in which each proxy gets its load of one kind, a part each time


class Load:
    """One run of the load driver, whose steps the caller paces: started, ready, done."""

    def __init__(self, build, mode, port, arguments):
        program = PROGRAMS.get(mode, "bench_load")
        command = [str(build / "tests" / program), mode, "--port", str(port),
                   "--users", str(peers.ALL_USERS)]
        for name, value in arguments.items():
            command += [f"--{name}", str(value)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.report = {}
        self.read_report()

    def read_report(self):
        line = self.process.stdout.readline()
        if not line:
            raise peers.BenchError("the load driver ended without a report")
        self.report = json.loads(line)
        # What the proxy still has to do for closed connections belongs to this step.
        time.sleep(0.3)

    def go_on(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.read_report()

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def measure_memory(peer, build, options, size):
    with running(peer):
        # The driver runs before the first look, since it shares the pages of the C library.
        load = Load(build, "idle", peer.port, {**size, **options})
        before = peer.memory()
        load.go_on()
        grown = peer.memory() - before
        load.go_on()  # proves that every session is still alive
        load.end()
    return {"value": grown / size["sessions"], "report": load.report,
            "expected": size["sessions"]}


def measure_source(peer, size):
    """Postfix's smtp-source, whose relay is Postfix's smtp-sink."""
    before = peer.cpu()
    done = subprocess.run(
        ["smtp-source", "-s", str(size["sessions"]), "-m", str(size["total"]), "-l", "4096", "-f",
         "user0@example.com", "-t", "someone@example.com", f"{peers.HOST}:{peer.port}"],
        capture_output=True, text=True, check=False)
    time.sleep(0.3)
    used = peer.cpu() - before
    is_good = done.returncode == 0 and not done.stderr
    report = {"done": size["total"] if is_good else 0, "errors": 0 if is_good else 1,
              "first_error": done.stderr.strip()[:200]}
    return {"value": size["total"] / max(used, 0.01), "cpu_seconds": used, "report": report,
            "expected": size["total"]}


def measure_cpu(peer, build, mode, options, size):
    if mode == "source":
        return measure_source(peer, size)
    load = Load(build, mode, peer.port, {**size, **options})
    load.go_on()
    before = peer.cpu()
    load.go_on()
    used = peer.cpu() - before
    load.end()
    return {"value": load.report["done"] / max(used, 0.01), "cpu_seconds": used,
            "report": load.report, "expected": size["total"]}


def attempt(action, *arguments):
    """What it returns, or the error that it ends with."""
    try:
        return action(*arguments)
    except (peers.BenchError, OSError) as error:
        return error


def joined(parts):
    """One result of several, as if they had been one run; an error, if one of them is one."""
    for part in parts:
        if isinstance(part, Exception):
            return part
    used = sum(part["cpu_seconds"] for part in parts)
    report = dict(parts[-1]["report"])
    for count in ("done", "errors"):
        report[count] = sum(part["report"][count] for part in parts)
    report["first_error"] = next((part["report"]["first_error"] for part in parts
                                  if part["report"]["first_error"]), "")
    return {"value": report["done"] / max(used, 0.01), "cpu_seconds": used, "report": report,
            "expected": sum(part["expected"] for part in parts)}


def measure_in_turn(contestants, build, name, size):
    """{proxy: what it did in all its turns, or an error}.

    Forth and back, so that a machine that slows down for a while, or all the time, slows all of
    them alike.
    """
    measure = MEASURES[name]
    part = {**size, "total": size["total"] // TURNS}
    parts = {peer: [] for peer in contestants}
    for turn in range(TURNS):
        for peer in contestants if turn % 2 == 0 else reversed(contestants):
            parts[peer].append(
                attempt(measure_cpu, peer, build, measure.mode, measure.options, part))
    return {peer: joined(done) for peer, done in parts.items()}


def errors_of(result):
    report = result["report"]
    if report["errors"] or report["done"] != result["expected"]:
        return (f"{report['done']} of {result['expected']} done, {report['errors']} errors, "
                f"first: {report['first_error'] or 'none'}")
    return None


@contextlib.contextmanager
def running(peer):
    try:
        peer.start()
        yield
    finally:
        peer.stop()


def measure_group(contestants, build, sizes, record, note):
    """The figures that `sizes` names, of proxies that are all plain or all TLS.

    All proxies stay up while speed is measured; one without load uses no time.
    """
    for name in sizes:
        if MEASURES[name].mode == "idle":
            for peer in contestants:
                record(peer, name, attempt(measure_memory, peer, build, MEASURES[name].options,
                                           sizes[name]))
    speeds = [name for name in sizes if MEASURES[name].mode != "idle"]
    with contextlib.ExitStack() as stack:
        started = []
        for peer in contestants if speeds else []:
            try:
                stack.enter_context(running(peer))
                # Every user once, so that a cache of users is warm.
                mode = {"imap": "logins", "smtp": "mails", "sink": "source"}[peer.service]
                measure_cpu(peer, build, mode, {"tls": "1.3"} if peer.certificate else {},
                            {"total": peers.ALL_USERS, "sessions": 8})
                started.append(peer)
            except (peers.BenchError, OSError) as error:
                note(f"{peer.name}: {', '.join(speeds)}: {error}")
        for name in speeds:
            for peer, outcome in measure_in_turn(started, build, name, sizes[name]).items():
                record(peer, name, outcome)


def one_round(contestants, build, sizes, note):
    """One figure of each kind for each proxy, {name: {measure: result}}; contestants by group."""
    results = {peer.name: {} for group in GROUPS for peer in contestants[group]}

    def record(peer, name, outcome):
        if isinstance(outcome, Exception):
            note(f"{peer.name}: {name}: {outcome}")
            return
        results[peer.name][name] = outcome
        if errors_of(outcome):
            note(f"{peer.name}: {name}: {errors_of(outcome)}")

    for group in GROUPS:
        wanted = {name: size for name, size in sizes.items() if MEASURES[name].group == group}
        measure_group(contestants[group], build, wanted, record, note)
    return results


def values_of(rounds, name, measure):
    """The figure of each round, or None when one of them failed or had an error."""
    results = [each.get(name, {}).get(measure) for each in rounds]
    if not all(result and not errors_of(result) for result in results):
        return None
    return [result["value"] for result in results]


def impossible(name, measure):
    return MEASURES[measure].group not in GROUPS_OF[name]


def figure(value, name, measure):
    if impossible(name, measure):
        return "n/a"
    if value is None:
        return "invalid"
    return f"{value:.2f}" if MEASURES[measure].mode == "idle" else f"{value:,.0f}"


def summarize(rounds, names, measures):
    values = {name: {measure: values_of(rounds, name, measure) for measure in measures}
              for name in names}
    return {name: {measure: each and statistics.median(each) for measure, each in row.items()}
            for name, row in values.items()}


def print_rows(medians, measures):
    if not measures:
        return
    print(f"\n{'':14}" + "".join(f"{MEASURES[measure].title:>15}" for measure in measures))
    for name, row in medians.items():
        if all(impossible(name, measure) for measure in measures):
            continue
        print(f"{name:14}" + "".join(f"{figure(row[measure], name, measure):>15}"
                                     for measure in measures))


def handshakes(rounds):
    """{what was agreed on: names of proxies}, of the measures whose handshakes are all full."""
    agreed = {}
    for results in rounds:
        for name, row in results.items():
            for result in row.values():
                if result["report"].get("cipher") and not result["report"]["resumed"]:
                    agreed.setdefault(result["report"]["cipher"], set()).add(name)
    return {cipher: sorted(names) for cipher, names in agreed.items()}


def ratio(rounds, name, measure, against):
    """The median of the rounds' ratios; without a second proxy, of the figures themselves."""
    values = values_of(rounds, name, measure)
    if against is None or not values:
        return values and statistics.median(values)
    base = values_of(rounds, against, measure)
    if not base or min(base) <= 0:
        return None
    return statistics.median(value / one for value, one in zip(values, base))


def verdict(value, target, direction):
    if value is None:
        return "not measured"
    return f"{value:.2f} {'met' if DIRECTIONS[direction](value, target) else 'missed'}"


def compare(rounds, names, measures):
    """Ratios to the targets, and to the floor, for openmmp and for the floor itself."""
    table = []
    for measure, against, target, direction in TARGETS:
        if measure not in measures:
            continue
        title = MEASURES[measure].title
        row = {"measure": measure, "title": f"{title} / {against}" if against else title,
               "target": f"{direction} {target:g}", "of": {}}
        for name in names:
            if not name.startswith("openmmp") and name != "floor":
                continue
            value = ratio(rounds, name, measure, against)
            cannot = impossible(name, measure)
            row["of"][name] = {
                "value": value, "verdict": "n/a" if cannot else verdict(value, target, direction),
                "of_floor": ratio(rounds, name, measure, "floor")}
        table.append(row)
    return table


def print_comparison(table):
    names = list(table[0]["of"])
    if not names:
        return
    print(f"\n{'ratio':24}{'target':>9}" + "".join(f"{name:>18}" for name in names))
    for row in table:
        print(f"{row['title']:24}{row['target']:>9}" +
              "".join(f"{row['of'][name]['verdict']:>18}" for name in names))


def print_parts_of_the_floor(table):
    names = list(table[0]["of"])
    contestants = [name for name in names if name != "floor"]
    rows = [row for row in table if not impossible("floor", row["measure"])]
    contestants = [name for name in contestants
                   if not all(impossible(name, row["measure"]) for row in rows)]
    if "floor" not in names or not contestants or not rows:
        return
    print(f"\n{'as part of the floor':33}" + "".join(f"{name:>18}" for name in contestants))
    for row in rows:
        parts = [row["of"][name]["of_floor"] for name in contestants]
        print(f"{MEASURES[row['measure']].title:33}" +
              "".join(f"{'-' if part is None else f'{part:.2f}':>18}" for part in parts))


def run_rounds(args, contestants, problems):
    sizes = {name: MEASURES[name].quick if args.quick else MEASURES[name].full
             for name in args.rows}
    rounds = []
    for number in range(1, args.rounds + 1):
        print(f"round {number} of {args.rounds}", file=sys.stderr)
        rounds.append(one_round(contestants, args.build, sizes,
                                lambda text: problems.append(f"round {number}: {text}")))
    return rounds


class Backends:
    """What stands behind the proxies: {service: port}, with the processes that are to be ended."""

    def __init__(self, args, place):
        self.place, self.processes = place, []
        self.ports = {"imap": self.start([str(args.build / "tests/bench_store"), "{port}"]),
                      "smtp": self.start([str(args.build / "tests/bench_relay"), "{port}"])}
        if any(MEASURES[name].group == "sink" for name in args.rows):
            self.ports["sink"] = self.start_sink()

    def start(self, command):
        port = peers.free_port()
        process = subprocess.Popen([word.format(port=port) for word in command],
                                   stdin=subprocess.DEVNULL)
        self.processes.append(process)
        peers.wait_for(command[0], lambda: peers.answers(port), process)
        return port

    def start_sink(self):
        """Behind an HAProxy that takes the PROXY header off, which smtp-sink does not know."""
        sink = self.start(["smtp-sink", "-u", "nobody", f"{peers.HOST}:{{port}}", "1000"])
        configuration = self.place / "sink.cfg"
        port = peers.free_port()
        configuration.write_text(
            "defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n"
            f"  timeout server 1h\nlisten sink\n  bind {peers.HOST}:{port} accept-proxy\n"
            f"  server sink {peers.HOST}:{sink}\n")
        process = subprocess.Popen(["/usr/sbin/haproxy", "-db", "-f", str(configuration)],
                                   stdin=subprocess.DEVNULL)
        self.processes.append(process)
        peers.wait_for("haproxy", lambda: peers.answers(port), process)
        return port

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 100), metavar="N")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="NAMES",
                        help="of " + ",".join(kind.name for kind in peers.ALL_PEERS) +
                        "; a beginning of a name will do")
    parser.add_argument("--rows", type=lambda text: text.split(","), default=list(GROUPS),
                        metavar="NAMES", help=", ".join(GROUPS) + ", or of " + ",".join(MEASURES) +
                        "; all groups unless told otherwise")
    parser.add_argument("--quick", action="store_true", help="small runs, for a first look")
    parser.add_argument("--build", type=lambda text: pathlib.Path(text).resolve(),
                        default=pathlib.Path("build/release").resolve(), metavar="DIR",
                        help="measure the executables of this build directory")
    parser.add_argument("--keep", action="store_true", help="keep the temporary directory")
    args = parser.parse_args()
    for want in args.only or []:
        if not want or not any(kind.name.startswith(want) for kind in peers.ALL_PEERS):
            parser.error(f"--only: no proxy is called {want!r}")
    for want in args.rows:
        if want not in GROUPS and want not in MEASURES:
            parser.error(f"--rows: nothing that is measured is called {want!r}")
    args.rows = [name for name, measure in MEASURES.items()
                 if name in args.rows or measure.group in args.rows]
    return args


def contestants_of(chosen, args, place, ports):
    """By group; those that speak TLS share one certificate."""
    contestants = {group: [] for group in GROUPS}
    wanted = {MEASURES[name].group for name in args.rows}
    certificate = None
    for group in wanted:
        service = group.removesuffix("_tls") if "smtp" in group or group == "sink" else "imap"
        is_tls = group.endswith("tls")
        if is_tls and not certificate:
            certificate = peers.Certificate(place / "certificate")
        contestants[group] = [
            kind(place / f"{kind.name}-{group}", ports[service], args.build,
                 certificate if is_tls else None, service)
            for kind in chosen if group in kind.groups]
    return contestants


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 20000 if hard == resource.RLIM_INFINITY else min(hard, 20000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    place = pathlib.Path(tempfile.mkdtemp(prefix="openmmp-bench-"))
    os.chmod(place, 0o755)  # proxies that change user must reach their files
    problems = []
    chosen = [kind for kind in peers.ALL_PEERS
              if not args.only or any(kind.name.startswith(want) for want in args.only)]
    names = [kind.name for kind in chosen]
    backends = None
    try:
        backends = Backends(args, place)
        rounds = run_rounds(args, contestants_of(chosen, args, place, backends.ports), problems)
    except peers.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        if backends:
            backends.stop()
        if args.keep:
            print(f"kept: {place}", file=sys.stderr)
        else:
            shutil.rmtree(place, ignore_errors=True)
    medians = summarize(rounds, names, args.rows)
    comparison = compare(rounds, names, args.rows)
    for group in GROUPS:
        print_rows(medians, [name for name in args.rows if MEASURES[name].group == group])
    for cipher, who in handshakes(rounds).items():
        print(f"handshake {cipher}: {', '.join(who)}")
    print_comparison(comparison)
    print_parts_of_the_floor(comparison)
    for problem in problems:
        print(f"problem: {problem}")
    if args.json:
        document = {"rounds": rounds, "medians": medians, "comparison": comparison,
                    "handshakes": handshakes(rounds), "problems": problems}
        pathlib.Path(args.json).write_text(json.dumps(document, indent=2) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
