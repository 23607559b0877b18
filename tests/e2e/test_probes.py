"""Probes: a broker's outage that no worker tells of, found by asking the broker; the monitor's own network."""
import socket

from product import free_port, monitor_config, wait_for
from redis_server import Redis, needs_redis

FAST = {"interval": "200ms", "deadline": "1s"}


def firing(api, key):
    return next((a for a in api.get("/alerts")["alerts"] if a["key"] == key and a["state"] == "firing"), None)


def report(api, worker_id, **more):
    api.report(worker_id, pool="thumbs", capabilities=["voice", "queues"], state="running", period_seconds=30,
               queues=[{"broker": "redis-a", "name": "thumbs", "connected": True}], **more)


def pool(api, name="thumbs"):
    return next(p for p in api.get("/health/pools")["pools"] if p["name"] == name)


@needs_redis
def test_a_broker_that_dies_is_noticed_told_and_holds_stops_until_it_is_back(world):
    redis = Redis(world)
    probes = {"redis-a": {"type": "redis_ping", "broker": "redis-a", "address": f"127.0.0.1:{redis.port}", **FAST}}
    _, api = world.serve(monitor_config(world.dir / "monitor", extra={"probes": probes}))
    for worker_id in ("w-1", "w-2"):
        report(api, worker_id)
    wait_for("an answered probe", lambda: api.metric("paramedic_probe_up", probe="redis-a") == 1)
    assert api.metric("paramedic_probe_failures_total", probe="redis-a") == 0
    assert not firing(api, "source/redis-a")

    redis.kill()
    alert = wait_for("broker_down", lambda: firing(api, "source/redis-a"))
    assert alert["reason"] == "broker_down" and alert["severity"] == "critical"
    assert alert["message"].startswith("the probe redis-a missed 3 times in ") and "Connection refused" in alert["message"]
    assert pool(api)["frozen"] == "broker redis-a is down"
    assert api.metric("paramedic_probe_up", probe="redis-a") == 0
    assert api.metric("paramedic_probe_failures_total", probe="redis-a") >= 3
    assert api.metric("paramedic_queue_broker_down", broker="redis-a") == 1
    assert api.metric("paramedic_pool_frozen", pool="thumbs") == 1
    report(api, "w-1")  # its own word about itself still counts
    assert api.worker("w-1")["status"] == "healthy"
    assert api.request("GET", "/readyz").status_code == 200

    redis.start()
    wait_for("the end of the alert", lambda: not firing(api, "source/redis-a"))
    wait_for("an open pool", lambda: not pool(api).get("frozen"))
    assert api.metric("paramedic_queue_broker_down", broker="redis-a") == 0
    texts = [e["text"] for i in api.incidents() for e in i["timeline"]]
    assert any("redis-a" in text for text in texts), texts
    assert api.restarts() == []


def test_a_monitor_without_network_says_so_and_freezes_every_pool(world):
    ports = [free_port(), free_port()]
    probes = {f"way-{i}": {"type": "tcp", "own": True, "address": f"127.0.0.1:{port}", **FAST} for i, port in enumerate(ports)}
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", ports[0]))
        listener.listen(64)
        _, api = world.serve(monitor_config(world.dir / "monitor", extra={"probes": probes}))
        report(api, "w-1")
        wait_for("three misses of the other", lambda: api.metric("paramedic_probe_failures_total", probe="way-1") > 3)
        assert not firing(api, "monitor/monitor_cut_off"), "one of two ways is open"
    alert = wait_for("monitor_cut_off", lambda: firing(api, "monitor/monitor_cut_off"))
    assert "the probe way-0 missed" in alert["message"] and "the probe way-1 missed" in alert["message"]
    assert pool(api)["frozen"] == "source monitor/way-0 is blind"
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", ports[1]))
        listener.listen(64)
        wait_for("the end of the alert", lambda: not firing(api, "monitor/monitor_cut_off"))
        wait_for("an open pool", lambda: not pool(api).get("frozen"))
