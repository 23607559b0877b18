#!/usr/bin/env python3
"""./dev bench memory: resident bytes per worker, 10 000 workers × 20 numbers over WebSocket at 5 s.

(RSS with the fleet − RSS of the same monitor before) / workers, after 60 s of reports; median of 3 runs. Aim ≤ 10 KiB.
"""
import os
import subprocess
import time

from common import Monitor, finish, median, program, resident_bytes, say

WORKERS = 10000


def one():
    monitor = Monitor()
    load = None
    try:
        time.sleep(1)
        empty = resident_bytes(monitor.pid)
        load = subprocess.Popen([program("bench_load"), "ws", str(monitor.port), str(WORKERS), "5", "70", "10"], stdout=subprocess.DEVNULL)
        time.sleep(60)
        _, summary = monitor.get("/health/summary")
        full = resident_bytes(monitor.pid)
        per_worker = (full - empty) / WORKERS
        say(f"{summary['total_workers']} workers: {empty / 2**20:.1f} MiB empty, {full / 2**20:.1f} MiB full, {per_worker / 1024:.2f} KiB per worker")
        return per_worker
    finally:
        if load:
            load.terminate()
            load.wait()
        monitor.stop()


runs = [one() for _ in range(int(os.environ.get("RUNS", "3")))]
finish("memory", {"bytes_per_worker": round(median(runs)), "workers": WORKERS, "runs": len(runs)})
