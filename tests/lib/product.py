"""Runs the real binaries from outside and looks at them: processes, HTTP API, event stream.

Everything that knows how the product is started stands here: command lines and configuration texts. Binaries come from
$PARAMEDIC_BIN_DIR (default: build/release, else build/debug of this checkout).
"""
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import quote

import requests

try:  # validates every answer against docs/openapi.yaml
    import openapi
except ImportError:
    openapi = None

ROOT = Path(__file__).resolve().parents[2]
MARK = "PARAMEDIC_E2E_MARK"  # inherited by every process that a test starts, so that leftovers are found


def bin_dir():
    given = os.environ.get("PARAMEDIC_BIN_DIR")
    candidates = [Path(given)] if given else [ROOT / "build/release", ROOT / "build/debug"]
    for folder in candidates:
        if (folder / "paramedic").exists():
            return folder.resolve()
    raise RuntimeError(f"no paramedic binary in {', '.join(map(str, candidates))}; run ./dev build or set PARAMEDIC_BIN_DIR")


def binary(name="paramedic"):
    return str(bin_dir() / name)


def free_port():
    """A port that nobody else gets meanwhile: below those that the kernel hands out by itself, each parallel run of tests has
    numbers of its own (PYTEST_XDIST_WORKER), and none is given twice until all were."""
    while True:
        port = next(_PORTS)
        with contextlib.suppress(OSError), socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", port))
            return port


def _ports(first=20000, each=1500, runs=8):
    run = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % runs
    begin = os.getpid() % each  # two runs of pytest on one machine hardly meet
    for i in itertools.count():
        yield first + run * each + (begin + i) % each


_PORTS = _ports()


PATIENCE = 30.0  # no wait gives up earlier: other tests run beside this one, and a wait costs nothing when it succeeds


def wait_for(what, holds, timeout=PATIENCE, step=0.05):
    """Waits until holds() is true and returns its value; the last answer is in the failure. For limits that are themselves what is
    tested, compare times."""
    timeout = max(timeout, PATIENCE)
    end = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = holds()
        except (requests.RequestException, AssertionError, KeyError, IndexError) as error:
            last = error
        else:
            if last:
                return last
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout:.0f} s in vain for: {what}; last: {str(last)[:2000]}")
        time.sleep(step)


# ---- processes ------------------------------------------------------------------------------------------------------


def alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def marked_processes(mark):
    """pids of all living processes whose environment holds the mark."""
    found = []
    needle = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if needle in (entry / "environ").read_bytes().split(b"\0") and alive(int(entry.name)):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "(ended)"


class Process:
    """One started program, with its output in a file."""

    def __init__(self, world, name, args, env=None, cwd=None, preexec=None):
        self.name = name
        self.log_path = world.dir / f"{name}-{uuid.uuid4().hex[:6]}.log"
        # `paramedic run` keeps its state below XDG_STATE_HOME: a test must not meet what an earlier one left.
        environment = {**os.environ, "XDG_STATE_HOME": str(world.dir / "state"), **(env or {}), MARK: world.mark}
        with open(self.log_path, "wb") as log:
            self.popen = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment,
                                          cwd=cwd or world.dir, start_new_session=True, preexec_fn=preexec)
        self.args = args

    @property
    def pid(self):
        return self.popen.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def running(self):
        return self.popen.poll() is None

    def wait(self, timeout=20):
        try:
            return self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} (pid {self.pid}) did not end in {timeout} s:\n{self.log()[-3000:]}") from None

    def stop(self, how=signal.SIGTERM, timeout=20):
        """Signals this one process and returns its exit code."""
        if self.running():
            self.popen.send_signal(how)
        return self.wait(timeout)

    def wait_for_log(self, pattern, timeout=30):
        def seen():
            match = re.search(pattern, self.log())
            if not match and not self.running():
                raise RuntimeError(f"{self.name} ended with {self.popen.returncode}:\n{self.log()[-3000:]}")
            return match

        return wait_for(f"/{pattern}/ in the output of {self.name}", seen, timeout)


def run(args, timeout=30, env=None, cwd=None, preexec=None):
    """Runs `paramedic ARGS` to its end."""
    return subprocess.run([binary(), *args], capture_output=True, text=True, timeout=timeout, env={**os.environ, **(env or {})},
                          cwd=cwd, preexec_fn=preexec, stdin=subprocess.DEVNULL)


# ---- API ------------------------------------------------------------------------------------------------------------


