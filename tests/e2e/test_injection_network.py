"""The network between agent and monitor is cut and healed, in both kinds: refused, and dead without a word."""
import os
import signal
import time

import pytest
from cable import Cable
from injection import Stage
from product import alive, free_port, wait_for

COUNT = 4
IDS = [f"w-{i}" for i in range(1, COUNT + 1)]
SEVER = {"refused": Cable.cut, "dead": Cable.swallow}


@pytest.fixture
def cable():
    made = Cable(free_port())
    yield made
    made.close()


# A worker may be silent for longer than its agent (10 s), as by default.
PATIENT = {"heartbeat": {"warning_after": "30s", "critical_after": "60s", "stopped_after": "60s"}}


def connected_stage(stage_of, cable, checks=None):
    stage = stage_of(IDS, url=cable.url, port=cable.target[1], checks=checks or PATIENT)
    assert cable.accepted >= 1, "the agent speaks through the cable"
    return stage


def sever(stage, cable, kind):
    """Cut, and waited for until the monitor knows nothing of the workers any more."""
    SEVER[kind](cable)
    wait_for("the monitor to know nothing", lambda: stage.api.get("/health/summary")["unknown_workers"] == len(stage.specs), 40)


@pytest.mark.parametrize("kind", list(SEVER))
def test_a_cut_restarts_nobody_and_is_told_once_for_the_host(stage_of, cable, kind):
    stage = connected_stage(stage_of, cable)
    pids = {w: stage.pid(w) for w in IDS}
    sever(stage, cable, kind)
    told = wait_for("one message about the host", lambda: stage.hook.all(kind="firing"), 40)
    assert len(told) == 1 and told[0].severity == "critical" and told[0].alerts[0]["rule"] == "host_silent", told
    # As long as it lasts: unknown, not ill, and nothing wanted.
    for _ in range(10):
        workers = stage.api.workers()
        assert {w["status"] for w in workers.values()} == {"unknown"}, workers
        assert all(w["action"] is None for w in workers.values())
        time.sleep(0.3)
    cable.heal()
    stage.wait_healthy(*IDS)
    assert {w: stage.pid(w) for w in IDS} == pids and all(alive(p) for p in pids.values())
    wait_for("its end told", lambda: stage.hook.all(kind="resolved"), 30)
    assert stage.api.restarts() == [] and len(stage.hook.all(kind="firing")) == 1
    for worker_id in IDS:
        assert stage.lives(worker_id) == [pids[worker_id]] and stage.api.worker(worker_id)["crashes"] == 0
    host = [i for i in stage.api.incidents() if i["scope"] not in [f"worker/{w}" for w in IDS]]
    assert len(host) == 1 and not host[0]["open"] and len(stage.api.incidents()) == 1, stage.api.incidents()


@pytest.mark.parametrize("kind", list(SEVER))
def test_a_crash_behind_a_cut_is_started_by_the_lease_and_counted_once(stage_of, cable, kind):
    stage = connected_stage(stage_of, cable)
    sever(stage, cable, kind)
    begun = time.monotonic()
    os.kill(stage.pid("w-1"), signal.SIGKILL)
    wait_for("its next life, without the monitor", lambda: len(stage.lives("w-1")) == 2, 20)
    assert stage.api.worker("w-1")["status"] == "unknown" and stage.api.restarts() == [], "the monitor knows nothing of it"
    print(f"{kind}: started {time.monotonic() - begun:.2f} s after the kill")
    time.sleep(2)
    cable.heal()
    stage.wait_healthy(*IDS)
    action, = stage.wait_actions("w-1", 1)
    assert action["kind"] == "start" and action["state"] == "succeeded" and action["counted_start"], action
    assert action["new_incarnation"] == stage.api.worker("w-1")["incarnation"]
    assert stage.api.worker("w-1")["crashes"] == 1 and len(stage.lives("w-1")) == 2
    assert action["requested_at"] < stage.api.worker("w-1")["last_report"], "told late, dated when it was"
    wait_for("all alerts to end", lambda: not stage.api.get("/alerts")["alerts"], 40)
    assert all(not i["open"] for i in stage.api.incidents())
    for worker_id in IDS[1:]:
        assert len(stage.lives(worker_id)) == 1 and stage.api.restarts(worker_id) == []


@pytest.mark.parametrize("kind", list(SEVER))
def test_a_ladder_behind_a_cut_is_finished_and_told_once(stage_of, cable, kind):
    stage = connected_stage(stage_of, cable)
    stage.order("w-1", "ignore 15")
    wait_for("it to ignore TERM", lambda: stage.words("w-1"), 20)
    answer = stage.api.post("/health/workers/w-1/restart", {"reason": "test"})
    wait_for("TERM", lambda: stage.api.restarts("w-1")[0]["step"] == "term", 20, 0.01)
    SEVER[kind](cable)
    wait_for("the next life, without the monitor", lambda: len(stage.lives("w-1")) == 2, 20)
    assert stage.ended_actions("w-1") is None, "the monitor waits for its word"
    time.sleep(1)
    cable.heal()
    action, = stage.wait_actions("w-1", 1)
    assert action["action_id"] == answer["action_id"] and action["state"] == "succeeded", action
    stage.wait_healthy(*IDS)
    assert len(stage.lives("w-1")) == 2 and stage.api.worker("w-1")["crashes"] == 0
    for worker_id in IDS[1:]:
        assert len(stage.lives(worker_id)) == 1 and stage.api.restarts(worker_id) == []


def test_a_dead_line_makes_silent_workers_but_stops_none(stage_of, cable):
    """With limits shorter than the agent's: what looks ill behind a dead line is held until the agent speaks again."""
    stage = connected_stage(stage_of, cable, checks={"heartbeat": {"warning_after": "3s", "critical_after": "5s", "stopped_after": "60s"}})
    pids = {w: stage.pid(w) for w in IDS}
    cable.swallow()
    held = wait_for("a stop that is held", lambda: (h := stage.api.worker("w-1")["held"]) and h["code"] == "source_away" and h, 20)
    assert "its agent has not spoken lately" in held["text"], held
    wait_for("the monitor to know nothing", lambda: stage.api.get("/health/summary")["unknown_workers"] == COUNT, 40)
    cable.heal()
    stage.wait_healthy(*IDS)
    stage.quiet(3)
    assert stage.api.restarts() == [] and {w: stage.lives(w) for w in IDS} == {w: [pids[w]] for w in IDS}


def test_a_line_that_comes_and_goes_restarts_nobody(stage_of, cable):
    stage = connected_stage(stage_of, cable)
    pids = {w: stage.pid(w) for w in IDS}
    for i in range(8):
        (cable.cut if i % 2 else cable.swallow)()
        time.sleep(0.7)
        cable.heal()
        time.sleep(0.7)
    stage.wait_healthy(*IDS)
    assert stage.api.restarts() == [] and stage.hook.all() == [], "too short to tell anybody"
    assert {w: stage.pid(w) for w in IDS} == pids and all(len(stage.lives(w)) == 1 for w in IDS)
    assert stage.api.incidents() == []
