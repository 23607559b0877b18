"""The agent: its own death, its clean end, the monitor's death in the middle of a ladder."""
import os
import signal
import time

import pytest
from product import agent_config, alive, command_line, free_port, marked_processes, monitor_config, wait_for

COUNT = 3


def sleepers(count=COUNT, **more):
    return [{"id": "w-%i", "count": count, "pool": "p", "command": ["sh", "-c", "while :; do sleep 0.3; done"], **more}]


def pids_of(api, count=COUNT):
    workers = api.workers()
    pids = {w: v["pid"] for w, v in workers.items() if v["status"] == "healthy" and v["pid"]}
    return len(pids) == count and pids


def copies(world):
    """Shells that run as workers: what the agent started, and nothing else."""
    return [p for p in marked_processes(world.mark) if "while :; do sleep" in command_line(p)]


@pytest.mark.parametrize("program", ["small", "all-in-one"])
def test_kill_9_and_start_again_adopts_every_worker(world, program):
    _, api = world.serve()
    config = agent_config(world.dir / "agent", api.url, sleepers())
    agent = world.agent(config, program=program)
    pids = wait_for("three healthy workers", lambda: pids_of(api), 40)
    assert agent.stop(signal.SIGKILL) == -signal.SIGKILL
    wait_for("the monitor to know nothing of them", lambda: api.get("/health/summary")["unknown_workers"] == COUNT, 20)
    assert api.get("/health/summary")["critical_workers"] == 0, "a silent agent makes no worker ill"
    assert all(alive(p) for p in pids.values())
    agent = world.agent(config, name="agent-again", program=program)
    again = wait_for("the same workers", lambda: pids_of(api), 40)
    assert again == pids
    assert sorted(copies(world)) == sorted(pids.values()), "no second copy"
    assert api.restarts() == []
    # Adopted, not forgotten: a death is still seen and cured, though without an exit code.
    os.kill(pids["w-1"], signal.SIGKILL)
    wait_for("a successor", lambda: (p := pids_of(api)) and p["w-1"] != pids["w-1"], 30)
    assert agent.stop(timeout=30) == 0
    wait_for("on_exit: stop takes the workers along", lambda: not copies(world), 10)


def test_a_clean_end_may_leave_the_workers(world):
    _, api = world.serve()
    config = agent_config(world.dir / "agent", api.url, sleepers(), on_exit="leave")
    agent = world.agent(config)
    pids = wait_for("three healthy workers", lambda: pids_of(api), 40)
    assert agent.stop() == 0
    time.sleep(1)
    assert sorted(copies(world)) == sorted(pids.values())
    world.agent(config, name="agent-again")
    assert wait_for("the same workers", lambda: pids_of(api), 40) == pids


def test_goes_on_without_a_monitor(world):
    port = free_port()
    monitor, api = world.serve(port=port)
    world.agent(agent_config(world.dir / "agent", api.url, sleepers()))
    pids = wait_for("three healthy workers", lambda: pids_of(api), 40)
    assert monitor.stop() == 0
    os.kill(pids["w-2"], signal.SIGKILL)
    wait_for("the agent to start it alone", lambda: len(copies(world)) == COUNT and pids["w-2"] not in copies(world), 20)
    _, api = world.serve(name="serve-again", port=port)
    again = wait_for("all three, as they are now", lambda: pids_of(api), 40)
    assert {w for w in pids if pids[w] != again[w]} == {"w-2"}
    wait_for("the crash to be counted once", lambda: api.worker("w-2")["crashes"] == 1, 20)


def test_a_ladder_is_finished_when_the_monitor_dies(world):
    port = free_port()
    stubborn = [{"id": "w-1", "pool": "p", "term_grace": "2s", "command": ["sh", "-c", "trap '' TERM; while :; do sleep 0.3; done"]},
                {"id": "w-2", "pool": "p", "command": ["sh", "-c", "while :; do sleep 0.3; done"]}]
    config = monitor_config(world.dir / "monitor", port)
    config["pools"]["default"]["recovery"].update({"drain": "0s", "term_grace": "3s"})
    monitor, api = world.serve(config)
    world.agent(agent_config(world.dir / "agent", api.url, stubborn))
    pids = wait_for("two healthy workers", lambda: pids_of(api, 2), 40)
    answer = api.post("/health/workers/w-1/restart", {"reason": "test"})
    assert answer["success"] and answer["action_id"]
    wait_for("the ladder to begin", lambda: api.restarts("w-1")[0]["state"] == "running", 10, 0.02)
    monitor.stop(signal.SIGKILL)
    wait_for("the old one to be killed and a new one to run",
             lambda: not alive(pids["w-1"]) and len(copies(world)) == 2, 30)
    _, api = world.serve(config, name="serve-again")
    again = wait_for("both healthy", lambda: pids_of(api, 2), 40)
    assert again["w-1"] != pids["w-1"] and again["w-2"] == pids["w-2"]
    action = wait_for("the action to end well", lambda: (a := api.restarts("w-1")[0])["state"] == "succeeded" and a, 40)
    assert action["action_id"] == answer["action_id"], "one action, not two"
    assert len(api.restarts("w-1")) == 1


def test_a_person_may_restart_drain_and_quarantine(world):
    _, api = world.serve()
    world.agent(agent_config(world.dir / "agent", api.url, sleepers(drain_signal="USR1", resume_signal="USR2", command=[
        "sh", "-c", "trap : USR1 USR2; while :; do sleep 0.3; done"])))
    pids = wait_for("three healthy workers", lambda: pids_of(api), 40)
    answer = api.post("/health/workers/w-1/restart", {"reason": "because"}, expect=202)
    assert answer["running"]
    wait_for("a new process", lambda: (p := pids_of(api)) and p["w-1"] != pids["w-1"], 30)
    wait_for("its success", lambda: api.restarts("w-1")[0]["state"] == "succeeded", 30)
    assert api.worker("w-1")["stops_used"] == 0, "a person's restart is not counted"
    for verb, state in (("drain", "draining"), ("resume", "running"), ("quarantine", "quarantined"), ("release", "running")):
        api.post(f"/health/workers/w-2/{verb}", {"reason": "test"})
        wait_for(f"w-2 {state} after {verb}", lambda: api.worker("w-2")["state"] == state, 20)  # noqa: B023
    api.post("/recovery/freeze", {"reason": "test"})
    refused = api.post("/health/workers/w-3/restart", {"reason": "no"}, expect=(409, 403))
    assert "force" in refused["detail"]
    os.kill(pids["w-3"], signal.SIGKILL)
    wait_for("the dead one to be held back", lambda: (h := api.worker("w-3")["held"]) and h["code"] == "big_switch", 20)
    assert api.metric("paramedic_recovery_held") == 1
    api.post("/recovery/thaw", {"reason": "test"})
    wait_for("all three again", lambda: pids_of(api), 40)
    verbs = {a["verb"] for a in api.get("/audit")["audit"]}
    assert {"restart", "drain", "freeze", "thaw"} <= verbs
