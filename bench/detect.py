#!/usr/bin/env python3
"""./dev bench detect: kill -9 of a worker → first instruction of its successor → first line of an interpreter → event received.

One monitor, one agent, 40 workers: 20 are a tiny static program whose first act is to write the time, 20 are an interpreter
(sh) that does. Each trial kills another worker, ≥ 4 s after the last one. Beside it in the same run: Monit with a 1 s cycle
(../shared/bench/restart_latency.py), when both are there.
"""
import http.client
import json
import os
import subprocess
import sys
import threading
import time

from common import BIN, SHARED, Monitor, Process, finish, median, percentile, say

TRIALS = int(os.environ.get("TRIALS", "20"))
GAP = 4.1

C_WORKER = r"""
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char** argv) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  char text[64];
  int n = snprintf(text, sizeof text, "%lld %d\n", (long long)t.tv_sec * 1000000000LL + t.tv_nsec, (int)getpid());
  int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (write(fd, text, n) != n) return 1;
  close(fd);
  for (;;) pause();
}
"""
SH_WORKER = 'IFS= read -r _ < /dev/null; echo "$(date +%s%N) $$" > "$0.tmp"; mv "$0.tmp" "$0"; exec sleep 1000000'


def read(path):
    try:
        stamp, pid = open(path).read().split()
        return int(stamp), int(pid)
    except (OSError, ValueError):
        return 0, 0


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


def wait(condition, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.001)
    sys.exit("timed out")


def measure():
    monitor = Monitor()
    agent = None
    place = monitor.dir
    try:
        open(f"{place}/worker.c", "w").write(C_WORKER)
        subprocess.run(["gcc", "-O2", "-static", "-o", f"{place}/worker", f"{place}/worker.c"], check=True)
        workers = []
        for i in range(TRIALS):
            workers.append({"id": f"exec-{i}", "pool": "exec", "command": [f"{place}/worker", f"{place}/exec-{i}"]})
            workers.append({"id": f"sh-{i}", "pool": "sh", "command": ["/bin/sh", "-c", SH_WORKER, f"{place}/sh-{i}"]})
        text = ["monitor:", f"  url: {monitor.url}", f"data_dir: {place}/agent", "workers:"]
        text += [f"  - {json.dumps(w)}" for w in workers]
        open(f"{place}/agent.yaml", "w").write("\n".join(text) + "\n")
        agent = Process([str(BIN / "paramedic-agent"), "--config", f"{place}/agent.yaml"], f"{place}/agent.log")
        wait(lambda: all(read(f"{place}/{w['id']}")[1] for w in workers))
        time.sleep(7)  # leases are there, everybody has reported
        events = Events(monitor)
        events.start()
        time.sleep(1)
        result = {"exec": [], "sh": [], "event": []}
        for i in range(TRIALS):
            for kind in ("exec", "sh"):
                name = f"{kind}-{i}"
                old, pid = read(f"{place}/{name}")
                begin = time.time_ns()
                os.kill(pid, 9)
                stamp = wait(lambda: read(f"{place}/{name}")[0] if read(f"{place}/{name}")[0] > old else 0)
                result[kind].append((stamp - begin) / 1e6)
                seen = wait(lambda: events.seen.get(name))
                result["event"].append((seen - begin) / 1e6)
                time.sleep(GAP)
        return result
    finally:
        if agent:
            agent.stop()
        monitor.stop()


def monit():
    script = SHARED / "restart_latency.py"
    if not script.exists():
        say("left out: ../shared/bench/restart_latency.py is not there")
        return None
    try:
        out = subprocess.run([sys.executable, str(script), "--mode", "monit", "--trials", "15"], stdout=subprocess.PIPE, text=True, timeout=300)
        return json.loads(out.stdout.strip().splitlines()[-1])["median"] * 1000
    except (subprocess.TimeoutExpired, ValueError, IndexError, KeyError):
        say("left out: Monit is not installed or did not run")
        return None


times = measure()
for kind, title in (("exec", "first instruction"), ("sh", "first line of sh"), ("event", "event received")):
    say(f"{title}: median {median(times[kind]):.2f} ms, p90 {percentile(times[kind], .9):.2f} ms, max {max(times[kind]):.2f} ms, n={len(times[kind])}")
figures = {"exec_ms_median": round(median(times["exec"]), 3), "restart_ms_median": round(median(times["sh"]), 3),
           "event_ms_median": round(median(times["event"]), 3), "trials": TRIALS}
peer = monit()
if peer is not None:
    figures["monit_ms_median"] = round(peer, 1)
    say(f"Monit, 1 s cycle, same run: median {peer:.0f} ms")
finish("detect", figures)
