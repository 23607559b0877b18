"""Crashes: by signal, exit code and the kernel's memory limit; a crash loop. One start per death, one story, no neighbour touched."""
import os
import signal
import time
import uuid
from pathlib import Path

import pytest
from injection import PYTHON, VICTIM, Stage
from product import wait_for


def assert_one_cured_crash(stage, worker_id, exit_words, **last_exit):
    """The whole story of one crash that a second life cured."""
    action, = stage.wait_actions(worker_id, 1)
    assert action["kind"] == "start" and action["state"] == "succeeded" and action["reason"] == "exited", action
    assert action["counted_start"] and not action["counted_stop"] and not action["by_operator"]
    assert action["incarnation"] != action["new_incarnation"] == stage.api.worker(worker_id)["incarnation"]
    assert action["verify_since"] and action["outcome"], action
    assert len(stage.lives(worker_id)) == 2, "one death, one start"
    incident, = stage.wait_closed(worker_id)
    assert incident["severity"] == "info", "a crash that is cured wakes nobody"
    detected = next(e["text"] for e in incident["timeline"] if e["kind"] == "detected")
    assert exit_words in detected + str(incident["timeline"]), incident["timeline"]
    now = stage.api.worker(worker_id)
    assert now["crashes"] == 1 and now["stops_used"] == 0 and now["held"] is None
    assert {**now["last_exit"], **last_exit} == now["last_exit"], now["last_exit"]
    wait_for("its end told", lambda: stage.told(worker_id, kind="resolved"), 20)
    assert [m.kind for m in stage.told(worker_id)] == ["firing", "resolved"], stage.told(worker_id)


def test_a_signal_and_an_exit_code_are_told_as_they_were(stage_of):
    stage = stage_of(["segv", "code", "killed", "calm"])
    injuries = {"segv": lambda: stage.order("segv", f"signal {int(signal.SIGSEGV)}"),
                "code": lambda: stage.order("code", "exit 3"),
                "killed": lambda: os.kill(stage.pid("killed"), signal.SIGKILL)}
    for worker_id, hurt in injuries.items():  # one after the other: what dies together waits longer
        hurt()
        stage.wait_actions(worker_id, 1)
    assert_one_cured_crash(stage, "segv", "signal 11", signal=11, code=None, oom=False, unknown_cause=False)
    assert_one_cured_crash(stage, "code", "exit code 3", signal=None, code=3, oom=False, unknown_cause=False)
    assert_one_cured_crash(stage, "killed", "signal 9", signal=9, code=None, oom=False, unknown_cause=False)
    stage.untouched("calm")
    assert stage.api.metric("paramedic_recovery_held") == 0


def test_exit_zero_is_no_crash_until_somebody_asks(stage_of):
    stage = stage_of(["done", "calm"])
    stage.order("done", "exit 0")
    wait_for("it to be seen as stopped", lambda: stage.api.worker("done")["state"] == "stopped", 20)
    stage.quiet(2)
    assert len(stage.lives("done")) == 1 and stage.api.restarts("done") == [] and stage.told("done") == []
    answer = stage.api.post("/health/workers/done/restart", {"reason": "again"})
    action, = stage.wait_actions("done", 1)
    assert action["action_id"] == answer["action_id"] and action["state"] == "succeeded" and action["by_operator"]
    assert len(stage.lives("done")) == 2
    stage.untouched("calm")


@pytest.fixture
def memory_cgroup():
    """A memory cgroup of 60 MiB below our own; where this machine lets us make none, the test is left out."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    own = next((path for _, kinds, path in lines if "memory" in kinds.split(",")), None)
    folder = Path(f"/sys/fs/cgroup/memory{own}") / f"paramedic-test-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(60 << 20))
    except OSError as refusal:
        pytest.skip(f"no memory cgroup of our own here: {refusal}")
    yield folder
    for _ in range(100):
        try:
            return folder.rmdir()
        except OSError:
            time.sleep(0.1)


def test_a_kill_by_the_kernel_for_memory_is_named(stage_of, memory_cgroup, world):
    """Only the first life is confined: the cure is a life with enough memory."""
    begin = f"[ -e '{world.dir}/confined' ] || {{ : > '{world.dir}/confined'; echo $$ > '{memory_cgroup}/cgroup.procs'; }}; exec \"$@\""
    stage = stage_of([{"id": "eater", "command": ["sh", "-c", begin, "sh", PYTHON, VICTIM, "eater", str(world.dir)]}, "calm"])
    stage.order("eater", "leak 20")
    assert_one_cured_crash(stage, "eater", "out of memory", signal=9, oom=True)
    stage.untouched("calm")


def test_a_crash_loop_is_one_page_and_starves_no_neighbour(stage_of):
    loop = {"crash_loop_crashes": 3, "crash_loop_every": "10m"}
    workers = [{"id": "loop-1", "version": "2.0"}, {"id": "loop-2", "version": "2.0"}, {"id": "calm-1", "version": "1.9"}, {"id": "calm-2", "version": "1.9"}]
    stage = stage_of(workers, recovery=loop)
    for worker_id in ("loop-1", "loop-2"):
        stage.order(worker_id, "exit 7", when="always")
        stage.order(worker_id, "exit 7")

    def held(worker_id):
        hold = stage.api.worker(worker_id)["held"]
        return hold and hold["code"] == "crash_loop" and hold

    for worker_id in ("loop-1", "loop-2"):
        hold = wait_for(f"{worker_id} held as a crash loop", lambda: held(worker_id), 90)  # noqa: B023
        assert hold["wanted"] == "start" and "crash" in hold["text"] and hold["until"], hold
    lives = {w: len(stage.lives(w)) for w in ("loop-1", "loop-2")}
    assert lives == {"loop-1": 3, "loop-2": 3}, "the third crash is the last for a while"
    page, = [m for m in stage.hook.all(kind="firing") if any(a["rule"] == "crash_loop" for a in m.alerts)]
    assert page.severity == "critical" and "2.0" in page.title + page.text, page
    assert sum(a["rule"] == "crash_loop" for a in stage.api.get("/alerts")["alerts"]) == 1, "one for pool and version"

    # A neighbour in the same pool dies meanwhile: started at once, as if nothing were wrong beside it.
    os.kill(stage.pid("calm-1"), signal.SIGKILL)
    action, = stage.wait_actions("calm-1", 1)
    assert action["state"] == "succeeded" and len(stage.lives("calm-1")) == 2 and stage.api.worker("calm-1")["crashes"] == 1, action
    assert {w: len(stage.lives(w)) for w in lives} == lives
    stage.untouched("calm-2")

    # The cause is removed, and somebody says so: tried at once, proven, and the page ends.
    for worker_id in lives:
        stage.countermand(worker_id)
        stage.api.post(f"/health/workers/{worker_id}/release", {"reason": "repaired"})
    stage.wait_healthy(*lives)
    for worker_id in lives:
        wait_for("the cure", lambda: stage.api.restarts(worker_id)[0]["state"] == "succeeded")  # noqa: B023
        assert len(stage.lives(worker_id)) == 4
        actions = stage.wait_actions(worker_id, 3)
        assert [a["state"] for a in actions] == ["failed", "failed", "succeeded"], actions
    wait_for("all incidents to close", lambda: not any(i["open"] for i in stage.api.incidents()))
    wait_for("the page to end", lambda: not stage.api.get("/alerts")["alerts"], 30)
    assert len([m for m in stage.hook.all(kind="firing") if any(a["rule"] == "crash_loop" for a in m.alerts)]) == 1
    assert stage.hook.all(kind="resolved")
