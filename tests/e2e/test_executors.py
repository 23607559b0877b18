"""Workers that report over HTTP and have no agent: restarted by the executor of their pool."""
import json
import os
import signal
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from product import MARK, free_port, monitor_config, run, wait_for, write_yaml

# Reports itself once per 0.3 s: incarnation = pid. Told to hang, it lives on in silence.
WORKER = """
import json, os, signal, sys, time, urllib.request
url, worker = sys.argv[1:]
silent = []
signal.signal(signal.SIGUSR1, lambda *_: silent.append(1))
open(worker + '.pid', 'w').write(str(os.getpid()))
start = time.time()
while True:
    body = {'worker_id': worker, 'pool': 'jobs', 'host': 'h1', 'incarnation': str(os.getpid()), 'period_seconds': 1}
    if not silent:
        request = urllib.request.Request(f'{url}/health/workers/{worker}/report', json.dumps(body).encode(), {'Content-Type': 'application/json'})
        try:
            urllib.request.urlopen(request, timeout=5).read()
        except OSError:
            pass
    time.sleep(0.3)
"""

# What an operator writes: end the old one, begin a new one, which lives on without the program that began it.
RESTART = """#!/bin/sh
cd {dir} || exit 1
echo "$1 $PARAMEDIC_KIND $PARAMEDIC_INCARNATION $PARAMEDIC_ACTION_ID" >> calls
[ -e broken ] && {{ echo "no such unit $PARAMEDIC_WORKER_ID"; exit 5; }}
kill -9 "$(cat $1.pid)" 2>/dev/null
setsid {python} worker.py {url} "$1" >/dev/null 2>&1 &
"""


def prepare(world, mode=None):
    (world.dir / "worker.py").write_text(WORKER)
    program = world.dir / "restart.sh"
    heartbeat = {"warning_after": "2s", "critical_after": "4s", "start_grace": "20s"}
    jobs = {"checks": {"heartbeat": heartbeat},
            "executor": {"type": "command", "program": str(program), "arguments": ["{worker_id}"], "timeout": "20s",
                         "environment": [MARK]}}
    if mode:
        jobs["recovery"] = {"mode": mode}
    config = monitor_config(world.dir / "monitor", pools={"jobs": jobs}, extra={"executors": {"command": {"allow": [str(program)]}}})
    process, api = world.serve(config)
    program.write_text(RESTART.format(dir=world.dir, python=sys.executable, url=api.url))
    program.chmod(0o755)
    return process, api


def begin(world, api, worker_id):
    subprocess.Popen([sys.executable, "worker.py", api.url, worker_id], cwd=world.dir, env={**os.environ, MARK: world.mark},
                     stdin=subprocess.DEVNULL, start_new_session=True)
    return wait_for("its first report", lambda: api.worker(worker_id)["incarnation"])


def calls(world):
    path = world.dir / "calls"
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def end_all(world, *workers):
    for worker in workers:
        os.kill(int((world.dir / f"{worker}.pid").read_text()), signal.SIGKILL)


def succeeded(api, worker_id):
    return next((r for r in api.restarts(worker_id) if r["state"] == "succeeded"), None)


def test_a_silent_worker_without_agent_is_restarted_and_the_successor_proves_it(world):
    _, api = prepare(world, "auto")
    first = begin(world, api, "job-1")
    wait_for("healthy", lambda: api.worker("job-1")["status"] == "healthy", 20)
    os.kill(int(first), signal.SIGUSR1)
    cured = wait_for("the proof", lambda: succeeded(api, "job-1"), 90)
    assert cured["executor"] == "executor/jobs" and cured["actor"] == "paramedic"
    assert cured["incarnation"] == first and cured["new_incarnation"] not in ("", first)
    assert calls(world) == [["job-1", "restart", first, cured["action_id"]]], "once"
    now = api.worker("job-1")
    assert now["incarnation"] == cured["new_incarnation"] and now["status"] == "healthy"
    end_all(world, "job-1")


