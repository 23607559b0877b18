#!/usr/bin/env python3
"""./dev bench replay [WORKERS] [DAYS]: recorded worker-days per second, from recorded inputs and from history, and peak memory.

A simulated fleet (bench_replay) is recorded with `record: full`, history and ledger, then replayed under its own and under another
configuration. Median of 3 runs; the peak is the highest.
"""
import json
import subprocess
import sys

from common import finish, median, program, say

WORKERS, DAYS = (sys.argv[1:] + ["200", "1"][len(sys.argv) - 1:])[:2]
WAYS = ["exact_same", "exact_other", "exact_both", "approximate_both"]

runs = [json.loads(subprocess.run([program("bench_replay"), WORKERS, DAYS], check=True, stdout=subprocess.PIPE, text=True).stdout)
        for _ in range(3)]
figures = {"workers": int(WORKERS), "days": float(DAYS), "journal_mib": runs[0]["journal_mib"], "runs": len(runs)}
for way in WAYS:
    speed = median([run[way]["worker_days_per_second"] for run in runs])
    peak = max(run[way]["peak_mib"] for run in runs)
    say(f"{way}: {speed:.1f} worker-days per second, peak {peak:.0f} MiB so far, {runs[0][way]['differences']} differences")
    figures[f"{way}_worker_days_per_second"] = speed
    figures[f"{way}_peak_mib"] = peak
finish("replay", figures)
