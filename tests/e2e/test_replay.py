"""`paramedic replay`: what a monitor recorded is decided again; another configuration differs where it should."""
import copy
import json
import shutil

from product import monitor_config, run, wait_for, write_yaml


def recording(world, record="full"):
    return monitor_config(world.dir / "monitor", extra={"history": {"resolution": "1s", "record": record}})


def memory_limit(config, percent):
    other = copy.deepcopy(config)
    other["pools"]["default"]["checks"]["resources"] = {"memory_warning_percent": percent}
    return other


def make_ill(api):
    """w-1 has too much memory, w-2 is well."""
    def report(memory):
        for worker, percent in (("w-1", memory), ("w-2", 20)):
            api.report(worker, pool="thumbs", host="h1", resources={"memory_percent": percent, "memory_mb": 100})
        return any(a["reason"] == "memory_high" for a in api.get("/alerts")["alerts"])

    wait_for("the alert", lambda: report(90))
    wait_for("its end", lambda: not report(20))


def replay(config_file, *more, code=0):
    done = run(["replay", "--config", str(config_file), *map(str, more)], timeout=120)
    assert done.returncode == code, done
    return done


def result(config_file, *more):
    return json.loads(replay(config_file, "--json", *more).stdout)


def line_of(answer, name):
    return next(line for line in answer["lines"] if line["name"] == name and line["kind"] == "alert")


def test_the_same_configuration_decides_the_same_and_another_limit_is_named(world):
    config = recording(world)
    process, api = world.serve(config)
    make_ill(api)
    assert process.stop() == 0
    same = write_yaml(world.dir / "same.yaml", config)

    answer = result(same)
    assert answer["evidence"] == "recorded_inputs" and answer["exact"] and not answer["approximate"], answer
    assert answer["new_is_recorded"] and answer["old_side"] == "ledger"
    assert answer["same"] and answer["differences"] == [], answer["differences"]
    memory = line_of(answer, "memory_high")
    assert memory["old"] == memory["new"] and memory["old"]["begun"] == 1 and memory["pool"] == "thumbs"
    text = replay(same).stdout
    assert "DIFFERENCES: none" in text and "memory_high" in text and "APPROXIMATE" not in text

    relaxed = write_yaml(world.dir / "relaxed.yaml", memory_limit(config, 94))
    for old in ([], ["--old", same]):
        answer = result(relaxed, *old)
        assert answer["exact"] and not answer["new_is_recorded"] and not answer["same"]
        assert answer["old_side"] == ("engine" if old else "ledger")
        assert [(d["only"], d["name"], d["worker_id"]) for d in answer["differences"]] == [("old", "memory_high", "w-1")], answer
        assert line_of(answer, "memory_high")["new"]["begun"] == 0
    assert "only old alert    memory_high, worker w-1, pool thumbs" in replay(relaxed).stdout


def test_it_may_be_asked_while_the_monitor_runs_and_changes_nothing(world):
    config = recording(world)
    process, api = world.serve(config)
    make_ill(api)
    same = write_yaml(world.dir / "same.yaml", config)
    answer = result(same)
    assert line_of(answer, "memory_high")["new"]["begun"] == 1
    api.report("w-1", pool="thumbs", resources={"memory_percent": 20, "memory_mb": 100})
    assert process.stop() == 0
    assert result(same)["same"]


def test_without_recorded_inputs_it_says_that_it_is_approximate(world):
    config = recording(world)
    process, api = world.serve(config)
    make_ill(api)
    assert process.stop() == 0
    same = write_yaml(world.dir / "same.yaml", config)
    forced = result(same, "--approximate")
    assert forced["approximate"] and not forced["exact"] and forced["missing"] and forced["rows"] > 0

    shutil.rmtree(world.dir / "monitor/inputs")
    answer = result(same)
    assert answer["approximate"] and answer["evidence"] == "history" and answer["missing"]
    assert any("record: full" in remark for remark in answer["remarks"])
    text = replay(same).stdout
    assert "APPROXIMATE" in text and "MISSING" in text
    relaxed = write_yaml(world.dir / "relaxed.yaml", memory_limit(config, 94))
    answer = result(relaxed, "--old", same)
    assert answer["approximate"] and answer["old_side"] == "engine"
    assert line_of(answer, "memory_high")["old"]["begun"] == 1
    assert line_of(answer, "memory_high")["new"]["begun"] == 0


def test_what_is_wrong_is_said(world):
    config = recording(world)
    good = write_yaml(world.dir / "good.yaml", config)
    wrong = write_yaml(world.dir / "wrong.yaml", {**config, "intervall": "1s", "nonsense": 1})
    said = replay(wrong, code=2).stderr
    assert "intervall" in said and "nonsense" in said  # all that is wrong, at once
    assert "--data-dir" in replay(good, code=3).stderr  # nothing there yet
    (world.dir / "monitor").mkdir()
    assert "--old" in replay(good, code=3).stderr
    assert "'yesterday'" in replay(good, "--from", "yesterday", code=2).stderr
    assert "--to" in replay(good, "--from", "1h", "--to", "2h", code=2).stderr
