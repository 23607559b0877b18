"""The ledger on a real redis-server: budgets survive a restart; a Redis that is killed meanwhile costs nothing."""
import os
import signal

from product import agent_config, free_port, monitor_config, wait_for
from redis_server import Redis, needs_redis, part

pytestmark = needs_redis


def config_on(redis, world, port):
    return monitor_config(world.dir / "monitor", port, extra={"ledger": redis.store()})


def ledger_part(api):
    return part(api, "ledger")


def crash(api, worker_id, crashes):
    os.kill(api.worker(worker_id)["pid"], signal.SIGKILL)
    wait_for(f"{crashes} crashes of {worker_id}",
             lambda: (w := api.worker(worker_id))["crashes"] == crashes and w["status"] == "healthy", 40)


def test_budgets_survive_restarts_and_an_outage_of_redis(world):
    redis = Redis(world)
    port = free_port()
    config = config_on(redis, world, port)
    monitor, api = world.serve(config)
    world.agent(agent_config(world.dir / "agent", api.url, [{"id": "w-%i", "count": 3, "pool": "p", "command": ["sleep", "100000"]}]))
    wait_for("healthy workers", lambda: api.get("/health/summary")["healthy_workers"] == 3, 60)
    wait_for("a ledger that is well", lambda: ledger_part(api)["state"] == "ok", 20)
    assert ledger_part(api)["text"].startswith("weaker durability: no replica:"), "nothing else is missing"
    assert not (world.dir / "monitor" / "ledger.db").exists()

    # Restarted with kill -9: everything comes from Redis.
    crash(api, "w-1", 1)
    os.kill(api.worker("w-2")["pid"], signal.SIGSTOP)
    wait_for("a counted stop", lambda: (w := api.worker("w-2"))["stops_used"] == 1 and w["status"] == "healthy", 60)
    wait_for("its proof", lambda: api.restarts("w-2")[0]["state"] == "succeeded", 40)
    monitor.stop(signal.SIGKILL)
    monitor, api = world.serve(config, name="serve-again")
    wait_for("all to be back", lambda: api.get("/health/summary")["healthy_workers"] == 3, 40)
    assert api.worker("w-1")["crashes"] == 1
    assert api.worker("w-2")["stops_used"] == 1

    # Redis is killed; the monitor goes on, acts, and says so. Nobody is called dead for it.
    redis.kill()
    crash(api, "w-1", 2)
    shown = wait_for("a degraded ledger", lambda: (p := ledger_part(api))["state"] == "degraded" and p, 20)
    assert "wait on local disk" in shown["text"] and str(redis.port) in shown["text"], shown
    os.kill(api.worker("w-3")["pid"], signal.SIGSTOP)
    wait_for("a stop from the spool", lambda: (w := api.worker("w-3"))["stops_used"] == 1 and w["status"] == "healthy", 60)
    assert api.metric("paramedic_ledger_store_away") == 1
    assert api.metric("paramedic_ledger_spool_commits") > 0
    assert api.metric("paramedic_ledger_degraded") == 0, "commits are durable on local disk: stops go on"
    assert api.request("GET", "/restarts").status_code == 503
    assert api.get("/health/summary")["healthy_workers"] == 3

    # The monitor stops while Redis is away, and starts when both are back: nothing lost, nothing twice.
    assert monitor.stop() == 0, monitor.log()[-2000:]
    redis.start()
    monitor, api = world.serve(config, name="serve-third")
    wait_for("all to be back", lambda: api.get("/health/summary")["healthy_workers"] == 3, 40)
    assert api.worker("w-1")["crashes"] == 2
    assert api.worker("w-3")["stops_used"] == 1
    actions = [r["action_id"] for r in api.restarts()]
    assert len(actions) == len(set(actions))
    assert {r["worker_id"] for r in api.restarts()} >= {"w-1", "w-2", "w-3"}

    # An outage that ends while it runs.
    redis.kill()
    api.post("/maintenance", {"worker_id": "w-3", "on": True, "reason": "drill", "duration": "10m"}, expect=200)
    crash(api, "w-2", 1)
    redis.start()
    wait_for("caught up", lambda: ledger_part(api)["state"] == "ok", 30)
    assert api.metric("paramedic_ledger_spool_commits") == 0
    assert api.metric("paramedic_ledger_replayed_total") >= 1
    assert [a["reason"] for a in api.get("/audit")["audit"]] == ["drill"], "once, though its commit went a long way"


def test_a_second_monitor_on_the_same_ledger_is_refused(world):
    redis = Redis(world)
    monitor, api = world.serve(config_on(redis, world, free_port()))
    other = config_on(redis, world, free_port())
    other["data_dir"] = str(world.dir / "other")
    second, _ = world.serve(other, name="second", wait=False)
    assert second.wait(30) == 4, second.log()
    assert "is held by another monitor" in second.log() and f"process {monitor.pid}" in second.log()
    assert ledger_part(api)["state"] == "ok"


def test_without_redis_the_monitor_does_not_start(world):
    config = monitor_config(world.dir / "monitor", extra={"ledger": {"store": "redis", "redis": {"address": f"127.0.0.1:{free_port()}"}}})
    process, _ = world.serve(config, wait=False)
    assert process.wait(30) == 6, process.log()
    assert "ledger.store: sqlite" in process.log()
