#!/usr/bin/python3
"""Runs the end-to-end tests, or those whose names contain one of the arguments.

OPENMMP_BIN names the directory of the executables (default build/release/bin). The last line is
"e2e: N passed, M failed"; exit status 0 only when all ran and passed. A skipped test is a failure:
everything these tests need can be installed.
"""

import os
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


class Result(unittest.TextTestResult):
    """Adds the time that each test took."""

    def startTest(self, test):
        self.begin = time.monotonic()
        super().startTest(test)

    def addSuccess(self, test):
        unittest.TestResult.addSuccess(self, test)
        self.stream.writeln(f"ok, {time.monotonic() - self.begin:.1f} s")
        self.stream.flush()

    def getDescription(self, test):
        # A class that could not be set up stands there as a test without a method.
        return f"{test.__class__.__name__}.{getattr(test, '_testMethodName', test.id())}"


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def main(words):
    found = unittest.defaultTestLoader.discover(HERE, pattern="*_test.py")
    tests = [t for t in flatten(found) if not words or any(word in t.id() for word in words)]
    suite = unittest.TestSuite(tests)
    result = unittest.TextTestRunner(resultclass=Result, verbosity=2).run(suite)
    bad = len(result.failures) + len(result.errors) + len(result.skipped)
    print(f"e2e: {max(result.testsRun - bad, 0)} passed, {bad} failed", flush=True)
    return 0 if bad == 0 and result.testsRun == len(tests) and tests else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
