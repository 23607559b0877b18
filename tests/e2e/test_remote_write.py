"""Remote write into a real Prometheus and a real VictoriaMetrics, and over TLS: values, times, outages, gone workers."""
import calendar
import http.server
import json
import math
import os
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time

import pytest
import requests
from product import free_port, monitor_config, run, wait_for, write_yaml

PERIOD = 1


class Receiver:
    """A real server in the test's folder, started and ended by the test."""

    def __init__(self, world, kind):
        self.world, self.kind, self.port, self.process = world, kind, free_port(), None
        self.data = world.dir / f"data-{kind}"
        self.base = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        if self.kind == "prometheus":
            config = write_yaml(self.world.dir / "prometheus.yml", {})
            args = [shutil.which("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={self.data}",
                    f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver"]
        else:
            args = [shutil.which("victoria-metrics"), f"-storageDataPath={self.data}", f"-httpListenAddr=127.0.0.1:{self.port}",
                    "-search.latencyOffset=0s", "-search.disableCache"]
        self.process = self.world.start(self.kind, args)
        probe = "/-/ready" if self.kind == "prometheus" else "/health"
        wait_for(f"{self.kind} answers", lambda: requests.get(self.base + probe, timeout=2).status_code == 200, 60)

    def stop(self):
        self.process.stop(signal.SIGTERM, 60)

    def samples(self, metric, worker_id):
        """{time in ms: value} of all that is stored, stale markers left out."""
        selector = f'{metric}{{worker_id="{worker_id}"}}'
        if self.kind == "prometheus":
            answer = requests.get(f"{self.base}/api/v1/query", params={"query": selector + "[1h]"}, timeout=5).json()
            series = answer["data"]["result"]
            assert len(series) <= 1, series
            return {round(float(t) * 1000): float(v) for t, v in (series[0]["values"] if series else [])}
        answer = requests.get(f"{self.base}/api/v1/export", params={"match[]": selector}, timeout=5)
        out = {}
        for line in answer.text.splitlines():
            row = json.loads(line)
            out |= {t: float(v) for t, v in zip(row["timestamps"], row["values"]) if v is not None and math.isfinite(float(v))}
        return out

    def now(self, query):
        """The value that a dashboard shows at this moment; None = nothing."""
        rows = requests.get(f"{self.base}/api/v1/query", params={"query": query}, timeout=5).json()["data"]["result"]
        return float(rows[0]["value"][1]) if rows else None


class Reporter(threading.Thread):
    """One report a second for each worker, whose value counts up."""

    def __init__(self, api, workers):
        super().__init__(daemon=True)
        self.api, self.workers, self.ended, self.n, self.refused = api, list(workers), False, 0, None
        self.start()

    def run(self):
        while not self.ended:
            self.n += 1
            for worker_id in list(self.workers):
                try:
                    answer = self.api.session.post(f"{self.api.url}/health/workers/{worker_id}/report", timeout=2, json={
                        "worker_id": worker_id, "pool": "p", "seq": self.n, "period_seconds": PERIOD,
                        "resources": {"cpu_percent": 25.5, "memory_mb": 512}, "metrics": {"beat_count": self.n}})
                except requests.RequestException:
                    continue  # the monitor is down: that is part of a test
                if answer.status_code not in (200, 202):
                    self.refused = answer.text
            time.sleep(PERIOD)


@pytest.fixture(params=["prometheus", "victoria-metrics"])
def receiver(world, request):
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    return Receiver(world, request.param)


@pytest.fixture
def reporters():
    started = []
    yield started
    for reporter in started:
        reporter.ended = True
        reporter.join(10)
        assert reporter.refused is None


def config_for(world, receiver, **keys):
    return monitor_config(world.dir / "monitor", extra={"remote_write": [
        {"name": "it", "url": receiver.base + "/api/v1/write", "max_wait": "1s", "backoff_first": "200ms", "backoff_cap": "1s", **keys}]})


def history(api, worker_id, metric):
    """{time in ms: value} as the monitor itself tells it."""
    out = {}
    for row in api.history(worker_id):
        if row["metrics"].get(metric) is not None:
            stamp = re.match(r"(.*)\.(\d{3})Z", row["timestamp"])
            seconds = calendar.timegm(time.strptime(stamp.group(1), "%Y-%m-%dT%H:%M:%S"))
            out[seconds * 1000 + int(stamp.group(2))] = row["metrics"][metric]
    return out


def parts(api):
    return {p["name"]: p for p in api.get("/readyz")["parts"]}


def dropped(api):
    return sum(api.metric("paramedic_remote_write_samples_dropped_total", reason=r) or 0
               for r in ("rejected", "refused", "queue_full", "unwritable", "corrupt", "out_of_order"))


def test_values_and_times_arrive_and_an_outage_loses_nothing(world, receiver, reporters):
    monitor, api = world.serve(config_for(world, receiver, labels={"monitor": "e2e"}))
    reporters.append(Reporter(api, ["w-1", "w-2"]))
    wait_for("first samples", lambda: len(receiver.samples("paramedic_worker_beat_count", "w-1")) >= 3, 30)
    assert receiver.now('worker_cpu_percent{worker_id="w-1",monitor="e2e"}') == 25.5
    assert receiver.now('worker_memory_mb{worker_id="w-1"}') == 512
    wait_for("the score", lambda: receiver.now('worker_health_score{worker_id="w-2"}') == 1, 10)
    assert receiver.now('paramedic_worker_status{worker_id="w-1",status="healthy"}') == 1
    assert receiver.now('paramedic_worker_status{worker_id="w-1",status="critical"}') is None
    assert parts(api)["remote_write/it"]["state"] == "ok"

    receiver.stop()
    wait_for("readiness tells it", lambda: parts(api)["remote_write/it"]["state"] == "degraded", 15)
    assert api.metric("paramedic_remote_write_requests_failed_total", reason="network") >= 1
    wait_for("samples that wait", lambda: api.metric("paramedic_remote_write_pending_samples") > 20, 15)
    during = len(history(api, "w-1", "beat_count"))
    # The monitor itself dies in the middle of it.
    monitor.stop(signal.SIGKILL)
    monitor, api = world.serve(config_for(world, receiver, labels={"monitor": "e2e"}), name="serve-2")
    reporters[0].api = api
    wait_for("it goes on", lambda: len(history(api, "w-1", "beat_count")) > during + 2, 20)
    receiver.start()
    wait_for("all to be sent", lambda: parts(api)["remote_write/it"]["state"] == "ok" and
             api.metric("paramedic_remote_write_lag_seconds") == 0 and len(receiver.samples("paramedic_worker_beat_count", "w-1")) > during, 40)
    reporters[0].ended = True
    reporters[0].join(10)
    known = history(api, "w-1", "beat_count")

    def missing():
        stored = receiver.samples("paramedic_worker_beat_count", "w-1")
        return {t: v for t, v in known.items() if stored.get(t) != v}

    # History and remote write each flush once a second: kill -9 may take one row of the one and not of the other.
    wait_for("nothing missing", lambda: len(missing()) <= 1, 20)
    assert len(known) > 8
    assert dropped(api) == 0
    monitor.stop()


def test_a_forgotten_worker_turns_stale(world, receiver, reporters):
    _, api = world.serve(config_for(world, receiver))
    reporters.append(Reporter(api, ["w-1", "w-2"]))
    wait_for("both to be seen", lambda: all(receiver.now(f'worker_cpu_percent{{worker_id="w-{i}"}}') == 25.5 for i in (1, 2)), 30)
    reporters[0].workers = ["w-1"]
    time.sleep(1.1 * PERIOD)  # its last report is through
    api.request("DELETE", "/health/workers/w-2", (200, 202, 204), validate=False)
    wait_for("its series to end", lambda: receiver.now('worker_cpu_percent{worker_id="w-2"}') is None, 10)
    assert receiver.now('paramedic_worker_status{worker_id="w-2"}') is None
    assert receiver.samples("worker_cpu_percent", "w-2"), "its past is kept"
    assert receiver.now('worker_cpu_percent{worker_id="w-1"}') == 25.5, "the other goes on"


def test_rows_of_an_outage_go_where_they_are_taken_and_harm_nobody_else(world, receiver, reporters):
    takes_late = receiver.kind == "victoria-metrics"
    _, api = world.serve(config_for(world, receiver, late_samples="send" if takes_late else "drop"))
    reporters.append(Reporter(api, ["w-1"]))
    wait_for("live samples", lambda: len(receiver.samples("worker_cpu_percent", "w-1")) >= 2, 30)
    api.report("w-1", pool="p", seq=1000, period_seconds=1, age_ms=300_000, resources={"cpu_percent": 77})
    if takes_late:
        wait_for("the late sample", lambda: 77 in receiver.samples("worker_cpu_percent", "w-1").values(), 30)
        late = next(t for t, v in receiver.samples("worker_cpu_percent", "w-1").items() if v == 77)
        assert abs(late / 1000 - (time.time() - 300)) < 40, "at the time when it was measured"
    else:
        wait_for("the late sample to be counted", lambda: api.metric("paramedic_remote_write_samples_dropped_total", reason="out_of_order") == 1, 10)
    before = len(receiver.samples("worker_cpu_percent", "w-1"))
    wait_for("live samples to go on", lambda: len(receiver.samples("worker_cpu_percent", "w-1")) > before + 1, 30)
    assert not api.metric("paramedic_remote_write_samples_dropped_total", reason="rejected")
    assert not api.metric("paramedic_remote_write_requests_failed_total", reason="rejected")


def test_a_restarted_receiver_that_lost_its_data_hurts_nobody(world, receiver, reporters):
    _, api = world.serve(config_for(world, receiver))
    reporters.append(Reporter(api, ["w-1"]))
    wait_for("samples", lambda: receiver.now('worker_cpu_percent{worker_id="w-1"}') == 25.5, 30)
    receiver.stop()
    shutil.rmtree(receiver.data)
    receiver.start()
    wait_for("samples again", lambda: receiver.now('worker_cpu_percent{worker_id="w-1"}') == 25.5, 30)
    assert dropped(api) == 0


# ---- TLS and credentials ---------------------------------------------------------------------------------------------


class Listener(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), len(body)))
        self.send_response(204 if self.headers.get("Authorization") == "Bearer good" else 401)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(params=[False])
