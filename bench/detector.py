#!/usr/bin/env python3
"""./dev bench detector: ns per sample and bytes per worker of the analysis, 20 metrics per worker; aim ≤ 1 µs, ≤ 16 KiB.

Median of 5 runs of bench_detector. `ns_per_sample` is a worker's whole update (4 metrics in full, 16 in the small form,
peers, missingness, score; forecasts of the four metrics that have a limit by themselves) divided by its metrics; `full_ns` and `light_ns` are one detector alone.
"""
import json
import subprocess

from common import finish, median, program, say

runs = [json.loads(subprocess.run([program("bench_detector")], check=True, stdout=subprocess.PIPE, text=True).stdout)
        for _ in range(5)]
for run in runs:
    say(f"{run['ns_per_sample']:.0f} ns per sample ({run['full']} of {run['series']} in full; alone: full {run['full_ns']:.0f} ns, "
        f"light {run['light_ns']:.0f} ns), {run['bytes_per_worker']} bytes per worker")
finish("detector", {name: median([r[name] for r in runs]) for name in ("ns_per_sample", "full_ns", "light_ns", "bytes_per_worker")})
