"""History and ledger of a real monitor on a real redis-server: what is served, an outage, two monitors, weak settings."""
import os
import re
import signal
import time
from datetime import datetime

from product import URL, agent_config, free_port, monitor_config, wait_for
from redis_server import Redis, needs_redis, part

pytestmark = needs_redis

WORKERS = [f"w-{i}" for i in (1, 2, 3)]


def config_on(redis, world, port, data_dir="monitor", **more):
    return monitor_config(world.dir / data_dir, port, extra={"ledger": redis.store(**more), "history": {"resolution": "1s", **redis.store(**more)}})


def fleet(world, api):
    agent = world.agent(agent_config(world.dir / "agent", api.url, [{"id": "w-%i", "count": 3, "pool": "p", "command": ["sleep", "100000"]}]))
    all_healthy(api)
    return agent


def all_healthy(api):
    wait_for("healthy workers", lambda: api.get("/health/summary")["healthy_workers"] == 3, 60)


def times(api, worker_id):
    return [row["timestamp"] for row in api.history(worker_id)]


def seconds(timestamp):
    return datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()


def longest_gap(stamps, since, until):
    within = [since, *(t for t in map(seconds, stamps) if since < t < until), until]
    return max(b - a for a, b in zip(within, within[1:]))


def assert_nobody_was_called_dead(stream):
    for worker_id in WORKERS:
        assert "critical" not in stream.statuses(worker_id), stream.statuses(worker_id)


def test_rows_are_served_and_outlive_the_monitor(world):
    redis = Redis(world)
    port = free_port()
    config = config_on(redis, world, port)
    monitor, api = world.serve(config)
    fleet(world, api)
    wait_for("some rows of each", lambda: all(len(times(api, w)) >= 5 for w in WORKERS))
    row = api.history("w-1")[-1]
    assert row["status"] == "healthy" and "memory_mb" in row["metrics"], row
    assert not (world.dir / "monitor" / "history.db").exists()
    assert int(redis.call("HLEN", "{paramedic:e2e:history}:log")) > 0

    monitor.stop(signal.SIGKILL)
    monitor, api = world.serve(config, name="serve-again")
    old = {w: times(api, w) for w in WORKERS}
    assert all(len(stamps) >= 5 for stamps in old.values()), old
    all_healthy(api)
    wait_for("new rows after the old ones", lambda: len(times(api, "w-1")) > len(old["w-1"]) + 3)
    for worker_id in WORKERS:
        stamps = times(api, worker_id)
        assert stamps[: len(old[worker_id])] == old[worker_id]
        assert len(set(stamps)) == len(stamps) and stamps == sorted(stamps)
    assert monitor.stop() == 0, monitor.log()[-2000:]


def test_an_outage_of_redis_is_told_and_caught_up(world):
    redis = Redis(world)
    _, api = world.serve(config_on(redis, world, free_port()))
    stream = world.stream(api)
    fleet(world, api)
    wait_for("some rows", lambda: len(times(api, "w-1")) >= 3)
    assert part(api, "history")["state"] == "ok"
    assert api.metric("paramedic_history_degraded") == 0

    down = time.time()
    redis.kill()
    told = wait_for("a degraded history", lambda: (p := part(api, "history"))["state"] == "degraded" and p)
    assert "rows wait in memory" in told["text"] and str(redis.port) in told["text"], told
    assert api.request("GET", "/readyz").status_code == 200, "the monitor goes on"
    wait_for("buffered rows", lambda: api.metric("paramedic_history_buffered_rows") >= 15)
    assert api.metric("paramedic_history_degraded") == 1
    assert api.metric("paramedic_history_errors_total") > 0
    # Decisions wait on local disk meanwhile.
    api.post("/maintenance", {"worker_id": "w-3", "on": True, "reason": "drill", "duration": "10m"}, expect=200)
    wait_for("a degraded ledger", lambda: part(api, "ledger")["state"] == "degraded")
    assert api.get("/health/summary")["healthy_workers"] == 3

    redis.start()
    wait_for("both to be well", lambda: part(api, "history")["state"] == part(api, "ledger")["state"] == "ok", 60)
    up = time.time()
    assert api.metric("paramedic_history_degraded") == 0
    assert api.metric("paramedic_history_dropped_rows_total") == 0
    wait_for("rows of now", lambda: seconds(times(api, "w-1")[-1]) > up)
    for worker_id in WORKERS:
        stamps = times(api, worker_id)
        assert len(set(stamps)) == len(stamps), "no row stands twice"
        # A loaded machine judges late, but never leaves out what an outage would have taken.
        assert longest_gap(stamps, down, up) < max(5.0, (up - down) / 3), stamps
    assert [a["reason"] for a in api.get("/audit")["audit"]] == ["drill"]
    assert_nobody_was_called_dead(stream)


