"""The program of a worker is missing when it has to be started again, and comes back later."""
import os
import signal
import stat

from injection import PYTHON, VICTIM
from product import alive, wait_for


def stage_with_own_binary(stage_of, world):
    """Worker `tool` is started through a script of its own, which a deploy may forget; `calm` is not."""
    program = world.dir / "tool"
    program.write_text(f'#!/bin/sh\nexec {PYTHON} {VICTIM} "$@"\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    stage = stage_of([{"id": "tool", "command": [str(program), "tool", str(world.dir)]}, "calm"])
    return stage, program


def test_a_missing_binary_is_named_and_started_when_it_is_back(stage_of, world):
    stage, program = stage_with_own_binary(stage_of, world)
    hidden = program.rename(world.dir / "tool.hidden")
    os.kill(stage.pid("tool"), signal.SIGKILL)
    failed = wait_for("the failed start in the agent's log", lambda: "worker_start_failed " in stage.agent.log(), 20)
    assert failed and f"binary missing: {program}" in stage.agent.log(), stage.agent.log()[-2000:]
    action = wait_for("a failed action", lambda: (a := stage.api.restarts("tool")) and a[-1]["state"] == "failed" and a[-1], 30)
    assert action["kind"] == "start" and action["counted_start"], action
    assert "exit code 127, its command was not found" in action["outcome"], action
    ill = stage.api.worker("tool")
    assert ill["status"] == "critical" and ill["last_exit"]["code"] == 127, ill["last_exit"]
    assert len(stage.lives("tool")) == 1
    stage.untouched("calm")

    hidden.rename(program)
    wait_for("the start after its backoff", lambda: len(stage.lives("tool")) == 2, 60)
    stage.wait_healthy("tool")
    actions = stage.wait_actions("tool", 2)
    assert [a["state"] for a in actions][-1] == "succeeded" and set(a["state"] for a in actions[:-1]) == {"failed"}, actions
    assert len(stage.lives("tool")) == 2, "one start more than before"
    stage.wait_closed("tool")
    wait_for("its end told", lambda: stage.told("tool", kind="resolved"), 20)
    assert stage.told("tool", kind="resolved")[-1].firing_count == 0
    stage.untouched("calm")


def test_a_ladder_that_cannot_start_says_why_and_the_worker_is_not_left_down(stage_of, world):
    stage, program = stage_with_own_binary(stage_of, world)
    old = stage.pid("tool")
    hidden = program.rename(world.dir / "tool.hidden")
    answer = stage.api.post("/health/workers/tool/restart", {"reason": "new release"})
    action, *_ = stage.wait_actions("tool", 1)
    assert action["action_id"] == answer["action_id"] and action["state"] == "failed" and action["by_operator"], action
    assert f"binary missing: {program}" in action["outcome"], action
    assert not alive(old)
    hidden.rename(program)
    wait_for("the start after its backoff", lambda: len(stage.lives("tool")) == 2, 90)
    stage.wait_healthy("tool")
    assert stage.wait_actions("tool", 2)[-1]["state"] == "succeeded"
    stage.wait_closed("tool")
    stage.quiet(2)
    assert len(stage.lives("tool")) == 2
    stage.untouched("calm")