class Api:
    def __init__(self, url, token=None):
        self.url = url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def request(self, method, path, expect=None, validate=True, **kwargs):
        answer = self.session.request(method, self.url + path, timeout=kwargs.pop("timeout", 15), **kwargs)
        if validate and openapi is not None:
            openapi.check_response(method, path, answer.status_code, answer.headers.get("Content-Type", ""), answer.content)
        if expect is not None:
            wanted = expect if isinstance(expect, (tuple, list, set)) else (expect,)
            assert answer.status_code in wanted, f"{method} {path}: {answer.status_code}, wanted {expect}: {answer.text[:1000]}"
        return answer

    def get(self, path, expect=200, **kwargs):
        return self.request("GET", path, expect, **kwargs).json()

    def post(self, path, body=None, expect=(200, 202), **kwargs):
        return self.request("POST", path, expect, json={} if body is None else body, **kwargs).json()

    def report(self, worker_id, expect=(200, 202), **body):
        return self.post(f"/health/workers/{quote(worker_id, safe='')}/report", {"worker_id": worker_id, **body}, expect)

    def workers(self, **query):
        return {w["worker_id"]: w for w in self.get("/health/workers", params=query)["workers"]}

    def worker(self, worker_id):
        return self.get(f"/health/workers/{quote(worker_id, safe='')}")

    def history(self, worker_id, hours=1):
        return self.get(f"/health/workers/{quote(worker_id, safe='')}/history?hours={hours}")

    def restarts(self, worker_id=None):
        rows = self.get("/restarts")["restarts"]
        return [r for r in rows if worker_id is None or r["worker_id"] == worker_id]

    def incidents(self):
        return self.get("/incidents")["incidents"]

    def metrics_text(self):
        return self.request("GET", "/metrics", 200, validate=False).text

    def metric(self, name, **labels):
        """The value of one sample; None when absent."""
        for sample_name, sample_labels, value in parse_metrics(self.metrics_text()):
            if sample_name == name and all(sample_labels.get(k) == v for k, v in labels.items()):
                return value
        return None

    def reachable(self):
        try:
            return self.session.get(self.url + "/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False


SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def parse_metrics(text):
    out = []
    for line in text.splitlines():
        match = SAMPLE.match(line)
        if match:
            out.append((match.group(1), dict(LABEL.findall(match.group(2) or "")), float(match.group(3))))
    return out


def reasons(worker, status=None):
    """{reason: cause} of a worker's detail, bad causes only."""
    return {c["reason"]: c for f in worker["findings"] for c in f["causes"] if status is None or c["status"] == status}


def check_of(worker, name):
    return next(f for f in worker["findings"] if f["check_name"] == name)


class EventStream:
    """Reads /health/events in a thread and keeps what it says."""

    def __init__(self, api):
        self.lock = threading.Lock()
        self.snapshots, self.deltas, self.events = [], [], []
        self.invalid = []  # what contradicted docs/openapi.yaml
        self.workers = {}
        self.stopped = False
        self.answer = api.session.get(api.url + "/health/events", stream=True, timeout=(5, 60), headers={"Accept": "text/event-stream"})
        assert self.answer.status_code == 200, self.answer.text
        assert self.answer.headers["Content-Type"].startswith("text/event-stream")
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        kind, data = "message", []
        with contextlib.suppress(Exception):
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                if self.stopped:
                    return
                if line.startswith("event:"):
                    kind = line[6:].strip()
                elif line.startswith("data:"):
                    data.append(line[5:].strip())
                elif not line and data:
                    self._take(kind, json.loads("\n".join(data)))
                    kind, data = "message", []

    def _take(self, kind, value):
        if openapi is not None:
            try:
                openapi.validate_event(kind, value)
            except AssertionError as error:
                self.invalid.append(str(error))
        with self.lock:
            (self.snapshots if kind == "snapshot" else self.deltas).append(value)
            if kind == "snapshot":
                self.workers = {}
            for worker in value.get("workers", []):
                self.workers[worker["worker_id"]] = worker
            for worker_id in value.get("removed", []):
                self.workers.pop(worker_id, None)
            if kind != "snapshot":
                self.events.extend(value.get("events", []))

    def seen(self, **members):
        """Events whose members have these values."""
        with self.lock:
            return [e for e in self.events if all(e.get(k) == v for k, v in members.items())]

    def statuses(self, worker_id):
        """The statuses that the stream gave a worker, in order, without repetition."""
        out = []
        with self.lock:
            for value in [*self.snapshots[:1], *self.deltas]:
                for worker in value.get("workers", []):
                    if worker["worker_id"] == worker_id and (not out or out[-1] != worker["status"]):
                        out.append(worker["status"])
        return out

    def end(self):
        """Stops reading; returns what contradicted docs/openapi.yaml."""
        self.stopped = True
        self.answer.close()
        self.thread.join(5)
        return self.invalid


# ---- programs of the product ----------------------------------------------------------------------------------------

# `demo` prints its URL, `serve` logs that it listens. A URL in quotes is the reason of some failure in the log.
URL = r"(?:(?<!\")http://127\.0\.0\.1:|event=listening .*\bport=|listening .*\bport=)(\d+)"


def monitor_config(data_dir, port=0, host="127.0.0.1", extra=None, pools=None):
    """A fast monitor: rounds every second, short limits, first stop allowed at once."""
    config = {
        "listen": f"{host}:{port}",
        "data_dir": str(data_dir),
        "interval": "1s",
        "history": {"resolution": "1s"},
        "pools": {"default": {
            "checks": {"heartbeat": {"warning_after": "5s", "critical_after": "8s", "stopped_after": "4s", "start_grace": "20s"}},
            "recovery": {"young_monitor": "0s", "settle": "0s", "stop_interval": "1s", "hourly_min": 50, "drain": "1s", "term_grace": "2s",
                         "verify_grace": "15s", "verify_proof": "15s", "verify_alive": "3s", "backoff_first": "1s", "freeze_thaw_after": "1s"},
        }, **(pools or {})},
    }
    config.update(extra or {})
    return config


def agent_config(data_dir, url, workers, on_exit="stop", agent_id="e2e", token_file=None):
    monitor = {"url": url}
    if token_file:
        monitor["token_file"] = str(token_file)
    return {"monitor": monitor, "agent_id": agent_id, "host": agent_id, "data_dir": str(data_dir), "report_period": "1s",
            "on_exit": on_exit, "workers": workers}


def write_yaml(path, value):
    path.write_text(json.dumps(value, indent=1))  # JSON is YAML
    return path


class World:
    """One test's folder and processes; nothing of it survives close()."""

    def __init__(self):
        self.mark = uuid.uuid4().hex
        self.dir = Path(tempfile.mkdtemp(prefix="pm-e2e-"))
        self.processes = []
        self.streams = []

    def start(self, name, args, **kwargs):
        process = Process(self, name, [str(a) for a in args], **kwargs)
        self.processes.append(process)
        return process

    # Each of these returns (process, Api); the address is read from the output.
    def serve(self, config=None, name="serve", data_dir=None, wait=True, token=None, port=0, **kwargs):
        config = config or monitor_config(data_dir or self.dir / "monitor", port)
        path = write_yaml(self.dir / f"{name}.yaml", config)
        process = self.start(name, [binary(), "serve", "--config", path], **kwargs)
        return process, self._api(process, token) if wait else None

    def demo(self, workers=6, data_dir=None, **kwargs):
        process = self.start("demo", [binary(), "demo", "--listen", "127.0.0.1:0", "--workers", str(workers), "--data-dir",
                                      data_dir or self.dir / "demo"], **kwargs)
        return process, self._api(process)

    def agent(self, config, name="agent", program=None, **kwargs):
        path = write_yaml(self.dir / f"{name}.yaml", config)
        command = [binary("paramedic-agent")] if program == "small" else [binary(), "agent"]
        return self.start(name, [*command, "--config", path], **kwargs)

    def run_command(self, api, worker_id, command, pool=None, name=None, **kwargs):
        args = [binary(), "run", "--id", worker_id, "--monitor", api.url]
        if pool:
            args += ["--pool", pool]
        return self.start(name or f"run-{worker_id}", [*args, "--", *command], **kwargs)

    def _api(self, process, token=None):
        port = process.wait_for_log(URL).group(1)
        api = Api(f"http://127.0.0.1:{port}", token)
        wait_for(f"{process.name} answers on port {port}", api.reachable, 20)
        return api

    def stream(self, api):
        stream = EventStream(api)
        self.streams.append(stream)
        return stream

    def leftovers(self):
        return [f"{pid}: {command_line(pid)}" for pid in marked_processes(self.mark)]

    def close(self, failed=False):
        """Ends everything, youngest first; returns what had to be killed."""
        invalid = [text for stream in self.streams for text in stream.end()]
        for process in reversed(self.processes):
            if process.running():
                process.popen.terminate()
                try:
                    process.popen.wait(15)
                except subprocess.TimeoutExpired:
                    process.popen.kill()
                    process.popen.wait()
        killed = []
        for _ in range(20):
            left = marked_processes(self.mark)
            if not left:
                break
            for pid in left:
                killed.append(f"{pid}: {command_line(pid)}")
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
        if failed:
            for process in self.processes:
                print(f"---- {process.name} ({' '.join(process.args)}) ended with {process.popen.returncode}\n{process.log()[-6000:]}")
        shutil.rmtree(self.dir, ignore_errors=True)
        assert not invalid, f"the event stream contradicts docs/openapi.yaml: {invalid[:3]}"
        return sorted(set(killed))
