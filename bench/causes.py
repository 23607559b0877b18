#!/usr/bin/env python3
"""./dev bench causes [FROM TO]: shared causes named on simulated fleets, poison tasks on simulated pools (bench/causes.cc).

A named cause is right when it is the true one or a trait that exactly the same workers have; near: another trait, most of whose ill
workers are ill by the true cause; unrelated: the rest. Only its first statement counts, and again after it ended. A cause can be found
when at least three of its workers are ill at once. A poison task can be found when it was told at three deaths or more. The refinements
were made on seeds 1 to 1000; what is printed by default comes from others.
"""
import collections
import json
import os
import subprocess
import sys

from common import finish, median, percentile, program, say

FLEET_HOURS = 12
POOL_HOURS = 48


def run(what, first, last):
    """All fleets or pools of these seeds, on as many processes as there are cores."""
    parts = (os.cpu_count() or 1) * 4
    cuts = [first + (last + 1 - first) * i // parts for i in range(parts + 1)]
    running = [subprocess.Popen([program("bench_causes"), what, str(a), str(b - 1)], stdout=subprocess.PIPE, text=True)
               for a, b in zip(cuts, cuts[1:]) if b > a]
    rows = []
    for process in running:
        rows += [json.loads(line) for line in process.communicate()[0].splitlines()]
        if process.returncode != 0:
            sys.exit(f"bench_causes ended with {process.returncode}")
    return rows


def share(part, whole):
    return round(part / whole, 3) if whole else None


def first_right(row):
    return next((t for t in row["told"] if t["verdict"] == "right"), None)


def shown(values, at=None):
    if not values:
        return "–"
    return f"{percentile(values, at) if at else median(values):.0f}"


def cause_table(title, rows, name):
    """Of the fleets whose cause can be found: found, near names first, delay since the third ill worker, ill workers then."""
    groups = collections.defaultdict(list)
    for row in rows:
        groups[name(row)].append(row)
    say(f"\n{title:<26}{'causes':>8}{'recall':>8}{'near':>6}{'delay':>9}{'p90':>8}{'ill then':>10}")
    for key in sorted(groups):
        found = [(first_right(r), r) for r in groups[key] if first_right(r)]
        delays = [max(0, f["at"] - r["third"]) for f, r in found]
        near = sum(t["verdict"] == "near" for r in groups[key] for t in r["told"])
        say(f"{key:<26}{len(groups[key]):>8}{len(found) / len(groups[key]):>8.2f}{near:>6}{shown(delays):>7} s"
            f"{shown(delays, 0.9):>6} s{shown([f['incident_ill'] for f, _ in found]):>10}")


def size_class(n, bounds):
    low = 1
    for bound in bounds:
        if n <= bound:
            return f"{low:>4} to {bound}"
        low = bound + 1
    return f"{low:>4} and more"


def causes(first, last):
    rows = run("fleets", first, last)
    real = [r for r in rows if r["cause"] and r["most"] >= 3]
    cause_table("by kind", real, lambda r: r["cause"])
    cause_table("by share that turns ill", real, lambda r: f"{r['share']:.2f}")
    cause_table("by ill at the same time", real, lambda r: size_class(r["most"], (3, 5, 10, 30)))
    cause_table("by workers", real, lambda r: size_class(r["workers"], (30, 100, 400)))
    cause_table("by time between the ill", real, lambda r: "within 1 min" if r["spread"] < 60 else
                "within 5 min" if r["spread"] < 300 else "slower")
    verdicts = collections.Counter(t["verdict"] for r in rows for t in r["told"])
    holding = collections.Counter(t["verdict"] for r in rows for t in r["told"] if t["holds"])
    wrong = collections.Counter(t["key"].split("/")[1] for r in rows for t in r["told"] if t["verdict"] == "unrelated")
    nears = collections.Counter(r["cause"] + " as " + t["key"].split("/")[1] for r in rows for t in r["told"] if t["verdict"] == "near")
    found = [(first_right(r), r) for r in real if first_right(r)]
    delays = [max(0, f["at"] - r["third"]) for f, r in found]
    say(f"\nnamed: {dict(verdicts)}; of them may hold stops: {dict(holding)}\nunrelated: {dict(wrong)}\nnear: {nears.most_common(8)}")
    told = sum(verdicts.values())
    return {
        "fleets": len(rows), "causes": len(real), "cause_recall": share(len(found), len(real)),
        "cause_precision": share(verdicts["right"], told),
        "cause_precision_with_near": share(verdicts["right"] + verdicts["near"], told),
        "unrelated_per_1000_fleet_hours": round(1000 * verdicts["unrelated"] / (len(rows) * FLEET_HOURS), 2),
        "holding_unrelated_per_1000_fleet_hours": round(1000 * holding["unrelated"] / (len(rows) * FLEET_HOURS), 2),
        "cause_delay_s_median": round(median(delays), 1), "cause_delay_s_p90": round(percentile(delays, 0.9), 1),
        "cause_ill_then_median": median([f["incident_ill"] for f, _ in found]),
    }


def poison_table(title, rows, name):
    groups = collections.defaultdict(list)
    for row in rows:
        groups[name(row)].append(row)
    say(f"\n{title:<26}{'pools':>8}{'poison':>8}{'recall':>8}{'deaths':>8}{'p90':>6}{'wrong':>7}{'pools with wrong':>18}")
    for key in sorted(groups):
        found = [t for r in groups[key] if r["poison"] and r["visible"] >= 3 for t in r["told"] if t["right"]]
        real = sum(r["poison"] and r["visible"] >= 3 for r in groups[key])
        wrong = [sum(not t["right"] for t in r["told"]) for r in groups[key]]
        seen = [t["seen"] for t in found]
        say(f"{key:<26}{len(groups[key]):>8}{real:>8}{len(found) / max(1, real):>8.2f}{shown(seen):>8}{shown(seen, 0.9):>6}"
            f"{sum(wrong):>7}{sum(w > 0 for w in wrong):>18}")


def poison(first, last):
    rows = run("pools", first, last)
    poison_table("by workers", rows, lambda r: size_class(r["workers"], (1, 2, 5, 10, 25)))
    poison_table("by deaths in 48 h", rows, lambda r: size_class(r["deaths"], (20, 100, 400)))
    poison_table("by share that kills", rows, lambda r: f"{r['kills']:.1f}" if r["poison"] else "no poison")
    wrong = collections.Counter(t["digest"].rstrip("0123456789") for r in rows for t in r["told"] if not t["right"])
    real = [r for r in rows if r["poison"] and r["visible"] >= 3]
    found = [t for r in real for t in r["told"] if t["right"]]
    right = sum(t["right"] for r in rows for t in r["told"])
    say(f"\nwrong: {dict(wrong)}")
    seen = [t["seen"] for t in found]
    clean = sum(all(t["right"] for t in r["told"]) for r in rows)
    return {
        "pools": len(rows), "poison": len(real), "poison_recall": share(len(found), len(real)),
        "poison_precision": share(right, right + sum(wrong.values())),
        "poison_wrong_per_pool_week": round(sum(wrong.values()) / (len(rows) * POOL_HOURS / 168), 3),
        "pools_without_wrong": share(clean, len(rows)),
        "poison_deaths_median": median(seen), "poison_deaths_p90": percentile(seen, 0.9),
        "poison_at_third_death": share(sum(s == 3 for s in seen), len(seen)),
    }


def main():
    first, last = (int(a) for a in sys.argv[1:3]) if len(sys.argv) > 2 else (1001, 2000)
    figures = causes(first, last) | poison(first, last)
    say(f"\nseeds {first} to {last}: shared causes: recall {figures['cause_recall']}, precision {figures['cause_precision']} "
        f"(with near ones {figures['cause_precision_with_near']}), {figures['unrelated_per_1000_fleet_hours']} unrelated names per 1 000 "
        f"fleet-hours; poison: recall {figures['poison_recall']}, precision {figures['poison_precision']}, "
        f"{figures['poison_wrong_per_pool_week']} wrong per pool and week")
    finish("causes", figures)


if __name__ == "__main__":
    main()
