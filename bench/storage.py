#!/usr/bin/env python3
"""./dev bench storage [WORKERS=100] [DAYS=7]: history on disk and its queries over HTTP keep-alive.

fleetgen.py data, 20 metrics at 30 s, put in by bench_storage (one commit per instant, hours folded, days merged, rolled up).
bytes_per_sample: history.db of raw rows alone (roll-ups switched off), after the checkpoint, index included; aim ≤ 0.75;
with_rollups_bytes_per_sample beside it. import_cpu_s_per_1m: CPU of storing, roll-ups included. Then the monitor serves the
file: 24 h × 20 metrics raw (aim ≤ 3 ms), 7 d × 1 metric raw (≤ 1.5 ms), 7 d × 20 metrics in 1 000 points (≤ 10 ms), each
REQUESTS times over one connection, a worker after the other, as columns (format=columns: times and one list per metric, which is
what the peers answer too); the same as one object per point stands beside it as q…_rows. Peers: PEERS=1 runs
../shared/bench/storage_compare.sh after it.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from common import SHARED, Monitor, finish, median, percentile, program, say

WORKERS, DAYS = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 100), (2, 7)))
REQUESTS = int(os.environ.get("REQUESTS", "100"))


def store(folder, csv, rollups):
    out = subprocess.run([program("bench_storage"), folder, csv, "rollups" if rollups else "raw"], stdout=subprocess.PIPE,
                         text=True, check=True)
    figures = json.loads(out.stdout)
    return figures, (pathlib.Path(folder) / "history.db").stat().st_size


def ask(monitor, path_of):
    """Milliseconds of each request, and the size of the latest answer."""
    connection, took, size = monitor.connection(), [], 0
    for i in range(REQUESTS + 5):
        began = time.perf_counter()
        connection.request("GET", path_of(f"w{i % WORKERS}"))
        answer = connection.getresponse()
        size = len(answer.read())
        if answer.status != 200:
            sys.exit(f"{path_of('w0')}: status {answer.status}")
        took.append((time.perf_counter() - began) * 1000)
    return took[5:], size


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


work = pathlib.Path(tempfile.mkdtemp(prefix="paramedic-storage-"))
monitor = None
try:
    end = int(time.time()) // 64800 * 64800  # as storage_compare.sh
    start = end - DAYS * 86400
    subprocess.run([sys.executable, SHARED / "fleetgen.py", "backfill", "-n", str(WORKERS), "--start", str(start), "--end", str(end),
                    "--out", work / "csv", "--fmt", "csv", "--csv-workers", str(WORKERS)], stdout=subprocess.DEVNULL, check=True)
    _, raw_bytes = store(work / "raw", work / "csv/raw.csv", False)
    shutil.rmtree(work / "raw")
    stored, all_bytes = store(work / "data", work / "csv/raw.csv", True)
    shutil.rmtree(work / "csv")
    samples = stored["samples"]
    say(f"{samples} samples: {raw_bytes / samples:.3f} bytes each, {all_bytes / samples:.3f} with roll-ups; "
        f"{stored['cpu_seconds'] / samples * 1e6:.2f} s CPU per 1M; open hour {stored['open_bytes_per_worker']:.0f} bytes per worker")

    monitor = Monitor(config="history:\n  retention: 366d\n", data=work / "data")
    day = f"start={stamp(end - 86400)}&end={stamp(end)}"
    week = f"start={stamp(start)}&end={stamp(end)}"
    figures = {"bytes_per_sample": round(raw_bytes / samples, 3), "with_rollups_bytes_per_sample": round(all_bytes / samples, 3),
               "import_cpu_s_per_1m": round(stored["cpu_seconds"] / samples * 1e6, 3),
               "open_bytes_per_worker": round(stored["open_bytes_per_worker"])}
    queries = (("q24h", day), ("q7d", f"{week}&metrics=cpu_percent"), ("q7d20", f"{week}&step={DAYS * 86400 // 1000}s"))
    asked = [(name, f"{query}&format=columns") for name, query in queries] + [(f"{name}_rows", query) for name, query in queries]
    for name, query in asked:
        took, size = ask(monitor, lambda worker: f"/health/workers/{worker}/history?{query}")
        figures[f"{name}_ms_p50"] = round(median(took), 2)
        figures[f"{name}_ms_p99"] = round(percentile(took, 0.99), 2)
        say(f"{name}: p50 {median(took):.2f} ms, p99 {percentile(took, 0.99):.2f} ms, {size} bytes")
    if os.environ.get("PEERS"):
        subprocess.run([SHARED / "storage_compare.sh", str(WORKERS), str(DAYS), str(REQUESTS)], check=True)
    finish("storage", figures)
finally:
    if monitor:
        monitor.stop()
    shutil.rmtree(work, ignore_errors=True)
