"""Measures openmmp and Debian's proxies side by side, in turn, against one stub store.

Called by scripts/bench; docs/bench.md says what the figures mean.
"""
import argparse
import contextlib
import json
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

import peers

# What each measure is called, and the sizes of its runs: full and --quick.
SIZES = {
    "idle": ({"sessions": 4000}, {"sessions": 4000}),
    "logins": ({"total": 30000, "sessions": 64}, {"total": 10000, "sessions": 64}),
    "noops": ({"total": 300000, "sessions": 1000}, {"total": 100000, "sessions": 1000}),
    "bulk": ({"total": 8000, "sessions": 64}, {"total": 2000, "sessions": 64}),
}
COLUMNS = {"logins": "logins/CPU-s", "noops": "NOOPs/CPU-s", "bulk": "MB/CPU-s",
           "idle": "KiB/session"}
# Measure, whose figure it is divided by (none: the figure itself), target, and its direction.
TARGETS = [("logins", "nginx", 1.7, ">="), ("noops", "nginx", 1.1, ">="),
           ("bulk", "haproxy", 1.5, ">="), ("idle", None, 2.0, "<=")]


class Load:
    """One run of the load driver, whose steps the caller paces: started, ready, done."""

    def __init__(self, build, mode, port, size):
        command = [str(build / "tests/bench_load"), mode, "--port", str(port),
                   "--users", str(peers.ALL_USERS)]
        for name, value in size.items():
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


def measure_memory(peer, build, size):
    # The driver runs before the first look, since it shares the pages of the C library.
    load = Load(build, "idle", peer.port, size)
    before = peer.memory()
    load.go_on()
    grown = peer.memory() - before
    load.go_on()  # proves that every session is still alive
    load.end()
    return {"value": grown / size["sessions"], "report": load.report,
            "expected": size["sessions"]}


def measure_cpu(peer, build, mode, size):
    load = Load(build, mode, peer.port, size)
    load.go_on()
    before = peer.cpu()
    load.go_on()
    used = peer.cpu() - before
    load.end()
    return {"value": load.report["done"] / max(used, 0.01), "cpu_seconds": used,
            "report": load.report, "expected": size["total"]}


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


def one_round(contestants, build, sizes, note):
    """One figure of each kind for each proxy: {name: {mode: result}}.

    All proxies stay up while speed is measured, and each kind of load goes to one after the other
    before the next kind: what is compared is then measured seconds apart, and a machine that slows
    down for a while slows them all. A proxy without load uses no time.
    """
    results = {peer.name: {} for peer in contestants}

    def attempt(peer, mode, action):
        try:
            results[peer.name][mode] = result = action()
        except (peers.BenchError, OSError) as error:
            note(f"{peer.name}: {mode}: {error}")
            return
        if errors_of(result):
            note(f"{peer.name}: {mode}: {errors_of(result)}")

    def idle(peer):
        with running(peer):
            return measure_memory(peer, build, sizes["idle"])

    for peer in contestants:
        attempt(peer, "idle", lambda: idle(peer))
    with contextlib.ExitStack() as stack:
        started = []
        for peer in contestants:
            try:
                stack.enter_context(running(peer))
                # Every user once, so that a cache of users is warm.
                measure_cpu(peer, build, "logins", {"total": peers.ALL_USERS, "sessions": 8})
                started.append(peer)
            except (peers.BenchError, OSError) as error:
                note(f"{peer.name}: {error}")
        for mode in ("logins", "noops", "bulk"):
            for peer in started:
                attempt(peer, mode, lambda: measure_cpu(peer, build, mode, sizes[mode]))
    return results


def values_of(rounds, name, mode):
    """The figure of each round, or None when one of them failed or had an error."""
    results = [each.get(name, {}).get(mode) for each in rounds]
    if not all(result and not errors_of(result) for result in results):
        return None
    return [result["value"] for result in results]


def figure(value, mode):
    if value is None:
        return "invalid"
    return f"{value:.2f}" if mode == "idle" else f"{value:,.0f}"


def summarize(rounds, names):
    values = {name: {mode: values_of(rounds, name, mode) for mode in COLUMNS} for name in names}
    return {name: {mode: each and statistics.median(each) for mode, each in row.items()}
            for name, row in values.items()}


