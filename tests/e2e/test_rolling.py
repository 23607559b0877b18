"""Restarts that people order or allow: mode approve with its link, and rolling restarts, with the real monitor and agent."""
import os
import signal

import requests
from hook import Hook
from product import agent_config, monitor_config, run, wait_for

SLEEPER = ["sleep", "100000"]


def fleet(world, count, pools=None, extra=None):
    config = monitor_config(world.dir / "monitor", pools=pools, extra=extra)
    monitor, api = world.serve(config)
    world.agent(agent_config(world.dir / "agent", api.url, [{"id": "w-%i", "count": count, "pool": "p", "command": SLEEPER}]))
    wait_for("healthy workers", lambda: api.get("/health/summary")["healthy_workers"] == count, 60)
    return config, monitor, api


def pids(api):
    return {w: v["pid"] for w, v in api.workers().items()}


def moments(action):
    return [s["step"] for s in action["steps"]]


def test_a_waiting_remedy_is_told_with_a_link_that_does_nothing_until_somebody_says_yes(world):
    hook = Hook()
    extra = {"channels": {"hook": {"type": "webhook", "url": hook.url}}, "route": {"channels": ["hook"]}, "external_url": "http://monitor.example"}
    _, _, api = fleet(world, 2, pools={"p": {"recovery": {"mode": "approve", "allow_last": True}}}, extra=extra)
    before = pids(api)
    victim = next(iter(before))
    os.kill(before[victim], signal.SIGSTOP)
    action = wait_for("the wish", lambda: (a := api.worker(victim)["action"]) and a["state"] == "waiting_approval" and a, 60)
    asked = wait_for("the message", lambda: [a for m in hook.all() for a in m.alerts if a["reason"] == "approval_wanted"], 20)
    assert asked[0]["worker_id"] == victim
    assert asked[0]["annotations"]["action_id"] == action["action_id"]

    # A mail scanner opens the link: the dashboard's page, and nothing happens.
    page = requests.get(api.url + "/", timeout=10)
    assert page.status_code == 200
    assert api.request("GET", f"/health/workers/{victim}/approve", validate=False).status_code == 405
    assert api.worker(victim)["action"]["state"] == "waiting_approval"
    assert pids(api) == before

    wrong = api.post(f"/health/workers/{victim}/approve", {"action_id": "act-0"}, expect=409)
    assert "waits no longer" in wrong["detail"]
    said = api.post(f"/health/workers/{victim}/approve", {"action_id": action["action_id"], "reason": "looked at it"}, expect=202)
    assert said["action_id"] == action["action_id"]
    done = wait_for("the restart", lambda: (a := api.worker(victim)["action"]) and a["state"] == "succeeded" and a, 60)
    assert done["action_id"] == action["action_id"]
    assert moments(done)[:3] == ["requested", "approved", "sent"] and moments(done)[-1] == "ended"
    assert api.worker(victim)["pid"] != before[victim]
    assert not [a for a in api.get("/alerts")["alerts"] if a["reason"] == "approval_wanted"]
    shown = run(["restarts", victim, "--monitor", api.url])
    assert shown.returncode == 0 and "approved" in shown.stdout and "looked at it" in shown.stdout, shown
    hook.close()


def test_a_no_is_kept(world):
    _, _, api = fleet(world, 2, pools={"p": {"recovery": {"mode": "approve", "allow_last": True}}})
    before = pids(api)
    victim = next(iter(before))
    os.kill(before[victim], signal.SIGSTOP)
    wait_for("the wish", lambda: (a := api.worker(victim)["action"]) and a["state"] == "waiting_approval", 60)
    no = run(["reject", victim, "--reason", "I debug it", "--monitor", api.url])
    assert no.returncode == 0 and "rejected" in no.stdout, no
    worker = wait_for("the hold", lambda: (w := api.worker(victim))["held"] and "I debug it" in w["held"]["text"] and w, 20)
    assert worker["action"]["state"] == "abandoned" and moments(worker["action"]) == ["requested", "rejected", "ended"]
    assert run(["approve", victim, "--monitor", api.url]).returncode == 4
    os.kill(before[victim], signal.SIGCONT)
    wait_for("well again", lambda: api.worker(victim)["status"] == "healthy", 30)
    assert pids(api) == before


def test_a_pool_is_restarted_one_by_one_and_goes_on_after_the_monitor_was_killed(world):
    config, monitor, api = fleet(world, 4)
    before = pids(api)
    begun = api.post("/restarts/rolling", {"pool": "p", "reason": "new configuration"}, expect=202)
    roll = begun["id"]
    assert api.post("/restarts/rolling", {"pool": "p"}, expect=409)["status"] == 409
    wait_for("the first to be proven", lambda: api.get(f"/restarts/rolling/{roll}")["done"] >= 1, 60)
    monitor.stop(signal.SIGKILL)
    config["listen"] = api.url.split("//")[1]
    _, api = world.serve(config, name="serve-again")
    out = run(["rolling", "status", roll, "--wait", "--monitor", api.url], timeout=120)
    assert out.returncode == 0, out.stdout + out.stderr
    record = api.get(f"/restarts/rolling/{roll}")
    assert record["state"] == "finished" and record["done"] == 4, record
    after = pids(api)
    assert all(after[w] != before[w] for w in before)
    ours = [r for r in api.restarts() if r["rolling_id"] == roll]
    assert sorted(r["worker_id"] for r in ours) == sorted(before), "nobody twice"
    assert all(api.worker(w)["stops_used"] == 0 for w in before)
    spans = sorted((r["sent_at"], r["ended_at"]) for r in ours)
    assert all(a[1] <= b[0] for a, b in zip(spans, spans[1:])), spans
    assert api.metric("paramedic_rolling_restarts", state="finished") == 1


def test_pause_and_abort(world):
    _, _, api = fleet(world, 3)
    roll = api.post("/restarts/rolling", {"all": True, "at_once": "50%"}, expect=202)["id"]
    assert run(["rolling", "pause", roll, "--monitor", api.url]).returncode == 0
    wait_for("the pause to be shown", lambda: api.get(f"/restarts/rolling/{roll}")["state"] == "paused", 5)
    wait_for("what began to end", lambda: not api.get(f"/restarts/rolling/{roll}")["now"], 60)
    kept = pids(api)
    assert run(["rolling", "abort", roll, "--monitor", api.url]).returncode == 0
    wait_for("the end to be shown", lambda: [r["id"] for r in api.get("/restarts/rolling?state=aborted")["rolling_restarts"]] == [roll], 5)
    assert pids(api) == kept
    assert api.post("/restarts/rolling", {"pool": "p", "all": True}, expect=400)["status"] == 400
    assert api.post("/restarts/rolling", {"pool": "p", "at_once": "0%"}, expect=400)["status"] == 400
    assert api.get("/restarts/rolling/roll-0", expect=404)["status"] == 404
