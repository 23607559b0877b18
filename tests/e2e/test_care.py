"""Backup, check, export and import of a data directory with the real binary."""
import contextlib
import csv
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


def test_recorded_inputs_of_a_killed_monitor_are_sound_and_a_torn_end_is_cut_off(world):
    config = monitor_config(world.dir / "monitor", extra={"history": {"resolution": "1s", "record": "full"}})
    monitor, api = world.serve(config)
    api.report("care-0", period_seconds=1, resources={"cpu_percent": 10})
    wait_for("a worker", lambda: len(api.workers()) == 1, 10)
    wait_for("records", lambda: api.metric("paramedic_input_journal_records_total") > 5, 10)
    segment = api.get("/inputs")["segments"][0]
    assert segment["current"] and segment["first_record"] == 0 and segment["build_id"].count(" ") == 1
    monitor.stop(signal.SIGKILL)
    data = world.dir / "monitor"
    file = data / "inputs" / segment["file"]
    done, parts = check_json(data)
    assert done.returncode == 0 and parts["inputs"]["records"] > 5, done.stdout + done.stderr
    whole = file.read_bytes()
    file.write_bytes(whole[:-3])
    done, parts = check_json(data, "--repair")
    assert done.returncode == 0 and "ends within a record; cut off" in parts["inputs"]["remarks"][0], done.stdout
    assert file.stat().st_size < len(whole) - 3
    # Damage in the middle: what follows it is set aside.
    bad = bytearray(file.read_bytes())
    bad[len(bad) // 2] ^= 1
    file.write_bytes(bytes(bad))
    done, parts = check_json(data)
    assert done.returncode == 8 and segment["file"] in parts["inputs"]["problems"][0], done.stdout
    done, parts = check_json(data, "--repair")
    assert done.returncode == 0 and parts["inputs"]["set_aside"] == 1, done.stdout + done.stderr
    assert len(list(data.glob(f"damaged-*/{segment['file']}.from-*"))) == 1
    # Another life begins another segment; a backup leaves them out.
    _, again = world.serve(config, name="again")
    wait_for("the next segment", lambda: len(again.get("/inputs")["segments"]) == 2, 10)
    assert run(["backup", str(world.dir / "copy"), "--data-dir", str(data)]).returncode == 0
    assert sorted(os.listdir(world.dir / "copy")) == ["history.db", "ledger.db"]


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


def export(*args):
    done = run(["export", *map(str, args)])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_history_goes_out_and_in_again(world):
    monitor, api, data = filled(world)
    told = api.history("care-1")
    online = export("care-1", "--monitor", api.url, "--from", told[0]["timestamp"], "--to", told[-1]["timestamp"])
    lines = list(csv.DictReader(online.splitlines()))
    assert [line["timestamp"] for line in lines] == [row["timestamp"] for row in told]
    assert {line["depth"] for line in lines} <= {"1", ""} and {line["worker_id"] for line in lines} == {"care-1"}

    refused = run(["export", "care-1", "--data-dir", str(data)])
    assert refused.returncode == 4 and "--monitor" in refused.stderr, refused.stderr
    monitor.stop()
    texts = {kind: export("care-1", "--data-dir", data, "--format", kind) for kind in ("csv", "openmetrics")}
    assert set(online.splitlines()) <= set(texts["csv"].splitlines()), "both ways tell the same"
    for kind, text in texts.items():
        (world.dir / kind).write_text(text)
        (world.dir / f"into-{kind}").mkdir()
        done = run(["import", str(world.dir / kind), "--data-dir", str(world.dir / f"into-{kind}")])
        assert done.returncode == 0 and f"{len(texts['csv'].splitlines()) - 1} rows of care-1" in done.stdout, done.stderr
        assert export("care-1", "--data-dir", world.dir / f"into-{kind}") == texts["csv"], kind
        assert export("care-1", "--data-dir", world.dir / f"into-{kind}", "--format", "openmetrics") == texts["openmetrics"], kind
    # Once more into the same place changes nothing; a monitor shows it.
    assert run(["import", str(world.dir / "csv"), "--data-dir", str(world.dir / "into-csv")]).returncode == 0
    assert export("care-1", "--data-dir", world.dir / "into-csv") == texts["csv"]
    assert run(["check-data", str(world.dir / "into-csv")]).returncode == 0
    _, restored = world.serve(monitor_config(world.dir / "into-csv"), name="restored")
    assert {row["timestamp"] for row in told} <= {row["timestamp"] for row in restored.history("care-1")}


def test_a_week_of_old_history_is_taken_in(world):
    """More rows than a commit and an open hour hold, over several days."""
    import datetime
    begin = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) - datetime.timedelta(days=6)
    stamps = [(begin + datetime.timedelta(seconds=60 * i)).strftime("%Y-%m-%dT%H:%M:%S.000Z") for i in range(8000)]
    head = "worker_id,timestamp,status,health_score,marks,load"
    lines = [f"old,{stamp},healthy,1,,{i * 7 % 1000}" for i, stamp in enumerate(stamps)]
    (world.dir / "old.csv").write_text("\n".join([head, *lines]) + "\n")
    (world.dir / "data").mkdir()
    done = run(["import", str(world.dir / "old.csv"), "--data-dir", str(world.dir / "data")], timeout=120)
    assert done.returncode == 0, done.stderr
    assert export("old", "--data-dir", world.dir / "data").splitlines() == [head, *lines]
    assert run(["check-data", str(world.dir / "data")]).returncode == 0


def test_a_wrong_import_names_the_line_and_stores_nothing(world):
    monitor, api, data = filled(world, 1)
    bad = world.dir / "bad.csv"
    bad.write_text("worker_id,timestamp,status,health_score,marks,m\nw,2026-11-23T17:40:00Z,healthy,1,,1\nw,2026-11-23T17:40:01Z,healthy,1,,x\n")
    good = world.dir / "good.csv"
    good.write_text("worker_id,timestamp,status,health_score,marks\nw,2026-11-23T17:40:00Z,healthy,1,\n")
    refused = run(["import", str(good), "--data-dir", str(data)])
    assert refused.returncode == 4 and str(monitor.pid) in refused.stderr
    monitor.stop()
    refused = run(["import", str(bad), "--data-dir", str(data)])
    assert refused.returncode == 2 and "line 3: m 'x'" in refused.stderr and "bad.csv" in refused.stderr
    missing = run(["export", "w", "--data-dir", str(data), "--from", "2026-11-23T00:00:00Z", "--to", "2026-11-24T00:00:00Z"])
    assert missing.returncode == 3 and "w" in missing.stderr
    assert run(["import", str(world.dir / "none.csv"), "--data-dir", str(data)]).returncode == 3
    assert run(["import", str(good), "--data-dir", str(world.dir / "none")]).returncode == 3
    (world.dir / "noise").write_bytes(os.urandom(5000))
    assert run(["import", str(world.dir / "noise"), "--data-dir", str(data)]).returncode == 2


@pytest.mark.parametrize("args", [["w", "--format", "xml"], ["w", "--from", "yesterday"], ["w", "--from", "1h", "--to", "2h"], ["a b"], []])
def test_a_wrong_export_is_refused(args, world):
    done = run(["export", *args, "--data-dir", str(world.dir)])
    assert done.returncode == 2 and done.stderr, done.stderr