def print_rows(medians):
    print(f"\n{'':14}" + "".join(f"{title:>15}" for title in COLUMNS.values()))
    for name, row in medians.items():
        print(f"{name:14}" + "".join(f"{figure(row[mode], mode):>15}" for mode in COLUMNS))


def ratio(rounds, name, mode, against):
    """The median of the rounds' ratios; without a second proxy, of the figures themselves."""
    values = values_of(rounds, name, mode)
    if against is None or not values:
        return values and statistics.median(values)
    base = values_of(rounds, against, mode)
    if not base or min(base) <= 0:
        return None
    return statistics.median(value / one for value, one in zip(values, base))


def verdict(value, target, direction):
    if value is None:
        return "not measured"
    met = value >= target if direction == ">=" else value <= target
    return f"{value:.2f} {'met' if met else 'missed'}"


def compare(rounds, names):
    """Ratios to the targets, and to the floor, for openmmp and for the floor itself."""
    table = []
    for mode, against, target, direction in TARGETS:
        title = f"{COLUMNS[mode]} / {against}" if against else COLUMNS[mode]
        row = {"measure": mode, "title": title, "target": f"{direction} {target:g}", "of": {}}
        for name in names:
            if not name.startswith("openmmp") and name != "floor":
                continue
            value = ratio(rounds, name, mode, against)
            row["of"][name] = {
                "value": value, "verdict": verdict(value, target, direction),
                "of_floor": ratio(rounds, name, mode, "floor")}
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
    contestants = [name for name in names if name != "floor"]
    if "floor" not in names or not contestants:
        return
    print(f"\n{'as part of the floor':33}" + "".join(f"{name:>18}" for name in contestants))
    for row in table:
        parts = [row["of"][name]["of_floor"] for name in contestants]
        print(f"{COLUMNS[row['measure']]:33}" +
              "".join(f"{'-' if part is None else f'{part:.2f}':>18}" for part in parts))


def run_rounds(args, contestants, problems):
    sizes = {mode: size[1 if args.quick else 0] for mode, size in SIZES.items()}
    rounds = []
    for number in range(1, args.rounds + 1):
        print(f"round {number} of {args.rounds}", file=sys.stderr)
        rounds.append(one_round(contestants, args.build, sizes,
                                lambda text: problems.append(f"round {number}: {text}")))
    return rounds


def start_store(args):
    port = peers.free_port()
    store = subprocess.Popen([str(args.build / "tests/bench_store"), str(port)],
                             stdin=subprocess.DEVNULL)
    peers.wait_for("the stub store", lambda: peers.answers(port), store)
    return store, port


def parse_arguments():
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write every figure there")
    parser.add_argument("--rounds", type=int, default=3, choices=range(1, 100), metavar="N")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="NAMES",
                        help="of " + ",".join(kind.name for kind in peers.ALL_PEERS) +
                        "; a beginning of a name will do")
    parser.add_argument("--quick", action="store_true", help="small runs, for a first look")
    parser.add_argument("--build", type=lambda text: pathlib.Path(text).resolve(),
                        default=pathlib.Path("build/release"), metavar="DIR",
                        help="measure the executables of this build directory")
    parser.add_argument("--keep", action="store_true", help="keep the temporary directory")
    args = parser.parse_args()
    for want in args.only or []:
        if not want or not any(kind.name.startswith(want) for kind in peers.ALL_PEERS):
            parser.error(f"--only: no proxy is called {want!r}")
    return args


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
    store, store_port = start_store(args)
    try:
        contestants = [kind(place / kind.name, store_port, args.build) for kind in chosen]
        rounds = run_rounds(args, contestants, problems)
    finally:
        store.terminate()
        store.wait()
        if args.keep:
            print(f"kept: {place}", file=sys.stderr)
        else:
            shutil.rmtree(place, ignore_errors=True)
    names = [kind.name for kind in chosen]
    medians = summarize(rounds, names)
    comparison = compare(rounds, names)
    print_rows(medians)
    print_comparison(comparison)
    for problem in problems:
        print(f"problem: {problem}")
    if args.json:
        document = {"rounds": rounds, "medians": medians, "comparison": comparison,
                    "problems": problems}
        pathlib.Path(args.json).write_text(json.dumps(document, indent=2) + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