def test_an_operator_restarts_in_shadow_mode_and_a_failure_is_told_in_words(world):
    _, api = prepare(world)
    first = begin(world, api, "job-1")
    begin(world, api, "job-2")
    wait_for("healthy", lambda: api.worker("job-1")["status"] == "healthy", 20)
    answer = api.post("/health/workers/job-1/restart", {"reason": "test"})
    assert answer["success"] and answer["action_id"]
    cured = wait_for("the proof", lambda: succeeded(api, "job-1"), 60)
    assert cured["action_id"] == answer["action_id"] and cured["new_incarnation"] != first

    (world.dir / "broken").write_text("")
    api.post("/health/workers/job-2/restart", {"reason": "test"})
    failed = wait_for("the failure", lambda: next((r for r in api.restarts("job-2") if r["state"] == "failed"), None), 30)
    assert failed["outcome"] == "exit 5: no such unit job-2"
    assert api.worker("job-2")["status"] == "healthy", "it was left as it is"
    refused = api.request("POST", "/health/workers/job-2/drain", 409, json={}).json()
    assert "takes no commands" in refused["detail"]

    os.kill(int((world.dir / "job-2.pid").read_text()), signal.SIGUSR1)
    held = wait_for("the wish", lambda: api.worker("job-2").get("held"), 60)
    assert held["code"] == "mode_shadow", "without `mode` nothing happens by itself"
    assert len(calls(world)) == 2
    end_all(world, "job-1", "job-2")


def test_a_restart_that_waited_is_performed_by_the_next_life_of_the_monitor(world):
    good = world.dir / "restart.sh"
    jobs = {"executor": {"type": "command", "program": str(good), "arguments": ["{worker_id}"], "environment": [MARK], "parallel": 1}}
    config = monitor_config(world.dir / "monitor", port=free_port(), pools={"jobs": jobs},
                            extra={"executors": {"command": {"allow": [str(good)]}}, "shutdown_grace": "1s"})
    (world.dir / "worker.py").write_text(WORKER)
    process, api = world.serve(config)
    good.write_text("#!/bin/sh\nsleep 600\n")
    good.chmod(0o755)
    begin(world, api, "job-1")
    first = begin(world, api, "job-2")
    for worker in ("job-1", "job-2"):
        api.post(f"/health/workers/{worker}/restart", {"reason": "test", "force": True})
    wait_for("one runs", lambda: api.restarts("job-1")[0]["state"] == "running")
    assert api.restarts("job-2")[0]["state"] == "sent", "it waits"
    assert process.stop() == 0

    good.write_text(RESTART.format(dir=world.dir, python=sys.executable, url=api.url))
    _, api = world.serve(config, name="again")
    cured = wait_for("the proof", lambda: succeeded(api, "job-2"), 60)
    assert calls(world) == [["job-2", calls(world)[0][1], first, cured["action_id"]]], "and no other"
    failed = api.restarts("job-1")[0]
    assert failed["state"] == "failed" and "cancelled" in failed["outcome"], failed
    end_all(world, "job-1", "job-2")


def test_a_restart_that_runs_ends_with_the_monitor(world):
    process, api = prepare(world)
    begin(world, api, "job-1")
    (world.dir / "restart.sh").write_text(f"#!/bin/sh\necho begun > {world.dir}/calls\nsleep 600\n")
    api.post("/health/workers/job-1/restart", {"reason": "test", "force": True})
    wait_for("the program to run", lambda: calls(world))
    before = time.monotonic()
    assert process.stop() == 0
    assert time.monotonic() - before < 19, "after shutdown_grace, not after the program's timeout"
    end_all(world, "job-1")


