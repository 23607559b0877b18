"""Living but ill: a stopped process, a task that never ends, a leak, a model that does not load. Each restarted once and proven."""
import os
import signal
from datetime import datetime

from injection import Stage
from product import alive, reasons, wait_for


def assert_one_cured_illness(stage, worker_id, reason, kind="restart"):
    """The whole story of one illness that one restart cured; returns the action."""
    first, *_ = stage.lives(worker_id)
    action, = stage.wait_actions(worker_id, 1)
    assert action["state"] == "succeeded" and action["kind"] == kind and action["reason"] == reason, action
    assert action["counted_stop"] and not action["counted_start"] and action["actor"] == "paramedic"
    assert action["incarnation"] != action["new_incarnation"] == stage.api.worker(worker_id)["incarnation"]
    assert action["requested_at"] <= action["sent_at"] <= action["verify_since"] <= action["ended_at"], action
    assert len(stage.lives(worker_id)) == 2 and not alive(first), "one illness, one restart"
    stage.wait_healthy(worker_id)
    incident, = stage.wait_closed(worker_id)
    kinds = [entry["kind"] for entry in incident["timeline"]]
    assert kinds.count("acted") == 1 and kinds.index("detected") < kinds.index("acted") < kinds.index("verified"), incident
    now = stage.api.worker(worker_id)
    assert now["stops_used"] == 1 and now["crashes"] == 0 and now["held"] is None, "our own stop is no crash"
    wait_for("its end told", lambda: stage.told(worker_id, kind="resolved"), 20)
    assert len(stage.told(worker_id, kind="firing")) == len(stage.told(worker_id, kind="resolved")) == 1, stage.told(worker_id)
    return action


def test_a_stopped_process_is_restarted_although_term_cannot_reach_it(stage_of):
    stage = stage_of(["frozen", "calm-1", "calm-2"], checks={"heartbeat": {"warning_after": "3m", "critical_after": "5m", "stopped_after": "3s"}})
    os.kill(stage.pid("frozen"), signal.SIGSTOP)
    action = assert_one_cured_illness(stage, "frozen", "stopped")
    # TERM is followed by CONT, so the process ends by TERM and nobody has to wait for KILL.
    assert stage.api.worker("frozen")["last_exit"] is None or stage.api.worker("frozen")["last_exit"]["signal"] in (None, 15), action
    stage.untouched("calm-1", "calm-2")


def test_a_silent_worker_is_restarted_by_its_own_voice_alone(stage_of):
    stage = stage_of(["mute", "calm"], checks={"heartbeat": {"warning_after": "2s", "critical_after": "4s", "stopped_after": "10m"}})
    os.kill(stage.pid("mute"), signal.SIGSTOP)
    assert_one_cured_illness(stage, "mute", "silent")
    stage.untouched("calm")


def test_a_task_that_never_ends_is_found_while_the_voice_goes_on(stage_of):
    stage = stage_of(["painter", "calm"], checks={"task_performance": {"task_limits": {"render": "4s"}}})
    for worker_id in ("painter", "calm"):
        stage.order(worker_id, "work", when="always")
        stage.order(worker_id, "work")
    wait_for("tasks", lambda: sum(t["completed"] for t in stage.api.worker("painter")["tasks"]) > 3, 20)
    stage.order("painter", "hang_task")
    ill = wait_for("the finding", lambda: "hung_task" in reasons(w := stage.api.worker("painter"), "critical") and w, 30)
    cause = reasons(ill)["hung_task"]
    assert cause["subject"] == "render" or "render" in cause["message"], cause
    assert ill["voice_age_seconds"] < 3, "its heartbeat never stopped"
    action = assert_one_cured_illness(stage, "painter", "hung_task")
    assert action["outcome"] == "it takes tasks", "work is the proof, not a sign of life"
    stage.untouched("calm")


def test_a_leak_is_drained_and_restarted_at_its_own_limit(stage_of):
    leaker = {"id": "leaker", "memory_limit_mb": 120}
    stage = stage_of([leaker, {"id": "calm", "memory_limit_mb": 120}], recovery={"drain": "1s", "max_drain": "5s"})
    stage.order("leaker", "leak 4")
    wait_for("its memory to grow", lambda: stage.api.worker("leaker")["metrics"].get("memory_percent", 0) > 60, 40)
    action = assert_one_cured_illness(stage, "leaker", "memory_high", "drain_restart")
    first = stage.lives("leaker")[0]
    assert stage.words("leaker") == [(first, "drain")], "asked to drain once, before TERM"
    took = datetime.fromisoformat(action["verify_since"].replace("Z", "+00:00")) - datetime.fromisoformat(action["sent_at"].replace("Z", "+00:00"))
    assert took.total_seconds() >= 1, f"it had its second to drain: {action}"
    assert stage.api.worker("leaker")["metrics"]["memory_percent"] < 60
    stage.untouched("calm")


def test_a_model_that_fails_to_load_is_loaded_by_the_next_life(stage_of):
    stage = stage_of(["gpu-1", "gpu-2"])
    for worker_id in ("gpu-1", "gpu-2"):
        stage.order(worker_id, "model ready", when="always")
        stage.order(worker_id, "model ready")
    wait_for("both models", lambda: all(stage.api.worker(w)["models"] for w in ("gpu-1", "gpu-2")), 20)
    stage.order("gpu-1", "model failed")
    ill = wait_for("the finding", lambda: "model_failed" in reasons(w := stage.api.worker("gpu-1"), "critical") and w, 20)
    assert "out of memory on cuda:0" in str(ill["models"]), ill["models"]
    assert_one_cured_illness(stage, "gpu-1", "model_failed")
    model, = stage.api.worker("gpu-1")["models"]
    assert model["state"] == "ready" and model["error"] is None, model
    stage.untouched("gpu-2")


def test_a_model_that_never_loads_ends_in_quarantine(stage_of):
    stage = stage_of(["gpu-1", "gpu-2"], recovery={"stops_per_worker": 2, "verify_proof": "3s", "verify_grace": "3s", "verify_grace_model": "3s", "quarantine_retry": "1h"})
    stage.order("gpu-1", "model failed", when="always")
    stage.order("gpu-1", "model failed")
    wait_for("quarantine", lambda: stage.api.worker("gpu-1")["state"] == "quarantined", 90)
    actions = stage.wait_actions("gpu-1", 2)
    assert len(actions) == 2 and [a["state"] for a in actions] == ["failed", "failed"], actions
    assert all("critical" in a["outcome"] for a in actions), actions
    lives = len(stage.lives("gpu-1"))
    assert lives == 3, "two restarts did not help; then it is left alone"
    hold = stage.api.worker("gpu-1")["held"]
    assert hold["code"] == "quarantined" and hold["until"], hold
    wait_for("the page", lambda: any(a["rule"] == "quarantined" and a["severity"] == "critical" for m in stage.told("gpu-1") for a in m.alerts))
    stage.quiet(3)
    assert len(stage.lives("gpu-1")) == lives
    # Repaired from outside, and released: the next restart is allowed again and cures it.
    stage.countermand("gpu-1")
    stage.api.post("/health/workers/gpu-1/release", {"reason": "new weights"})
    actions = stage.wait_actions("gpu-1", 3)
    assert actions[-1]["state"] == "succeeded", actions
    stage.wait_closed("gpu-1")
    stage.untouched("gpu-2")