def tls_server(world, request):
    cert, key = world.dir / "cert.pem", world.dir / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    server.seen = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    if request.param:  # clients need a certificate: the very same one will do
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cert)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.cert, server.key = cert, key
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def tls_config(world, server, **keys):
    return monitor_config(world.dir / "monitor", extra={"remote_write": [
        {"name": "tls", "url": f"https://127.0.0.1:{server.server_port}/push", "max_wait": "200ms", "backoff_first": "200ms",
         "backoff_cap": "500ms", "bearer_token_file": str(world.dir / "token"), **keys}]})


def test_tls_with_an_own_ca_and_a_token_that_is_repaired(world, tls_server, reporters):
    (world.dir / "token").write_text("bad\n")
    monitor, api = world.serve(tls_config(world, tls_server, ca_file=str(tls_server.cert), headers={"X-Scope-OrgID": "team"}))
    reporters.append(Reporter(api, ["w-1"]))
    wait_for("the refusal in /readyz", lambda: "HTTP 401" in parts(api)["remote_write/tls"]["text"], 20)
    (world.dir / "token").write_text("good\n")
    wait_for("samples to be taken", lambda: (api.metric("paramedic_remote_write_samples_sent_total") or 0) > 0, 20)
    assert parts(api)["remote_write/tls"]["state"] == "ok"
    headers, size = tls_server.seen[-1]
    assert headers["X-Scope-OrgID"] == "team" and headers["Content-Encoding"] == "snappy" and size > 20
    assert not re.search(r"\bbad\b|\bgood\b", monitor.log()), "no credential in the log"


