"""The monitor is killed with -9 while a remedy of its own is under way: the ladder goes on and nobody is restarted twice."""
import os
import signal
import time

import pytest
from product import alive, wait_for

BEATS = {"heartbeat": {"warning_after": "2s", "critical_after": "4s", "stopped_after": "3s", "start_grace": "20s"}}


def make_ill(stage, worker_id):
    """Ignores TERM and stops, so that its ladder takes seconds."""
    stage.order(worker_id, "ignore 15")
    wait_for("it to ignore TERM", lambda: stage.words(worker_id), 20)
    os.kill(stage.pid(worker_id), signal.SIGSTOP)


def assert_one_whole_story(stage, worker_id, old, action_id, outcome="succeeded"):
    action, = stage.wait_actions(worker_id, 1)
    assert action["action_id"] == action_id and action["state"] == outcome, action
    assert action["sent_at"] and action["verify_since"] and action["ended_at"] and action["counted_stop"], action
    assert len(stage.lives(worker_id)) == 2 and not alive(old)
    stage.wait_healthy(worker_id)
    stage.quiet(4)
    assert len(stage.lives(worker_id)) == 2 and len(stage.api.restarts(worker_id)) == 1, "restarted once"
    worker = stage.api.worker(worker_id)
    assert worker["stops_used"] == 1 and worker["crashes"] == 0, "the budget was spent once"
    incident, = stage.wait_closed(worker_id)
    assert [e["kind"] for e in incident["timeline"]].count("acted") == 1, incident
    assert len(stage.told(worker_id, kind="firing")) == 1, stage.told(worker_id)


@pytest.mark.parametrize("step", ["accepted", "term", "verify"])
def test_an_automatic_restart_survives_the_monitor(stage_of, step):
    stage = stage_of(["ill", "calm-1", "calm-2"], checks=BEATS, recovery={"verify_alive": "4s"})
    old = stage.pid("ill")
    make_ill(stage, "ill")
    order = ["accepted", "diagnostics", "drain", "term", "kill", "start", "verify"]
    begun = wait_for(f"step {step}", lambda: (a := stage.api.restarts("ill")) and order.index(a[0]["step"]) >= order.index(step) and a[0], 60, 0.01)
    stage.monitor.stop(signal.SIGKILL)
    wait_for("the next life, without the monitor", lambda: len(stage.lives("ill")) == 2, 30)
    stage.start_monitor("serve-again")
    assert_one_whole_story(stage, "ill", old, begun["action_id"])
    incident, = stage.wait_closed("ill")
    diagnosed, = [e["text"] for e in incident["timeline"] if e["kind"] == "diagnosed"]
    assert "state T" in diagnosed, "what it did before it was killed is told once, whoever was there to hear it"
    for worker_id in ("calm-1", "calm-2"):
        assert len(stage.lives(worker_id)) == 1 and stage.api.restarts(worker_id) == []


def test_kills_again_and_again_during_one_ladder(stage_of):
    """Five lives of the monitor see parts of one ladder; the agent performs it once."""
    stage = stage_of(["ill", "calm"], checks=BEATS, recovery={"term_grace": "4s", "verify_alive": "4s"})
    old = stage.pid("ill")
    make_ill(stage, "ill")
    begun = wait_for("the ladder", lambda: stage.api.restarts("ill"), 60, 0.01)[0]
    for i in range(5):
        stage.monitor.stop(signal.SIGKILL)
        stage.start_monitor(f"serve-{i}")
        time.sleep(0.5 * i)
    assert_one_whole_story(stage, "ill", old, begun["action_id"])
    assert len(stage.lives("calm")) == 1 and stage.api.restarts("calm") == []


def test_what_a_worker_said_before_it_died_is_told_to_a_monitor_that_was_away(stage_of, world):
    out = world.dir / "out.log"
    stage = stage_of([{"id": "w", "stdout": str(out)}, "calm"], checks=BEATS)
    stage.monitor.stop(signal.SIGKILL)
    with open(out, "a") as file:
        file.write("KeyError: user\n")
    stage.order("w", "exit 3")
    wait_for("the next life, without the monitor", lambda: len(stage.lives("w")) == 2, 30)
    stage.start_monitor("serve-again")
    stage.wait_actions("w", 1)
    incident, = stage.wait_closed("w")
    assert [e["text"] for e in incident["timeline"] if e["kind"] == "diagnosed"] == ["w: its last words:\nKeyError: user"], incident
    assert len(stage.lives("w")) == 2
    stage.untouched("calm")


def test_a_worker_that_falls_ill_while_nobody_judges_is_restarted_afterwards_once(stage_of):
    stage = stage_of(["ill", "calm"], checks=BEATS)
    old = stage.pid("ill")
    stage.monitor.stop(signal.SIGKILL)
    make_ill(stage, "ill")
    time.sleep(6)
    assert alive(old) and len(stage.lives("ill")) == 1, "an agent never stops anybody by itself"
    stage.start_monitor("serve-again")
    action, = stage.wait_actions("ill", 1)
    assert action["state"] == "succeeded" and action["kind"] == "restart", action
    assert len(stage.lives("ill")) == 2 and stage.api.worker("ill")["stops_used"] == 1
    stage.wait_closed("ill")
    assert len(stage.lives("calm")) == 1 and stage.api.restarts("calm") == []