class RestartService(ThreadingHTTPServer):
    """What an operator runs: asked to wait a little first, then it restarts the worker through restart.sh."""

    daemon_threads = True

    def __init__(self, world):
        self.asked = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.asked.append((self.headers["webhook-id"], body))
                again = len(service.asked) == 1
                if not again:
                    data = body["data"]
                    subprocess.run([world.dir / "restart.sh", data["worker_id"]], check=True, stdin=subprocess.DEVNULL,
                                   env={**os.environ, MARK: world.mark, "PARAMEDIC_KIND": data["kind"],
                                        "PARAMEDIC_INCARNATION": data["incarnation"], "PARAMEDIC_ACTION_ID": data["action_id"]})
                self.send_response(503 if again else 202)
                if again:
                    self.send_header("Retry-After", "0.2")
                self.send_header("Content-Length", "0")
                self.end_headers()

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def test_a_web_service_restarts_after_a_reload_brought_it(world):
    process, api = prepare(world)
    service = RestartService(world)
    first = begin(world, api, "job-1")
    config = monitor_config(world.dir / "monitor", pools={"jobs": {"executor": {"type": "webhook", "url": service.url + "/restart"}}},
                            extra={"executors": {"webhook": {"allow": [service.url]}}})
    write_yaml(world.dir / "serve.yaml", config)
    process.popen.send_signal(signal.SIGHUP)
    process.wait_for_log("config_reloaded")
    answer = api.post("/health/workers/job-1/restart", {"reason": "test", "force": True})
    cured = wait_for("the proof", lambda: succeeded(api, "job-1"), 60)
    assert cured["action_id"] == answer["action_id"] and cured["new_incarnation"] != first
    assert [name for name, _ in service.asked] == [answer["action_id"]] * 2, "tried again under the same id"
    assert service.asked[1][1]["type"] == "worker.restart" and service.asked[1][1]["data"]["incarnation"] == first
    assert calls(world) == [["job-1", service.asked[1][1]["data"]["kind"], first, answer["action_id"]]]
    service.shutdown()
    service.server_close()
    end_all(world, "job-1")


