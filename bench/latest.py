#!/usr/bin/env python3
"""./dev bench latest: the latest state and all metrics of all workers in one answer, at 100, 1 000 and 10 000 workers.

Workers of 20 numbers report every 5 s over WebSocket meanwhile; `GET /health/workers` over one keep-alive connection, the whole
answer read, REQUESTS times (30). Aim at 10 000: p50 ≤ 30 ms.
"""
import os
import subprocess
import time

from common import Monitor, finish, median, percentile, program, say

REQUESTS = int(os.environ.get("REQUESTS", "30"))


def measure(workers):
    monitor = Monitor()
    load = subprocess.Popen([program("bench_load"), "ws", str(monitor.port), str(workers), "5", "120", "10"], stdout=subprocess.DEVNULL)
    try:
        time.sleep(12)  # two periods: everybody is known
        connection, took, size = monitor.connection(), [], 0
        for i in range(REQUESTS + 3):
            began = time.perf_counter()
            connection.request("GET", "/health/workers")
            body = connection.getresponse().read()
            took.append((time.perf_counter() - began) * 1000)
            size = len(body)
            time.sleep(0.2)
        assert body.count(b'"worker_id"') >= workers, "not all workers are in the answer"
        took = took[3:]
        say(f"{workers} workers: p50 {median(took):.2f} ms, p99 {percentile(took, .99):.2f} ms, {size / 2**20:.2f} MiB")
        return took
    finally:
        load.terminate()
        load.wait()
        monitor.stop()


figures = {}
for count in (100, 1000, 10000):
    result = measure(count)
    figures[f"latest_{count}_ms_p50"] = round(median(result), 2)
    figures[f"latest_{count}_ms_p99"] = round(percentile(result, .99), 2)
finish("latest", figures)
