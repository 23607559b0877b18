"""Processes that do not want to go: a leader that ignores TERM, children that ignore it, a group that forks while it is ended."""
import os
import signal
from pathlib import Path

from injection import Stage  # noqa: F401  (the fixture's class, for readers)
from product import alive, wait_for


def group(leader):
    """Living members of the process group that `leader` led."""
    members = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[2]) == leader and fields[0] not in "ZX":
            members.append(int(entry.name))
    return members


def steps(stage, action_id):
    """The steps of a ladder in the words of the agent's log."""
    lines = [line for line in stage.agent.log().splitlines() if " ladder_step " in line and f"action={action_id}" in line]
    return [dict(word.split("=", 1) for word in line.split() if "=" in word)["step"] for line in lines]


def assert_restarted_once(stage, worker_id, old, kind="restart"):
    action, = stage.wait_actions(worker_id, 1)
    assert action["kind"] == kind and action["state"] == "succeeded", action
    assert len(stage.lives(worker_id)) == 2 and stage.pid(worker_id) != old and not alive(old)
    assert group(old) == [], f"left of the old life: {group(old)}"
    stage.wait_healthy(worker_id)
    if action["by_operator"]:
        assert stage.incidents(worker_id) == [] and stage.told(worker_id) == [], "what a person asked for is no incident"
    else:
        stage.wait_closed(worker_id)
    return action


def test_a_worker_that_ignores_term_is_killed_after_its_grace(stage_of):
    stage = stage_of(["stubborn", "calm"], checks={"heartbeat": {"warning_after": "2s", "critical_after": "4s", "stopped_after": "3s"}})
    old = stage.pid("stubborn")
    stage.order("stubborn", "ignore 15")
    wait_for("it to ignore TERM", lambda: stage.words("stubborn"), 20)
    os.kill(old, signal.SIGSTOP)
    action = assert_restarted_once(stage, "stubborn", old)
    assert steps(stage, action["action_id"]) == ["accepted", "diagnostics", "term", "kill", "start"]
    exited = [line for line in stage.agent.log().splitlines() if " worker_exited " in line and f"pid={old}" in line]
    assert len(exited) == 1 and "signal 9" in exited[0], exited
    assert stage.api.worker("stubborn")["crashes"] == 0, "a kill of ours is no crash"
    stage.untouched("calm")


def test_a_worker_that_obeys_but_whose_children_do_not(stage_of):
    stage = stage_of(["parent", "calm"])
    old = stage.pid("parent")
    stage.order("parent", "children 3")
    wait_for("its children", lambda: len(group(old)) == 4, 20)
    answer = stage.api.post("/health/workers/parent/restart", {"reason": "test"})
    action = assert_restarted_once(stage, "parent", old, kind="drain_restart")
    assert action["action_id"] == answer["action_id"]
    assert steps(stage, action["action_id"])[-2:] == ["kill", "start"], "what is left of the group is killed before the start"
    assert len(group(stage.pid("parent"))) == 1
    stage.untouched("calm")


def test_fifty_children_that_ignore_term_and_fork_are_gone_after_a_restart(stage_of):
    stage = stage_of(["bomb", "calm"])
    old = stage.pid("bomb")
    stage.order("bomb", "children 50 5")
    wait_for("fifty children", lambda: len(group(old)) == 51, 30)
    stage.order("bomb", "ignore 15")
    wait_for("it to ignore TERM", lambda: len(stage.words("bomb")) == 2, 20)
    stage.api.post("/health/workers/bomb/restart", {"reason": "test"})
    action = assert_restarted_once(stage, "bomb", old, kind="drain_restart")
    assert "kill" in steps(stage, action["action_id"])
    stage.quiet(1)
    assert group(old) == [] and len(group(stage.pid("bomb"))) == 1
    stage.untouched("calm")


def test_fifty_orphans_of_a_crash_are_gone_before_the_next_life_begins(stage_of):
    stage = stage_of(["bomb", "calm"])
    old = stage.pid("bomb")
    stage.order("bomb", "children 50 5")
    wait_for("fifty children", lambda: len(group(old)) == 51, 30)
    os.kill(old, signal.SIGKILL)
    assert_restarted_once(stage, "bomb", old, kind="start")
    log = stage.agent.log()
    assert log.count("worker_leftovers ") == 1 and log.index("worker_leftovers ") < log.rindex("worker_started "), log[-3000:]
    assert stage.api.worker("bomb")["crashes"] == 1
    stage.untouched("calm")
