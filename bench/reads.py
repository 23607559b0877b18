#!/usr/bin/env python3
"""./dev bench reads [WORKERS=100] [DAYS=7]: reads of history beside writes.

A history of WORKERS × DAYS × 20 metrics at 30 s (as bench storage), then a monitor on it: 1 000 workers report every second over
WebSocket (history resolution 1 s, one group commit a second) while READERS (50) clients read 7 days × 20 metrics without pause for
20 s. Looked at ten times a second: the lateness of rounds and the duration of the group commit. Aim: both under 1 s.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from common import SHARED, Monitor, finish, metric, percentile, program, say

WORKERS, DAYS = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 100), (2, 7)))
READERS, SECONDS = int(os.environ.get("READERS", "50")), 20


def watch(monitor, until):
    """Lateness of rounds, duration of the group commit: the worst seen."""
    connection, lag, flush = monitor.connection(), [], []
    while time.monotonic() < until:
        _, page = monitor.get("/metrics", connection)
        lag.append(metric(page, "paramedic_round_lag_seconds"))
        flush.append(metric(page, "paramedic_history_flush_seconds"))
        time.sleep(0.1)
    return lag, flush


def read_all(monitor, number, query, until, done):
    connection = monitor.connection()
    while time.monotonic() < until:
        connection.request("GET", f"/health/workers/w{number % WORKERS}/history?{query}")
        answer = connection.getresponse()
        size = len(answer.read())
        if answer.status != 200 or size < 10_000:
            done.append(-1)
            return
        done.append(size)


work = pathlib.Path(tempfile.mkdtemp(prefix="paramedic-reads-"))
monitor = load = None
try:
    end = int(time.time()) // 64800 * 64800
    start = end - DAYS * 86400
    subprocess.run([sys.executable, SHARED / "fleetgen.py", "backfill", "-n", str(WORKERS), "--start", str(start), "--end", str(end),
                    "--out", work / "csv", "--fmt", "csv", "--csv-workers", str(WORKERS)], stdout=subprocess.DEVNULL, check=True)
    subprocess.run([program("bench_storage"), work / "data", work / "csv/raw.csv", "rollups"], stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(work / "csv")
    monitor = Monitor(config="history:\n  retention: 366d\n  resolution: 1s\n", data=work / "data")
    load = subprocess.Popen([program("bench_load"), "ws", str(monitor.port), "1000", "1", str(2 * SECONDS + 10), "10"], stdout=subprocess.DEVNULL)
    time.sleep(3)
    quiet_lag, quiet_flush = watch(monitor, time.monotonic() + 5)
    week = "&".join(f"{k}={time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(t))}" for k, t in (("start", start), ("end", end)))
    until, done = time.monotonic() + SECONDS, []
    readers = [threading.Thread(target=read_all, args=(monitor, i, f"{week}&step={DAYS * 86400 // 1000}s", until, done)) for i in range(READERS)]
    for reader in readers:
        reader.start()
    lag, flush = watch(monitor, until)
    for reader in readers:
        reader.join()
    if -1 in done or not done:
        sys.exit("a reader got no answer")
    say(f"alone: round lag up to {max(quiet_lag):.3f} s, group commit up to {max(quiet_flush):.3f} s")
    say(f"beside {READERS} readers: round lag up to {max(lag):.3f} s (p99 {percentile(lag, .99):.3f}), group commit up to {max(flush):.3f} s; "
        f"{len(done)} answers in {SECONDS} s")
    finish("reads", {"readers": READERS, "answers": len(done), "round_lag_s_max": round(max(lag), 3), "flush_s_max": round(max(flush), 3),
                     "quiet_round_lag_s_max": round(max(quiet_lag), 3), "quiet_flush_s_max": round(max(quiet_flush), 3)})
finally:
    if load:
        load.terminate()
        load.wait()
    if monitor:
        monitor.stop()
    shutil.rmtree(work, ignore_errors=True)
