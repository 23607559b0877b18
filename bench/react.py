#!/usr/bin/env python3
"""./dev bench react: a report that brings a transition is posted → the verdict is readable over HTTP.

A fleet of N workers reports every 5 s through agents (WebSocket batches) meanwhile. Each trial takes another worker that
reports by itself: healthy, then a report with its exit (critical at once). The time runs from before the POST is sent until
a GET of that worker answers `critical`. Aim: p99 ≤ 20 ms at 100 and at 10 000 workers.
"""
import subprocess
import time

from common import Monitor, finish, median, percentile, program, say

TRIALS = 200


def measure(workers):
    monitor = Monitor()
    load = subprocess.Popen([program("bench_load"), "ws", str(monitor.port), str(workers), "5", "60", "10"], stdout=subprocess.DEVNULL)
    try:
        time.sleep(12)  # two periods: everybody is known
        _, summary = monitor.get("/health/summary")
        connection = monitor.connection()
        for i in range(TRIALS):
            monitor.post(f"/health/workers/probe-{i}/report", {"worker_id": f"probe-{i}", "pool": "probe", "incarnation": "1"}, connection)
        time.sleep(1)
        times = []
        for i in range(TRIALS):
            report = {"worker_id": f"probe-{i}", "pool": "probe", "incarnation": "1", "process": {"state": "X", "exit": {"signal": 9}}}
            begin = time.perf_counter()
            monitor.post(f"/health/workers/probe-{i}/report", report, connection)
            while True:
                _, worker = monitor.get(f"/health/workers/probe-{i}", connection)
                if worker.get("status") == "critical":
                    break
                if time.perf_counter() - begin > 5:
                    raise SystemExit(f"probe-{i} never turned critical: {worker}")
            times.append((time.perf_counter() - begin) * 1000)
            time.sleep(0.1)
        say(f"{summary['total_workers']} workers: median {median(times):.2f} ms, p99 {percentile(times, .99):.2f} ms, max {max(times):.2f} ms")
        return times
    finally:
        load.terminate()
        load.wait()
        monitor.stop()


figures = {"trials": TRIALS}
for count in (100, 10000):
    result = measure(count)
    figures[f"react_{count}_ms_median"] = round(median(result), 2)
    figures[f"react_{count}_ms_p99"] = round(percentile(result, .99), 2)
finish("react", figures)
