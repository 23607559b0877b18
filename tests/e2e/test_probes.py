"""Probes: a broker's outage that no worker tells of, found by asking the broker; the monitor's own network."""
import contextlib
import os
import signal
import socket

from product import free_port, monitor_config, reasons, wait_for
from redis_server import Redis, needs_redis

FAST = {"interval": "200ms", "deadline": "1s"}
MUTE = ["sh", "-c", "while :; do sleep 0.2; done"]


def firing(api, key):
    return next((a for a in api.get("/alerts")["alerts"] if a["key"] == key and a["state"] == "firing"), None)


def pool(api, name="thumbs"):
    return next(p for p in api.get("/health/pools")["pools"] if p["pool"] == name)


def report(api, worker_id):
    """A worker that reports for itself and is well connected, whatever becomes of the broker."""
    api.report(worker_id, pool="thumbs", state="running", period_seconds=30, queues=[{"broker": "redis-a", "name": "thumbs", "connected": True}])


@contextlib.contextmanager
def listener(port):
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen(64)
        yield


@needs_redis
def test_a_broker_that_dies_is_noticed_told_and_holds_stops_until_it_is_back(world):
    redis = Redis(world)
    probes = {"redis-a": {"type": "redis_ping", "broker": "redis-a", "address": f"127.0.0.1:{redis.port}", **FAST}}
    _, api = world.serve(monitor_config(world.dir / "monitor", extra={"probes": probes}))
    report(api, "w-1")
    world.run_command(api, "w-2", MUTE, pool="thumbs")
    wait_for("a healthy worker", lambda: api.worker("w-2")["status"] == "healthy", 40)
    wait_for("an answered probe", lambda: api.metric("paramedic_probe_up", probe="redis-a") == 1)
    assert api.metric("paramedic_probe_failures_total", probe="redis-a") == 0
    assert not firing(api, "source/redis-a") and not pool(api)["frozen"]

    redis.kill()
    alert = wait_for("broker_down", lambda: firing(api, "source/redis-a"))
    assert alert["reason"] == "broker_down" and alert["severity"] == "critical"
    assert alert["message"].startswith("the probe redis-a missed 3 times in ") and "Connection refused" in alert["message"]
    assert pool(api)["frozen"] == "broker redis-a is down"
    assert api.metric("paramedic_probe_up", probe="redis-a") == 0
    assert api.metric("paramedic_probe_failures_total", probe="redis-a") >= 3
    assert api.metric("paramedic_queue_broker_down", broker="redis-a") == 1
    assert api.request("GET", "/readyz").status_code == 200

    # A worker that hangs meanwhile is seen, and left alone.
    pid = api.worker("w-2")["pid"]
    os.kill(pid, signal.SIGSTOP)
    held = wait_for("a stop that is held", lambda: (w := api.worker("w-2"))["held"] and "stopped" in reasons(w, "critical") and w, 40)
    assert held["held"]["code"] == "frozen" and "broker redis-a is down" in held["held"]["text"]
    assert reasons(held, "critical")["stopped"]["remedy"] == "restart"
    assert api.restarts() == []

    redis.start()
    wait_for("the end of the alert", lambda: not firing(api, "source/redis-a"))
    assert api.metric("paramedic_queue_broker_down", broker="redis-a") == 0
    wait_for("a new life of the worker that hung", lambda: api.worker("w-2")["pid"] not in (None, pid), 60)


def test_a_monitor_without_network_says_so_and_freezes_every_pool(world):
    ports = [free_port(), free_port()]
    probes = {f"way-{i}": {"type": "tcp", "own": True, "address": f"127.0.0.1:{port}", **FAST} for i, port in enumerate(ports)}
    with listener(ports[0]):
        _, api = world.serve(monitor_config(world.dir / "monitor", extra={"probes": probes}))
        report(api, "w-1")
        wait_for("misses of the other", lambda: api.metric("paramedic_probe_failures_total", probe="way-1") > 3)
        assert not firing(api, "monitor/monitor_cut_off"), "one of two ways is open"
    alert = wait_for("monitor_cut_off", lambda: firing(api, "monitor/monitor_cut_off"))
    assert "the probe way-0 missed" in alert["message"] and "the probe way-1 missed" in alert["message"]
    assert pool(api)["frozen"] == "source monitor/way-0 is blind"
    with listener(ports[1]):
        wait_for("the end of the alert", lambda: not firing(api, "monitor/monitor_cut_off"))
        wait_for("an open pool", lambda: not pool(api)["frozen"])
