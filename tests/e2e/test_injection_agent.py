"""The agent is killed with -9: what it supervised lives on, what died meanwhile is started once, ladders are finished."""
import os
import random
import signal
import time

from product import alive, marked_processes, wait_for

SEED = 20261129


def copies(stage, worker_id):
    """Living processes that run as this worker."""
    found = []
    for pid in marked_processes(stage.world.mark):
        try:
            line = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\0")
        except OSError:
            continue
        if b"victim.py" in b"".join(line) and worker_id.encode() in line:
            found.append(pid)
    return found


def test_a_death_while_nobody_watches_is_cured_once_by_the_next_agent(stage_of):
    stage = stage_of(["w-1", "w-2", "w-3"])
    pids = {w: stage.pid(w) for w in ("w-1", "w-2", "w-3")}
    stage.agent.stop(signal.SIGKILL)
    assert all(alive(p) for p in pids.values()), "the workers outlive their agent"
    os.kill(pids["w-1"], signal.SIGKILL)
    os.kill(pids["w-2"], signal.SIGSTOP)
    wait_for("the monitor to know nothing", lambda: stage.api.get("/health/summary")["unknown_workers"] == 3, 30)
    assert stage.api.restarts() == []
    os.kill(pids["w-2"], signal.SIGCONT)
    stage.start_agent("agent-again")
    stage.wait_healthy("w-1", "w-2", "w-3")
    action, = stage.wait_actions("w-1", 1)
    assert action["kind"] == "start" and action["state"] == "succeeded", action
    assert stage.api.worker("w-1")["last_exit"]["unknown_cause"], "nobody saw how it died"
    assert stage.api.worker("w-1")["crashes"] == 1 and len(stage.lives("w-1")) == 2
    assert {w: stage.lives(w) for w in ("w-2", "w-3")} == {w: [pids[w]] for w in ("w-2", "w-3")}, "adopted, not started"
    for worker_id in pids:
        assert copies(stage, worker_id) == [stage.pid(worker_id)]
    wait_for("all alerts to end", lambda: not stage.api.get("/alerts")["alerts"], 40)
    # A cure that is proven in the step that tells of the death opens no incident.
    wait_for("no incident to stay open", lambda: all(i["ended_at"] for i in stage.api.incidents()), 40)


def test_a_ladder_of_a_killed_agent_is_finished_by_the_next_one(stage_of):
    stage = stage_of([{"id": "w-1", "term_grace": "3s"}, "w-2"], recovery={"term_grace": "3s"})
    old = stage.pid("w-1")
    stage.order("w-1", "ignore 15")
    wait_for("it to ignore TERM", lambda: stage.words("w-1"), 20)
    answer = stage.api.post("/health/workers/w-1/restart", {"reason": "test"})
    wait_for("TERM", lambda: stage.api.restarts("w-1")[0]["step"] == "term", 20, 0.01)
    stage.agent.stop(signal.SIGKILL)
    assert alive(old), "killed between TERM and KILL"
    stage.start_agent("agent-again")
    action, = stage.wait_actions("w-1", 1)
    assert action["action_id"] == answer["action_id"] and action["state"] == "succeeded", action
    assert not alive(old) and len(stage.lives("w-1")) == 2 and copies(stage, "w-1") == [stage.pid("w-1")]
    assert "ladder_resumed " in stage.agent.log()
    stage.wait_healthy("w-1", "w-2")
    assert stage.api.worker("w-1")["crashes"] == 0 and len(stage.lives("w-2")) == 1


def test_a_backoff_is_not_shortened_by_killing_the_agent(stage_of):
    stage = stage_of(["w-1", "w-2"], recovery={"backoff_first": "10s"})
    os.kill(stage.pid("w-1"), signal.SIGKILL)
    wait_for("the first start, at once", lambda: len(stage.lives("w-1")) == 2, 20)
    stage.wait_healthy("w-1")
    os.kill(stage.pid("w-1"), signal.SIGKILL)
    died = time.monotonic()
    wait_for("the agent to wait", lambda: "worker_waits " in stage.agent.log(), 20)
    stage.agent.stop(signal.SIGKILL)
    stage.start_agent("agent-again")
    wait_for("the second start", lambda: len(stage.lives("w-1")) == 3, 60)
    assert time.monotonic() - died >= 9.9, "the second crash waits 10 s, whoever waits"
    stage.wait_healthy("w-1", "w-2")
    assert [a["state"] for a in stage.wait_actions("w-1", 2)][-1] == "succeeded"
    assert stage.api.worker("w-1")["crashes"] == 2 and len(stage.lives("w-2")) == 1


def test_kills_at_random_instants_leave_exactly_one_copy_of_each(stage_of):
    """Workers die and the agent is killed within the same milliseconds: between journal and start, too."""
    ids = [f"w-{i}" for i in range(1, 7)]
    stage = stage_of(ids)
    dice = random.Random(SEED)
    killed = {w: 0 for w in ids}
    for i, victim in enumerate(ids):
        os.kill(stage.pid(victim), signal.SIGKILL)
        killed[victim] += 1
        time.sleep(dice.uniform(0, 0.03))
        stage.agent.stop(signal.SIGKILL)
        stage.start_agent(f"agent-{i}")
        wait_for(f"{victim} again", lambda: len(copies(stage, victim)) == 1 and len(stage.lives(victim)) >= 2, 40)  # noqa: B023
    stage.wait_healthy(*ids)
    for worker_id in ids:
        assert copies(stage, worker_id) == [stage.pid(worker_id)], "exactly one"
        assert len(stage.lives(worker_id)) == 1 + killed[worker_id], "one start per death"
        actions = stage.wait_actions(worker_id, 1)
        assert len(actions) == 1 and actions[0]["state"] == "succeeded", actions
        assert stage.api.worker(worker_id)["crashes"] == 1
