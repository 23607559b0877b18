"""What the benchmarks share: start a monitor on a free port, read its CPU and memory, print the closing line."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHARED = pathlib.Path(os.environ.get("PARAMEDIC_SHARED", ROOT.parent / "shared")) / "bench"
BIN = pathlib.Path(os.environ.get("PARAMEDIC_BIN_DIR", ROOT / "build/bench"))
TICK = os.sysconf("SC_CLK_TCK")


def say(text):
    print(text, flush=True)


def finish(name, figures):
    """The closing line that programs read."""
    print(json.dumps({"bench": name, "figures": figures}), flush=True)


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_bytes(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def program(name):
    return str(BIN / "bench" / name)


def load(*args):
    """Runs bench_load and returns what it counted."""
    out = subprocess.run([program("bench_load"), *map(str, args)], stdout=subprocess.PIPE, text=True, timeout=900)
    return json.loads(out.stdout.strip().splitlines()[-1])


class Process:
    """A child that ends with the benchmark."""

    def __init__(self, argv, log, **more):
        self.log = open(log, "w")
        self.child = subprocess.Popen(argv, stdout=self.log, stderr=subprocess.STDOUT, **more)
        self.pid = self.child.pid

    def stop(self, patience=20):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(patience)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        self.log.close()


class Monitor:
    """`paramedic serve` with a configuration, on a free port, in a temporary directory."""

    def __init__(self, config="", data=None):
        self.dir = tempfile.mkdtemp(prefix="paramedic-bench-")
        path = f"{self.dir}/paramedic.yaml"
        self.data = data or f"{self.dir}/data"
        open(path, "w").write(f"data_dir: {self.data}\nlimits:\n  new_ids_per_second: 100000\n{config}")
        self.log = f"{self.dir}/monitor.log"
        self.process = Process([str(BIN / "paramedic"), "serve", "--config", path, "--listen", "127.0.0.1:0"], self.log)
        self.pid = self.process.pid
        self.port = self._port()
        self.url = f"http://127.0.0.1:{self.port}"

    def _port(self):
        for _ in range(200):
            found = re.search(r"listening .*port=(\d+)", open(self.log).read())
            if found:
                return int(found.group(1))
            if self.process.child.poll() is not None:
                break
            time.sleep(0.05)
        sys.exit("the monitor did not start:\n" + open(self.log).read())

    def connection(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def get(self, path, connection=None):
        own = connection or self.connection()
        own.request("GET", path)
        answer = own.getresponse()
        body = answer.read()
        return answer.status, json.loads(body) if body.startswith((b"{", b"[")) else body.decode()

    def post(self, path, document, connection=None):
        own = connection or self.connection()
        own.request("POST", path, json.dumps(document), {"Content-Type": "application/json"})
        answer = own.getresponse()
        return answer.status, answer.read()

    def stop(self):
        self.process.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def metric(page, name):
    """Sum of all samples of one family."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines()
               if re.match(rf"{re.escape(name)}(\{{| )", line))
