"""Backup and check of a data directory with the real binary."""
import contextlib
import json
import os
import shutil
import signal
import sqlite3

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


def damage(file, sql):
    with contextlib.closing(sqlite3.connect(file)) as db:
        changed = db.execute(sql).rowcount
        db.commit()
    return changed


def check_json(data, *more):
    done = run(["check-data", str(data), "--json", *more])
    return done, {part["name"]: part for part in json.loads(done.stdout)["parts"]}


def test_check_data_beside_a_running_monitor_and_on_a_backup(world):
    monitor, api, data = filled(world)
    run(["backup", str(world.dir / "copy"), "--data-dir", str(data)])
    for place in (data, world.dir / "copy"):
        done, parts = check_json(place)
        assert done.returncode == 0, done.stderr + done.stdout
        assert {"ledger.db", "ledger.db records", "history.db", "history.db chunks", "history.db log"} <= set(parts)
        assert parts["history.db log"]["records"] >= 2 and parts["ledger.db records"]["records"] >= 2, parts
        table = run(["check-data", str(place)])
        assert table.returncode == 0 and "history.db log" in table.stdout
    refused = run(["check-data", str(data), "--repair"])
    assert refused.returncode == 4 and str(monitor.pid) in refused.stderr, refused.stderr
    assert run(["check-data", str(world.dir / "none")]).returncode == 3
    (world.dir / "void").mkdir()
    assert run(["check-data", str(world.dir / "void")]).returncode == 3


def test_check_data_finds_damage_and_sets_it_aside(world):
    monitor, api, data = filled(world)
    monitor.stop(signal.SIGKILL)
    # The newest log entry, one ledger record, and a chunk that never was one.
    with contextlib.closing(sqlite3.connect(data / "history.db")) as db:
        newest, entries = db.execute("SELECT max(id), count(*) FROM log").fetchone()
        bad = bytearray(db.execute("SELECT rows FROM log WHERE id=?", (newest,)).fetchone()[0])
        bad[len(bad) // 2] ^= 0x10
        db.execute("UPDATE log SET rows=? WHERE id=?", (bytes(bad), newest))
        db.execute("INSERT INTO chunk(worker, kind, t0, t1, rows, data) VALUES(1, 0, 5, 6, 2, x'010203')")
        db.commit()
    assert damage(data / "ledger.db", "UPDATE record SET body='{\"torn' WHERE id=(SELECT max(id) FROM record)") == 1

    done, parts = check_json(data)
    assert done.returncode == 8 and "--repair" in done.stderr
    assert {name: part["damaged"] for name, part in parts.items() if part["damaged"]} == {
        "history.db log": 1, "history.db chunks": 1, "ledger.db records": 1}
    assert f"log {newest}: the checksum is wrong" in parts["history.db log"]["problems"]

    done, parts = check_json(data, "--repair")
    assert done.returncode == 0, done.stderr
    aside = list(data.glob("damaged-*"))
    assert len(aside) == 1 and json.loads(done.stdout)["aside"] == str(aside[0])
    kept = {path.name.rsplit("-", 1)[0]: path.read_bytes() for path in aside[0].iterdir()}
    assert kept["history-log"] == bytes(bad), "byte for byte as it was"
    assert kept["history-chunk"] == b"\x01\x02\x03" and len(kept) == 3

    done, parts = check_json(data)
    assert done.returncode == 0 and parts["history.db log"]["records"] == entries - 1
    _, again = world.serve(name="again")
    assert again.metric("paramedic_history_damaged_total") == 0
    assert again.history("care-1"), "the rest is still there"


def test_check_data_names_a_file_that_sqlite_cannot_read(world):
    monitor, _, data = filled(world, 1)
    monitor.stop()
    content = bytearray((data / "history.db").read_bytes())
    content[1024:2048] = b"\xff" * 1024
    (data / "history.db").write_bytes(content)
    for more in ([], ["--repair"]):
        done = run(["check-data", str(data), *more])
        assert done.returncode == 8 and "restore a backup" in done.stdout, done.stdout + done.stderr
    assert (data / "history.db").read_bytes()[1024:2048] == b"\xff" * 1024, "what cannot be repaired is left alone"


def test_check_data_cuts_a_torn_spool(world):
    monitor, _, data = filled(world, 1)
    monitor.stop()
    (data / "ledger.spool").write_bytes(b"PMSPOOL1" + b"\x40\x00\x00\x00torn")
    done, parts = check_json(data)
    assert done.returncode == 8 and parts["ledger.spool"]["damaged"] == 1
    done, parts = check_json(data, "--repair")
    assert done.returncode == 0 and "torn record" in parts["ledger.spool"]["remarks"][0]
    assert (data / "ledger.spool").read_bytes() == b"PMSPOOL1"
