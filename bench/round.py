#!/usr/bin/env python3
"""./dev bench round: µs per round (snapshot, six checks, verdict) and per whole engine step, 10 000 workers; aim ≤ 5 µs.

Median of 5 runs of bench_round.
"""
import json
import subprocess

from common import finish, median, program, say

runs = [json.loads(subprocess.run([program("bench_round"), "10000"], check=True, stdout=subprocess.PIPE, text=True).stdout)
        for _ in range(5)]
for run in runs:
    say(f"round {run['round_us']:.2f} µs, whole step per report {run['step_us_per_report']:.2f} µs")
finish("round", {"round_us": median([r["round_us"] for r in runs]), "step_us_per_report": median([r["step_us_per_report"] for r in runs]),
                 "workers": 10000, "runs": len(runs)})
