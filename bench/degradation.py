#!/usr/bin/env python3
"""./dev bench degradation [FROM TO]: who became slower or failed more, on simulated pools (bench/degradation.cc), four days each.

A statement is right when it names what happened (durations or errors) and who (pool, version, host or worker, by name) from its begin
until an hour after its end; the first right one counts. Wrong: another one in that time. False: one outside of it. Every pool has
harmless events as well. The method was made on seeds 1 to 300; what is printed by default comes from others.
Then the cost: 10 000 workers of one type.
"""
import collections
import json
import os
import subprocess
import sys

from common import finish, median, percentile, program, say

BLOCK_MINUTES = 5
AFTER = 13  # blocks: the hour that is looked at, and the one in which it is told
DAYS = 4


def pools(first, last):
    """All pools of these seeds, on as many processes as there are cores."""
    parts = os.cpu_count() or 1
    cuts = [first + (last + 1 - first) * i // parts for i in range(parts + 1)]
    running = [subprocess.Popen([program("bench_degradation"), str(a), str(b - 1)], stdout=subprocess.PIPE, text=True)
               for a, b in zip(cuts, cuts[1:]) if b > a]
    rows = []
    for process in running:
        rows += [json.loads(line) for line in process.communicate()[0].splitlines()]
        if process.returncode != 0:
            sys.exit(f"bench_degradation ended with {process.returncode}")
    return rows


def is_right(pool, told):
    return told["errors"] == pool["errors"] and (told["scope"], told["name"]) == (pool["scope"], pool["name"])


def judge(pool):
    """(right or None, repeated, wrong, false) statements of one pool."""
    during = [t for t in pool["told"] if pool["incident"] and pool["from"] <= t["block"] <= pool["to"] + AFTER]
    right = [t for t in during if is_right(pool, t)]
    return (right[0] if right else None, max(0, len(right) - 1), len(during) - len(right), len(pool["told"]) - len(during))


def kind(pool):
    return ("errors" if pool["errors"] else "durations", pool["scope"])


def table(title, rows):
    say(f"\n{title:<22}{'incidents':>10}{'recall':>8}{'wrong':>7}{'delay':>8}{'p90':>6}")
    groups = collections.defaultdict(list)
    for name, pool in rows:
        groups[name].append(pool)
    for name in sorted(groups):
        judged = [(judge(p), p) for p in groups[name]]
        delays = [(right["block"] - p["from"]) * BLOCK_MINUTES for (right, *_), p in judged if right]
        wrong = sum(w for (_, _, w, _), _ in judged)
        say(f"{name:<22}{len(judged):>10}{len(delays) / len(judged):>8.2f}{wrong:>7}"
            f"{median(delays) if delays else 0:>6.0f} m{percentile(delays, 0.9) if delays else 0:>4} m")


def size_class(pool):
    if pool["errors"]:
        return "errors + 3 to 6 points" if pool["size"] < 0.06 else "errors + 6 to 20"
    return "1.6 to 2.2 x slower" if pool["size"] < 2.2 else "2.2 to 4 x slower"


def main():
    first, last = (int(a) for a in sys.argv[1:3]) if len(sys.argv) > 2 else (1001, 1400)
    rows = pools(first, last)
    ill = [p for p in rows if p["incident"]]
    table("by kind", [(" ".join(kind(p)), p) for p in ill])
    table("by size", [(size_class(p), p) for p in ill])
    table("by tasks per worker", [("below 10 in 5 min" if p["tasks"] < 10 else "from 10 in 5 min", p) for p in ill])
    table("by workers", [(f"{p['workers']:>2} workers", p) for p in ill])
    judged = [(judge(p), p) for p in rows]
    right = [(r, p) for (r, *_), p in judged if r]
    repeated, wrong, false = (sum(j[i] for j, _ in judged) for i in (1, 2, 3))
    delays = [(r["block"] - p["from"]) * BLOCK_MINUTES for r, p in right]
    weeks = len(rows) * DAYS / 7
    figures = {
        "pools": len(rows), "incidents": len(ill), "recall": round(len(right) / len(ill), 3),
        "precision": round(len(right) / (len(right) + wrong + false), 3), "wrong": wrong, "false": false, "repeated": repeated,
        "false_alarms_per_type_week": round(false / weeks, 4), "median_delay_minutes": median(delays),
        "p90_delay_minutes": percentile(delays, 0.9),
        "since_within_one_block": round(sum(abs(r["since"] - p["from"]) <= 1 for r, p in right) / len(right), 3),
    }
    figures |= json.loads(subprocess.run([program("bench_degradation")], check=True, stdout=subprocess.PIPE, text=True).stdout)
    say(f"\nseeds {first} to {last}: recall {figures['recall']}, precision {figures['precision']}, "
        f"{figures['false_alarms_per_type_week']} false per type and week; since right within a block: "
        f"{figures['since_within_one_block']}; {figures['us_per_worker_block']} µs per worker and block")
    finish("degradation", figures)


if __name__ == "__main__":
    main()
