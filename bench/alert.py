#!/usr/bin/env python3
"""./dev bench alert: crash of a supervised worker → webhook received, and SIGSTOP of a worker with a voice → webhook.

One monitor, one agent, 2 x TRIALS workers. A trial of each kind begins every GAP seconds, each with another worker: one is
killed with -9 (hard evidence: told at once, by a route that takes `info`), one that beats every 0.5 s and is critical after
1.5 s of silence is stopped. The webhook is on loopback and notes when it has read the whole body that names the worker.
`silent_excess` = beyond (last beat + 1.5 s); the worker writes the time of each beat to a file.
Beside it in the same run: Prometheus and Alertmanager, 1 s scrape and evaluation (../shared/bench/alert_latency.py
--profile tuned, KILL and STOP), when they are installed. TRIALS=30 GAP=4.1 PEERS=1.
"""
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common import BIN, SHARED, Monitor, Process, finish, median, percentile, say

TRIALS = int(os.environ.get("TRIALS", "30"))
GAP = float(os.environ.get("GAP", "4.1"))
PEERS = os.environ.get("PEERS", "1") != "0"
LIMIT = 1.5

WORKER = "import os, time\nopen(os.environ['PID_FILE'], 'w').write(str(os.getpid()))\nwhile True: time.sleep(1000)"
VOICED = """
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
open(os.environ['PID_FILE'], 'w').write(str(os.getpid()))
beats = open(os.environ['PID_FILE'] + '.beats', 'w')
while True:
    beats.seek(0)
    beats.write('%020d' % time.time_ns())
    beats.flush()
    s.sendto(b'{"event":"beat"}', os.environ['PARAMEDIC_SOCKET'])
    time.sleep(0.5)
"""


class Hook:
    """Notes when the first message about each worker arrived, by severity."""

    def __init__(self):
        self.first, self.changed = {}, threading.Condition()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                now = time.time_ns()
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                hook.take(now, json.loads(body))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def take(self, now, document):
        notification = document["data"]["notification"]
        with self.changed:
            for alert in notification.get("alerts", []):
                if alert["state"] == "firing":
                    self.first.setdefault((alert["worker_id"], alert["severity"]), now)
            self.changed.notify_all()

    def wait(self, worker, severity, seconds=20):
        with self.changed:
            if not self.changed.wait_for(lambda: (worker, severity) in self.first, seconds):
                sys.exit(f"no message about {worker} within {seconds} s; arrived: {sorted(self.first)[:10]}")
            return self.first[(worker, severity)]


CONFIG = """channels:
  hook: {{type: webhook, url: {url}}}
notifications: {{storm_incidents: 0}}
route: {{min_severity: info, channels: [hook], group_by: [worker_id]}}
pools:
  voiced:
    recovery: {{mode: shadow}}
    checks: {{heartbeat: {{warning_after: 1.4s, critical_after: 1.5s, stopped_after: 5m}}}}
"""


def wait(condition, seconds=30):
    end = time.time() + seconds
    while time.time() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    sys.exit("timed out")


def pid_of(path):
    try:
        return int(open(path).read())
    except (OSError, ValueError):
        return 0


def measure():
    hook = Hook()
    monitor = Monitor(CONFIG.format(url=hook.url))
    agent = None
    place = monitor.dir
    try:
        workers = []
        for kind, code in (("crash", WORKER), ("voiced", VOICED)):
            for i in range(TRIALS):
                name = f"{kind}-{i}"
                workers.append({"id": name, "pool": kind, "command": [sys.executable, "-c", code], "heartbeat_deadline": "1s",
                                "env": {"PID_FILE": f"{place}/{name}"}})
        text = ["monitor:", f"  url: {monitor.url}", f"data_dir: {place}/agent", "report_period: 1s", "workers:"]
        text += [f"  - {json.dumps(w)}" for w in workers]
        open(f"{place}/agent.yaml", "w").write("\n".join(text) + "\n")
        agent = Process([str(BIN / "paramedic-agent"), "--config", f"{place}/agent.yaml"], f"{place}/agent.log")
        wait(lambda: all(pid_of(f"{place}/{w['id']}") for w in workers))
        time.sleep(8)
        crash, total, excess = [], [], []
        for i in range(TRIALS):
            begin = time.time_ns()
            os.kill(pid_of(f"{place}/crash-{i}"), signal.SIGKILL)
            crash.append((hook.wait(f"crash-{i}", "info") - begin) / 1e6)
            time.sleep(max(0, GAP / 2 - (time.time_ns() - begin) / 1e9))
            pid = pid_of(f"{place}/voiced-{i}")
            begin = time.time_ns()
            os.kill(pid, signal.SIGSTOP)
            beat = int(open(f"{place}/voiced-{i}.beats").read())
            told = hook.wait(f"voiced-{i}", "critical")
            os.kill(pid, signal.SIGCONT)
            total.append((told - begin) / 1e6)
            excess.append((told - beat) / 1e6 - LIMIT * 1000)
            time.sleep(max(0, GAP / 2 - (time.time_ns() - begin) / 1e9))
        return crash, total, excess
    finally:
        if agent:
            agent.stop()
        monitor.stop()


def peer(which):
    script = SHARED / "alert_latency.py"
    try:
        out = subprocess.run([sys.executable, str(script), "--profile", "tuned", "--signal", which, "--trials", str(min(TRIALS, 20))],
                             stdout=subprocess.PIPE, text=True, timeout=400)
        result = json.loads(out.stdout.strip().splitlines()[-1])
        return result["median"] * 1000
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError, KeyError) as error:
        say(f"left out: Prometheus with Alertmanager, {which}: {error!r}")
        return None


crash, total, excess = measure()
for name, values in (("crash to webhook", crash), ("SIGSTOP to webhook", total), (f"beyond last beat + {LIMIT} s", excess)):
    say(f"{name}: median {median(values):.1f} ms, p99 {percentile(values, .99):.1f} ms, min {min(values):.1f}, max {max(values):.1f}, n={len(values)}")
figures = {"crash_to_webhook_ms_median": round(median(crash), 2), "crash_to_webhook_ms_p99": round(percentile(crash, .99), 2),
           "silent_total_ms_median": round(median(total), 1), "silent_excess_ms_median": round(median(excess), 1), "trials": TRIALS}
if PEERS:
    for which, key in (("KILL", "peer_ms_median"), ("STOP", "peer_silent_ms_median")):
        value = peer(which)
        if value is not None:
            figures[key] = round(value, 1)
            say(f"Prometheus + Alertmanager, tuned, {which}, same run: median {value:.0f} ms")
finish("alert", figures)
