"""The first-day security of the design: Host, Origin, content type, tokens, loopback."""
import hashlib
import json
import socket

import pytest
from product import Api, agent_config, monitor_config, run, wait_for, write_yaml

READERS = ["/health/workers", "/health/summary", "/metrics", "/health/events", "/"]


@pytest.fixture(scope="module")
def api(shared_world):
    _, api = shared_world.serve()
    api.report("w", resources={"cpu_percent": 1})
    wait_for("the worker", lambda: "w" in api.workers(), 5)
    return api


def raw(api, text):
    """Sends bytes, returns status and head."""
    port = int(api.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), 5) as s:
        s.settimeout(5)
        s.sendall(text.replace("\n", "\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = s.recv(4096)
            if not part:
                break
            head += part
    return int(head.split()[1]), head.decode(errors="replace")


@pytest.mark.parametrize("path", READERS)
def test_a_foreign_host_is_refused(api, path):
    status, _ = raw(api, f"GET {path} HTTP/1.1\nHost: evil.example\nConnection: close\n\n")
    assert status in (403, 421)
    status, _ = raw(api, f"GET {path} HTTP/1.1\nConnection: close\n\n")
    assert status == 400
    status, _ = raw(api, f"GET {path} HTTP/1.1\nHost: localhost\nConnection: close\n\n")
    assert status in (200, 404)


@pytest.mark.parametrize("path", ["/health/workers/w/restart", "/recovery/freeze", "/maintenance", "/health/workers/w/report"])
def test_another_web_page_can_change_nothing(api, path):
    headers = {"Content-Type": "application/json", "Origin": "http://evil.example"}
    assert api.request("POST", path, data="{}", headers=headers, validate=False).status_code == 403
    headers["Origin"] = "null"
    assert api.request("POST", path, data="{}", headers=headers, validate=False).status_code == 403
    # A form or a beacon cannot send JSON without asking first.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = api.request("POST", path, data="{}", headers={"Content-Type": kind}, validate=False)
        assert answer.status_code == 415, (kind, answer.text)
    assert api.request("DELETE", "/health/workers/w", headers={"Origin": "http://evil.example"}, validate=False).status_code == 403
    assert api.worker("w")["state"] == "running"
    assert api.get("/health/summary")["big_switch"]["held"] is False


def test_streams_and_sockets_ask_for_the_origin_as_well(api):
    for path in ("/health/events", "/health/agents"):
        upgrade = ("Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n"
                   if path.endswith("agents") else "")
        status, _ = raw(api, f"GET {path} HTTP/1.1\nHost: localhost\nOrigin: http://evil.example\n{upgrade}\n")
        assert status == 403


def test_the_own_page_may(api):
    origin = api.url
    answer = api.request("POST", "/recovery/thaw", json={"reason": "x"}, headers={"Origin": origin}, validate=False)
    assert answer.status_code in (200, 202)


def test_reading_never_acts(api):
    for path in ("/health/workers/w/restart", "/recovery/freeze", "/health/workers/w/drain"):
        assert api.request("GET", path, validate=False).status_code in (404, 405)


def test_the_page_is_locked_down(api):
    answer = api.request("GET", "/", validate=False)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def token_line(name, scopes, secret, pool=""):
    return f"{name} {scopes} sha256:{hashlib.sha256(secret.encode()).hexdigest()} {pool}".strip()


def test_tokens_separate_reporting_from_operating(world):
    tokens = world.dir / "tokens"
    tokens.write_text("\n".join(["# name scope hash pool", token_line("agents", "report", "r-secret"), token_line("ops", "operate", "o-secret"),
                                 token_line("thumbs", "report", "t-secret", "thumbs")]) + "\n")
    tokens.chmod(0o600)
    monitor, anonymous = world.serve(monitor_config(world.dir / "monitor", extra={"token_file": str(tokens)}))
    report, operate, thumbs, wrong = (Api(anonymous.url, t) for t in ("r-secret", "o-secret", "t-secret", "guess"))
    body = {"resources": {"cpu_percent": 1}}

    def status(api, path, payload):
        return api.request("POST", path, json=payload, validate=False).status_code

    path = "/health/workers/w/report"
    assert status(anonymous, path, body) == 401
    assert status(wrong, path, body) == 401
    assert status(operate, path, body) == 403
    assert status(report, path, {**body, "pool": "hashes"}) in (200, 202)
    assert status(thumbs, "/health/workers/t/report", {**body, "pool": "thumbs"}) in (200, 202)
    assert status(thumbs, "/health/workers/t2/report", {**body, "pool": "hashes"}) in (403, 409)
    wait_for("w", lambda: "w" in operate.workers(), 5)
    assert status(thumbs, path, {**body, "pool": "thumbs"}) == 409, "another pool's token"
    restart = "/health/workers/w/restart"
    assert status(anonymous, restart, {}) == 401
    assert status(report, restart, {}) == 403
    assert status(operate, restart, {"force": True}) in (200, 202, 409)
    assert status(report, "/recovery/freeze", {}) == 403
    assert operate.metric("paramedic_auth_failures_total") >= 4
    # An agent without its token is turned away, with it accepted.
    worker = [{"id": "a-1", "pool": "thumbs", "command": ["sleep", "1000"]}]
    refused = world.agent(agent_config(world.dir / "agent-1", anonymous.url, worker, agent_id="one"), name="agent-without")
    token = world.dir / "agent.token"
    token.write_text("t-secret\n")
    token.chmod(0o600)
    worker = [{"id": "a-2", "pool": "thumbs", "command": ["sleep", "1000"]}]
    world.agent(agent_config(world.dir / "agent-2", anonymous.url, worker, agent_id="two", token_file=token), name="agent-with")
    wait_for("the agent with the token", lambda: "a-2" in operate.workers(), 20)
    assert "a-1" not in operate.workers() and refused.running()
    for text in (monitor.log(), refused.log()):
        assert "secret" not in text, "secrets are never logged"
    audit = json.dumps(operate.get("/audit"))
    assert "ops" in audit and "o-secret" not in audit


def test_beyond_loopback_only_with_tokens(world):
    path = write_yaml(world.dir / "open.yaml", monitor_config(world.dir / "monitor", host="0.0.0.0"))
    done = run(["serve", "--config", str(path)])
    assert done.returncode not in (0, -6, -11)
    assert "token" in done.stderr and "open.yaml" in done.stderr and "listen" in done.stderr