def test_a_monitor_that_slept_is_fenced_off_by_the_one_that_took_over(world):
    redis = Redis(world)
    first, first_api = world.serve(config_on(redis, world, free_port()), name="first")
    fleet(world, first_api)
    wait_for("some rows", lambda: len(times(first_api, "w-1")) >= 3)
    refused, _ = world.serve(config_on(redis, world, free_port(), "second"), name="refused", wait=False)
    assert refused.wait(30) == 4, refused.log()
    assert "is held by another monitor" in refused.log()

    os.kill(first.pid, signal.SIGSTOP)
    # As a service manager would: until the leases (15 s) have ended.
    second_config = config_on(redis, world, free_port(), "second")

    def takes_over():
        process, _ = world.serve(second_config, name="second", wait=False)
        wait_for("an answer or an end", lambda: not process.running() or re.search(URL, process.log()), 40)
        return process if process.running() else None

    second = wait_for("the second to take over", takes_over, 90, step=1)
    second_api = world._api(second)
    old = times(second_api, "w-1")
    assert len(old) >= 3, "it serves what the first one wrote"
    os.kill(first.pid, signal.SIGCONT)

    for name in ("ledger", "history"):
        told = wait_for(f"a fenced {name}", lambda: (p := part(first_api, name))["state"] == "failed" and p, 60)
        assert "another monitor" in told["text"] and f"process {second.pid}" in told["text"] and f"{name}.redis.name" in told["text"], told
    assert first_api.request("GET", "/readyz", 503).status_code == 503
    assert part(second_api, "ledger")["state"] == part(second_api, "history")["state"] == "ok"
    newest = times(second_api, "w-1")[-1]
    # It still watches, but nothing of what it sees is stored; the second has no agent and knows nothing of them.
    wait_for("the first to see its workers", lambda: first_api.get("/health/summary")["healthy_workers"] == 3, 30)
    fenced = time.time()
    wait_for("rows of the second", lambda: seconds(times(second_api, "w-1")[-1]) > fenced + 2)
    late = [row for row in second_api.history("w-1") if seconds(row["timestamp"]) > fenced]
    assert late and all(row["status"] != "healthy" for row in late), late


def test_what_redis_does_not_promise_stands_in_readyz(world):
    redis = Redis(world, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru")
    _, api = world.serve(config_on(redis, world, free_port()))
    for name in ("ledger", "history"):
        shown = part(api, name)
        assert shown["state"] == "ok", shown
        assert shown["text"].startswith("weaker durability: appendonly is off:") and "set appendonly yes" in shown["text"], shown
        assert "maxmemory-policy is allkeys-lru" in shown["text"] and "no replica" in shown["text"], shown
    # Looked at again each 30 s, and with each new connection.
    redis.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
    redis.call("CLIENT", "KILL", "TYPE", "normal")
    for name in ("ledger", "history"):
        wait_for(f"the {name} to see the change", lambda: "maxmemory-policy" not in (p := part(api, name))["text"] and p["state"] == "ok", 60)


def test_a_user_who_may_not_ask_is_served_all_the_same(world):
    redis = Redis(world)
    redis.call("ACL", "SETUSER", "monitor", "on", ">pw", "~{paramedic:*", "+@all", "-config")
    secret = world.dir / "secret"
    secret.write_text("pw")
    _, api = world.serve(config_on(redis, world, free_port(), username="monitor", password_file=str(secret)))
    for name in ("ledger", "history"):
        shown = part(api, name)
        assert shown["state"] == "ok" and "appendfsync cannot be checked" in shown["text"] and "+config|get" in shown["text"], shown


def test_a_replica_is_refused_with_the_name_of_its_master(world):
    master = Redis(world)
    replica = Redis(world, "--replicaof", f"127.0.0.1 {master.port}", name="replica")
    process, _ = world.serve(config_on(replica, world, free_port()), wait=False)
    assert process.wait(40) == 6, process.log()
    assert f"replica of 127.0.0.1:{master.port}; set ledger.redis.address" in process.log(), process.log()
