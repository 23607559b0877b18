"""Messages of the whole monitor to a real endpoint: crash → webhook, acknowledgement, kill -9, a ledger that cannot commit,
reload, dead-man ping."""
import http.server
import json
import os
import signal
import sqlite3
import threading
import time

import pytest
from product import monitor_config, run, wait_for, write_yaml

SLEEPER = ["sh", "-c", "while :; do sleep 0.2; done"]


class Endpoint:
    """Notes every request; answers `status`."""

    def __init__(self):
        self.status, self.seen, self.lock = 200, [], threading.Lock()
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with endpoint.lock:
                    endpoint.seen.append((time.time(), endpoint.status, self.path, dict(self.headers), body))
                self.send_response(endpoint.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path="/hook"):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def taken(self, path="/hook", **members):
        """Notifications that were answered 200 at this path, with these values, in the order in which they came."""
        with self.lock:
            bodies = [json.loads(body) for _, status, where, _, body in self.seen if status == 200 and where == path and body]
        notes = [body["data"]["notification"] for body in bodies]
        return [n for n in notes if all(n[k] == v for k, v in members.items())]

    def requests(self, path):
        with self.lock:
            return sum(1 for entry in self.seen if entry[2] == path)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def endpoint(request, tmp_path):
    if "dead_man" not in request.node.name:  # until the kinds of channel are in
        probe = write_yaml(tmp_path / "probe.yaml", {"channels": {"x": {"type": "webhook", "url": "http://127.0.0.1:1/"}}})
        if "without channels" in run(["check-config", str(probe)]).stderr:
            pytest.skip("no channels in this program")
    made = Endpoint()
    yield made
    made.close()


def config_for(world, endpoint, mode="auto", port=0, route=None, **extra):
    channels = {"hook": {"type": "webhook", "url": endpoint.url()}, "pager": {"type": "webhook", "url": endpoint.url("/pager")}}
    # A route that takes a crash, which is only `info`.
    route = {"channels": ["hook"], "min_severity": "info", "group_by": ["worker_id"], "group_interval": "1s", **(route or {})}
    return monitor_config(world.dir / "monitor", port, pools={"p": {"min_healthy": 0, "recovery": {"mode": mode}}},
                          extra={"channels": channels, "route": route, **extra})


def healthy_worker(world, api, worker_id):
    world.run_command(api, worker_id, SLEEPER, pool="p")
    return wait_for(f"{worker_id} healthy", lambda: (w := api.worker(worker_id))["status"] == "healthy" and w["pid"], 40)


def about(worker_id):
    return lambda n: any(a["worker_id"] == worker_id for a in n["alerts"])


def notes_of(endpoint, worker_id, path="/hook", **members):
    return [n for n in endpoint.taken(path, **members) if about(worker_id)(n)]


def stored(api, **members):
    rows = api.get("/notifications")["notifications"]
    return [r for r in rows if all(r[k] == v for k, v in members.items())]


def test_a_crash_reaches_the_webhook_and_so_does_its_end(world, endpoint):
    _, api = world.serve(config_for(world, endpoint))
    pid = healthy_worker(world, api, "w-1")
    os.kill(pid, signal.SIGKILL)
    first = wait_for("the crash", lambda: notes_of(endpoint, "w-1", kind="firing"), 20)[0]
    assert first["severity"] == "info" and "w-1" in first["title"]
    end = wait_for("its end", lambda: notes_of(endpoint, "w-1", kind="resolved"), 40)[0]
    assert end["group_key"] == first["group_key"] and end["sequence"] > first["sequence"]
    # The ledger view: queued, tried, delivered, with times.
    rows = wait_for("both to be recorded", lambda: len(r := stored(api, state="delivered")) >= 2 and r, 10)
    for row in rows:
        assert row["attempts"] == 1 and row["tried_at"] and row["ended_at"] and row["answer"], row
    assert api.metric("paramedic_notifications_total", channel="hook", result="delivered") >= 2
    assert api.metric("paramedic_notifications_queued", channel="hook") == 0
    with endpoint.lock:
        keys = [headers["webhook-id"] for _, _, path, headers, _ in endpoint.seen if path == "/hook"]
    assert len(keys) == len(set(keys)), "each once"


def test_an_acknowledgement_stops_the_escalation_but_not_the_end(world, endpoint):
    route = {"escalation": [{"after": "4s", "channels": ["pager"]}], "escalate_from": "critical"}
    _, api = world.serve(config_for(world, endpoint, mode="shadow", route=route))
    pids = {w: healthy_worker(world, api, w) for w in ("w-1", "w-2")}
    os.kill(pids["w-1"], signal.SIGSTOP)
    told = wait_for("the first", lambda: notes_of(endpoint, "w-1", severity="critical"), 30)[0]
    incident = told["incident_id"] or next(i["incident_id"] for i in api.incidents() if i["open"])
    api.post(f"/incidents/{incident}/acknowledge", {"author": "eve", "comment": "mine"})
    os.kill(pids["w-2"], signal.SIGSTOP)
    wait_for("nobody took the second", lambda: notes_of(endpoint, "w-2", "/pager"), 30)
    assert not notes_of(endpoint, "w-1", "/pager", kind="escalation"), "somebody has taken it, and earlier"
    for pid in pids.values():
        os.kill(pid, signal.SIGCONT)
    wait_for("the end of both", lambda: all(notes_of(endpoint, w, kind="resolved") for w in pids), 40)


