#!/usr/bin/env python3
"""Prints what ./dev test ran: tests by suite, line coverage, wall time. Fails below 85 % of lines or when nothing ran.

Usage: test_summary.py RESULTS_DIR SECONDS
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

MINIMUM = 85.0


def cases(path):
    """(tests, failures, skipped) of a JUnit file; ctest's cases are programs, whose gtest output names their tests."""
    passed = failed = skipped = 0
    for case in xml.parse(path).iter("testcase"):
        output = "".join(case.itertext())
        ran = re.findall(r"\[==========\] (\d+) tests? from .* ran", output)
        bad = len(set(re.findall(r"\[  FAILED  \] (\S+)", output)))
        if ran:
            passed += int(ran[-1]) - bad
            failed += bad
        elif case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def passed_again(results):
    """Names of tests that failed, and passed when they were tried once more, alone."""
    path = pathlib.Path(results) / "e2e-again.xml"
    if not path.exists():
        return []
    return [f"{case.get('classname')}.{case.get('name')}" for case in xml.parse(path).iter("testcase")
            if not any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))]


def main():
    results, seconds = sys.argv[1], int(sys.argv[2])
    again = passed_again(results)
    total = [0, 0, 0]
    for names, title in ((["unit"], "unit and integration, under ASan+UBSan"), (["e2e", "e2e-serial"], "structure, API, end-to-end, page")):
        counts = [sum(each) for each in zip(*(cases(f"{results}/{name}.xml") for name in names))]
        if title.startswith("structure"):
            counts = [counts[0] + len(again), max(counts[1] - len(again), 0), counts[2]]
        total = [a + b for a, b in zip(total, counts)]
        print(f"{title}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped")
    for name in again:
        print(f"unsteady, passed at the second try only: {name}")
    lines = float(re.search(r"lines: ([\d.]+)%", open(f"{results}/coverage.txt").read()).group(1))
    print(f"line coverage: {lines:.1f} %")
    print(f"wall time: {seconds // 60} min {seconds % 60} s")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    if lines < MINIMUM:
        print(f"line coverage is below {MINIMUM} %", file=sys.stderr)
    return 1 if total[1] or not total[0] or lines < MINIMUM else 0


if __name__ == "__main__":
    sys.exit(main())