@pytest.mark.parametrize("tls_server", [True], indirect=True)
def test_mutual_tls(world, tls_server, reporters):
    (world.dir / "token").write_text("good\n")
    keys = {"ca_file": str(tls_server.cert)}
    without, api = world.serve(tls_config(world, tls_server, **keys))
    reporters.append(Reporter(api, ["w-1"]))
    wait_for("the refusal", lambda: parts(api)["remote_write/tls"]["state"] == "degraded", 20)
    assert tls_server.seen == []
    without.stop()
    keys |= {"cert_file": str(tls_server.cert), "key_file": str(tls_server.key)}
    _, api = world.serve(tls_config(world, tls_server, **keys), name="serve-2")
    wait_for("what waited", lambda: (api.metric("paramedic_remote_write_samples_sent_total") or 0) > 0, 20)
    assert parts(api)["remote_write/tls"]["state"] == "ok"


def test_an_unknown_certificate_is_not_talked_to(world, tls_server, reporters):
    (world.dir / "token").write_text("good\n")
    _, api = world.serve(tls_config(world, tls_server))
    reporters.append(Reporter(api, ["w-1"]))
    wait_for("the certificate in /readyz", lambda: "certificate" in parts(api)["remote_write/tls"]["text"], 20)
    assert tls_server.seen == []
    assert os.path.isdir(world.dir / "monitor/remote_write/tls")


def test_check_config_names_what_is_wrong_with_a_receiver(world):
    path = write_yaml(world.dir / "bad.yaml", {"remote_write": [{"url": "https://me:hunter2@h/write"}, {"url": "nowhere"}]})
    done = run(["check-config", str(path)])
    assert done.returncode == 2
    assert "remote_write[0].url: must not hold a user or password" in done.stderr
    assert "remote_write[1].url: 'nowhere' must be an http or https URL" in done.stderr