def test_kill_9_while_the_endpoint_is_down_loses_nothing(world, endpoint):
    endpoint.status = 503
    config = config_for(world, endpoint, mode="shadow")
    monitor, api = world.serve(config)
    pid = healthy_worker(world, api, "w-1")
    os.kill(pid, signal.SIGKILL)
    wait_for("a try", lambda: stored(api, state="tried"), 30)
    part = next(p for p in api.get("/readyz")["parts"] if p["name"] == "channel/hook")
    assert part["state"] == "degraded" and "503" in part["text"], part
    assert monitor.stop(signal.SIGKILL) == -signal.SIGKILL
    endpoint.status = 200
    _, api = world.serve(config, name="serve-2")
    wait_for("what waited", lambda: notes_of(endpoint, "w-1", kind="firing"), 20)
    row = wait_for("its record", lambda: stored(api, state="delivered"), 10)[-1]
    assert row["attempts"] >= 2, "tries of the former life count"
    time.sleep(1)
    assert len(notes_of(endpoint, "w-1", kind="firing")) == 1


class LockedLedger:
    """Somebody else holds the write lock of ledger.db: every commit fails after 5 s."""

    def __init__(self, world):
        self.db = sqlite3.connect(world.dir / "monitor" / "ledger.db", isolation_level=None, timeout=20)

    def __enter__(self):
        self.db.execute("BEGIN IMMEDIATE")

    def __exit__(self, *_):
        self.db.execute("ROLLBACK")
        self.db.close()


def test_a_ledger_that_cannot_commit_stops_no_message(world, endpoint):
    _, api = world.serve(config_for(world, endpoint, mode="shadow"))
    pid = healthy_worker(world, api, "w-1")
    with LockedLedger(world):
        os.kill(pid, signal.SIGKILL)
        wait_for("the message", lambda: notes_of(endpoint, "w-1", kind="firing"), 30)
        parts = {p["name"]: p for p in api.get("/readyz")["parts"]}
        assert parts["ledger"]["state"] == "degraded"
        assert "out of memory" in parts["notifications"]["text"], parts
    ours = wait_for("its record", lambda: [r for r in stored(api, state="delivered") if about("w-1")(r["notification"])], 40)
    assert "while the ledger could not commit" in ours[-1]["answer"]
    assert api.metric("paramedic_notifications_degraded_total", channel="hook") >= 1


def test_sighup_reads_the_channels_anew(world, endpoint):
    config = config_for(world, endpoint, mode="shadow")
    monitor, api = world.serve(config)
    pid = healthy_worker(world, api, "w-1")
    path = world.dir / "serve.yaml"
    write_yaml(path, {**config, "channels": {"hook": {"type": "pigeon"}}})
    monitor.popen.send_signal(signal.SIGHUP)
    monitor.wait_for_log("(?s)config_refused.*pigeon")
    config["channels"]["hook"]["url"] = endpoint.url("/moved")
    write_yaml(path, config)
    monitor.popen.send_signal(signal.SIGHUP)
    monitor.wait_for_log("config_reloaded")
    os.kill(pid, signal.SIGKILL)
    wait_for("the message at the new address", lambda: notes_of(endpoint, "w-1", "/moved", kind="firing"), 20)


def test_the_dead_mans_ping_stays_away_when_the_ledger_cannot_commit(world, endpoint):
    config = monitor_config(world.dir / "monitor", extra={"dead_man": {"url": endpoint.url("/alive"), "every": "1s"}})
    monitor, api = world.serve(config)
    wait_for("pings", lambda: endpoint.requests("/alive") >= 3, 20)
    assert api.metric("paramedic_dead_man_pings_total", result="sent") >= 2
    with LockedLedger(world):
        api.report("w-1", pool="p")  # something to commit
        wait_for("no ping any more", lambda: api.metric("paramedic_dead_man_pings_total", result="withheld") >= 2, 30)
        parts = {p["name"]: p for p in api.get("/readyz")["parts"]}
        assert parts["dead_man"]["state"] == "degraded" and "ledger" in parts["dead_man"]["text"], parts
        before = endpoint.requests("/alive")
        time.sleep(2.5)
        assert endpoint.requests("/alive") == before
    wait_for("pings again", lambda: endpoint.requests("/alive") > before, 30)
    # Another address without a restart.
    config["dead_man"]["url"] = endpoint.url("/elsewhere")
    write_yaml(world.dir / "serve.yaml", config)
    monitor.popen.send_signal(signal.SIGHUP)
    wait_for("pings elsewhere", lambda: endpoint.requests("/elsewhere") >= 2, 20)
    assert monitor.stop() == 0


def test_without_a_dead_man_the_log_warns(world):
    monitor, _ = world.serve(monitor_config(world.dir / "monitor"))
    monitor.wait_for_log("dead_man_missing")
    wrong = write_yaml(world.dir / "bad.yaml", {"dead_man": {"url": "nowhere"}})
    assert "dead_man.url" in run(["check-config", str(wrong)]).stderr