class Docker(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """An Engine with the containers job-N, on a unix socket; a restart is what restart.sh does."""

    daemon_threads = True

    def __init__(self, world):
        self.path, self.restarts = str(world.dir / "docker.sock"), []
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def address_string(self):
                return "unix"

            def answer(self, status, body=None):
                data = json.dumps(body).encode() if body is not None else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                if self.path == "/version":
                    return self.answer(200, {"ApiVersion": "1.43", "MinAPIVersion": "1.24"})
                name = self.path.removeprefix("/v1.41/containers/").removesuffix("/json")
                if not name.startswith("job-"):
                    return self.answer(404, {"message": f"No such container: {name}"})
                return self.answer(200, {"Id": name[4:].rjust(64, "0"), "Name": "/" + name,
                                         "State": {"Status": "running", "Paused": False}})

            def do_POST(self):
                container, _, what = self.path.removeprefix("/v1.41/containers/").partition("/")
                if len(container) != 64 or not what.startswith("restart?t="):
                    return self.answer(400, {"message": "no such call: " + self.path})
                worker = "job-" + container.lstrip("0")
                engine.restarts.append(worker)
                subprocess.run([world.dir / "restart.sh", worker], check=True, stdin=subprocess.DEVNULL,
                               env={**os.environ, MARK: world.mark, "PARAMEDIC_KIND": "restart", "PARAMEDIC_INCARNATION": "?",
                                    "PARAMEDIC_ACTION_ID": "?"})
                return self.answer(204)

        super().__init__(self.path, Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def reload_with(world, process, executor, allow):
    heartbeat = {"warning_after": "2s", "critical_after": "4s", "start_grace": "20s"}
    recovery = {"mode": "auto", "young_monitor": "1s", "allow_last": True}
    jobs = {"checks": {"heartbeat": heartbeat}, "recovery": recovery, "executor": executor}
    write_yaml(world.dir / "serve.yaml",
               monitor_config(world.dir / "monitor", pools={"jobs": jobs}, extra={"executors": {executor["type"]: {"allow": allow}}}))
    process.popen.send_signal(signal.SIGHUP)
    process.wait_for_log("config_reloaded")


def test_a_container_is_restarted_and_counted(world):
    process, api = prepare(world)
    docker = Docker(world)
    reload_with(world, process, {"type": "docker", "socket": docker.path}, ["job-*"])
    first = begin(world, api, "job-1")
    wait_for("healthy", lambda: api.worker("job-1")["status"] == "healthy", 20)
    os.kill(int(first), signal.SIGUSR1)
    cured = wait_for("the proof", lambda: succeeded(api, "job-1"), 90)
    assert cured["incarnation"] == first and cured["new_incarnation"] not in ("", first)
    assert docker.restarts == ["job-1"]
    assert api.metric("paramedic_executor_jobs_total", pool="jobs", kind="docker", outcome="succeeded") == 1
    assert api.metric("paramedic_executor_jobs_total", pool="jobs", kind="docker", outcome="failed") == 0
    assert api.metric("paramedic_executor_job_duration_seconds_count", pool="jobs", kind="docker") == 1
    docker.shutdown()
    docker.server_close()
    end_all(world, "job-1")


class Kubernetes(ThreadingHTTPServer):
    """An API server with the pod job-1, behind a disruption budget for the first two evictions; then restart.sh."""

    daemon_threads = True

    def __init__(self, world):
        self.evictions = 0
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def answer(self, status, body, headers=()):
                data = json.dumps(body).encode()
                self.send_response(status)
                for name, value in (*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(data)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def do_GET(self):
                self.answer(200, {"metadata": {"uid": "u-1", "ownerReferences": [{"kind": "StatefulSet", "name": "job", "controller": True}]}})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.path == "/api/v1/namespaces/jobs/pods/job-1/eviction" and self.headers["Authorization"] == "Bearer t-1"
                assert body["deleteOptions"]["preconditions"] == {"uid": "u-1"}
                server.evictions += 1
                if server.evictions <= 2:
                    return self.answer(429, {"kind": "Status", "message": "Cannot evict pod as it would violate the pod's disruption budget."},
                                       [("Retry-After", "1")])
                subprocess.run([world.dir / "restart.sh", "job-1"], check=True, stdin=subprocess.DEVNULL,
                               env={**os.environ, MARK: world.mark, "PARAMEDIC_KIND": "restart", "PARAMEDIC_INCARNATION": "?",
                                    "PARAMEDIC_ACTION_ID": "?"})
                return self.answer(201, {"kind": "Status", "status": "Success"})

        super().__init__(("127.0.0.1", 0), Handler)
        self.cert = world.dir / "kube.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=kube", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", world.dir / "kube.key", "-out", self.cert],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, world.dir / "kube.key")
        self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()


def test_a_disruption_budget_holds_a_restart_back_and_nothing_fails(world):
    process, api = prepare(world)
    kube = Kubernetes(world)
    (world.dir / "token").write_text("t-1\n")
    reload_with(world, process, {"type": "kubernetes", "namespace": "jobs", "url": f"https://127.0.0.1:{kube.server_port}",
                                 "ca_file": str(kube.cert), "token_file": str(world.dir / "token")}, ["jobs"])
    first = begin(world, api, "job-1")
    wait_for("healthy", lambda: api.worker("job-1")["status"] == "healthy", 20)
    os.kill(int(first), signal.SIGUSR1)
    held = wait_for("the hold-back", lambda: next((h for h in [api.worker("job-1").get("held")] if h and h["code"] == "disruption_budget"), None), 60)
    assert "would violate the pod's disruption budget" in held["text"] and held["until"]
    assert api.restarts("job-1")[0]["state"] == "held_back"
    assert api.worker("job-1")["stops_used"] == 0
    wait_for("the proof", lambda: succeeded(api, "job-1"), 120)
    states = [r["state"] for r in api.restarts("job-1")]
    assert states == ["succeeded", "held_back", "held_back"] and kube.evictions == 3
    assert api.worker("job-1")["stops_used"] == 1
    assert api.metric("paramedic_executor_jobs_total", pool="jobs", kind="kubernetes", outcome="held_back") == 2
    assert api.metric("paramedic_remedies_held_total", kind="stop", reason="disruption_budget") == 2
    kube.shutdown()
    kube.server_close()
    end_all(world, "job-1")


def test_check_config_names_every_mistake(world):
    path = write_yaml(world.dir / "bad.yaml", {
        "executors": {"command": {"allow": ["/bin/true"]}, "comand": {}},
        "pools": {"a": {"executor": {"type": "command", "program": "/bin/false"}},
                  "b": {"executor": {"type": "shell"}},
                  "w": {"executor": {"type": "webhook", "url": "https://ops.example.org/restart"}},
                  "c": {"executor": {"type": "command", "program": "/bin/true", "arguments": ["{id}"], "retries": 3}}}})
    checked = run(["check-config", path])
    assert checked.returncode == 2
    for words in ("/bin/false is not allowed: add it to executors.command.allow", "'shell' must be one of: command, docker, kubernetes, systemd, webhook",
                  "https://ops.example.org/restart is not allowed: add it to executors.webhook.allow",
                  "'{id}' is no placeholder", "pools.c.executor.retries: unknown key", "executors.comand: unknown key"):
        assert words in checked.stderr, checked.stderr
