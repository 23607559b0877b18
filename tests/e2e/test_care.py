"""Backup and check of a data directory with the real binary."""
import os
import shutil
import signal

import pytest
from product import monitor_config, run, wait_for


def filled(world, n=3):
    """A running monitor with workers, history rows and an operator's act."""
    monitor, api = world.serve()
    for i in range(n):
        api.report(f"care-{i}", period_seconds=1, resources={"cpu_percent": 10 + i}, metrics={"depth": i})
    wait_for("workers", lambda: len(api.workers()) == n, 10)
    api.post("/health/workers/care-0/quarantine", {"reason": "look at it"})
    wait_for("history", lambda: all(len(api.history(f"care-{i}")) >= 2 for i in range(n)), 20)
    return monitor, api, world.dir / "monitor"


def test_a_backup_of_a_running_monitor_is_a_data_directory(world):
    monitor, api, data = filled(world)
    known = {i: {row["timestamp"] for row in api.history(f"care-{i}")} for i in range(3)}
    copy = world.dir / "copy"
    done = run(["backup", str(copy), "--data-dir", str(data)])
    assert done.returncode == 0, done.stderr
    assert sorted(os.listdir(copy)) == ["history.db", "ledger.db"]
    for name in ("history.db", "ledger.db"):
        assert f"{copy / name}: {(copy / name).stat().st_size} bytes" in done.stdout
    assert oct(copy.stat().st_mode & 0o777) == "0o700"
    assert api.reachable() and monitor.running()
    # Restored: a monitor on the copy knows all of it, beside the first one.
    _, restored = world.serve(monitor_config(copy), name="restored")
    for i, stamps in known.items():
        assert stamps <= {row["timestamp"] for row in restored.history(f"care-{i}")}
    assert [entry["reason"] for entry in restored.get("/audit")["audit"]] == ["look at it"]


def test_a_backup_of_a_killed_monitor_holds_what_was_in_the_log(world):
    monitor, api, data = filled(world)
    known = {row["timestamp"] for row in api.history("care-1")}
    monitor.stop(signal.SIGKILL)
    assert run(["backup", str(world.dir / "copy"), "--data-dir", str(data)]).returncode == 0
    _, restored = world.serve(monitor_config(world.dir / "copy"), name="restored")
    assert known <= {row["timestamp"] for row in restored.history("care-1")}


def test_a_backup_never_writes_over_anything(world):
    monitor, _, data = filled(world, 1)
    monitor.stop()
    for name, make in (("folder", lambda p: p.mkdir()), ("file", lambda p: p.write_text("x")), ("cut.partial", lambda p: p.mkdir())):
        make(world.dir / name)
        done = run(["backup", str(world.dir / name.removesuffix(".partial")), "--data-dir", str(data)])
        assert done.returncode == 4 and "exists already" in done.stderr, done.stderr
    (world.dir / "empty").mkdir()
    done = run(["backup", str(world.dir / "new"), "--data-dir", str(world.dir / "empty")])
    assert done.returncode == 3 and "--data-dir" in done.stderr
    shutil.copytree(data, world.dir / "bad")
    (world.dir / "bad/history.db").write_bytes(b"x" * 9000)
    done = run(["backup", str(world.dir / "new"), "--data-dir", str(world.dir / "bad")])
    assert done.returncode == 8 and "history.db" in done.stderr, done.stderr
    assert not (world.dir / "new").exists() and not (world.dir / "new.partial").exists(), "all of it or nothing"


@pytest.mark.parametrize("args", [["backup"], ["backup", "x"], ["backup", "--data-dir", "x"]])
def test_a_backup_needs_both_places(args):
    assert run(args).returncode == 2
