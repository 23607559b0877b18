#!/usr/bin/env python3
"""./dev bench detect: kill -9 of a worker → first instruction of its successor → first line of an interpreter → event received.

One monitor, one agent, 40 workers: 20 are a tiny static program whose first act is to write the time, 20 are an interpreter
(sh) that does. Each trial kills another worker, ≥ 4 s after the last one. Beside it in the same run: Monit with a 1 s cycle
(../shared/bench/restart_latency.py), when both are there.
"""
import http.client
import json
import os
import threading
import time

from common import Monitor, finish, median, percentile, say
from lives import kill_and_wait, monit_ms, stamp, stamping_program, stamping_shell, start_agent, wait

TRIALS = int(os.environ.get("TRIALS", "20"))
GAP = 4.1

class Events(threading.Thread):
    """Follows /health/events; notes when the first word about each worker's exit arrives."""

    def __init__(self, monitor):
        super().__init__(daemon=True)
        self.monitor, self.seen = monitor, {}

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.monitor.port, timeout=600)
        connection.request("GET", "/health/events")
        stream = connection.getresponse()
        for line in stream:
            now = time.time_ns()
            if line.startswith(b"data:") and b'"exit"' in line:
                try:
                    events = json.loads(line[5:]).get("events", [])
                except ValueError:
                    continue
                for event in events:
                    if event.get("kind") == "exit":
                        self.seen.setdefault(event["worker_id"], now)


def measure():
    monitor = Monitor()
    agent = None
    place = monitor.dir
    try:
        program = stamping_program(place)
        workers = []
        for i in range(TRIALS):
            workers.append({"id": f"exec-{i}", "pool": "exec", "command": [program, f"{place}/exec-{i}"]})
            workers.append({"id": f"sh-{i}", "pool": "sh", "command": stamping_shell(f"{place}/sh-{i}")})
        agent = start_agent(monitor, "agent", workers)
        wait(lambda: all(stamp(f"{place}/{w['id']}")[1] for w in workers))
        time.sleep(7)  # leases are there, everybody has reported
        events = Events(monitor)
        events.start()
        time.sleep(1)
        result = {"exec": [], "sh": [], "event": []}
        for i in range(TRIALS):
            for kind in ("exec", "sh"):
                name = f"{kind}-{i}"
                begin, again = kill_and_wait(f"{place}/{name}")
                result[kind].append((again - begin) / 1e6)
                seen = wait(lambda: events.seen.get(name))
                result["event"].append((seen - begin) / 1e6)
                time.sleep(GAP)
        return result
    finally:
        if agent:
            agent.stop()
        monitor.stop()


times = measure()
for kind, title in (("exec", "first instruction"), ("sh", "first line of sh"), ("event", "event received")):
    say(f"{title}: median {median(times[kind]):.2f} ms, p90 {percentile(times[kind], .9):.2f} ms, max {max(times[kind]):.2f} ms, n={len(times[kind])}")
figures = {"exec_ms_median": round(median(times["exec"]), 3), "restart_ms_median": round(median(times["sh"]), 3),
           "event_ms_median": round(median(times["event"]), 3), "trials": TRIALS}
peer = monit_ms(15)
if peer is not None:
    figures["monit_ms_median"] = round(peer, 1)
    say(f"Monit, 1 s cycle, same run: median {peer:.0f} ms")
finish("detect", figures)
