"""The analysis in the whole product: shown, counted, kept over a restart; a look back over stored days; a CSV of one's own.
What it finds after days is tested where days take no time: src/core/engine/analysis_test.cc."""
import csv
import io
import json
import math

from product import monitor_config, run, wait_for


def tell(api, memory=20.0):
    for i in range(3):
        api.report(f"w-{i}", pool="thumbs", host="h1", version="1.0", incarnation=f"life-{i}",
                   resources={"cpu_percent": 30 + i, "memory_percent": memory, "memory_mb": memory * 10})


def watched(api):
    tell(api)
    detail = api.worker("w-0")
    return detail.get("analysis") and api.metric("paramedic_analysis_samples_total") > 9


def test_is_shown_counted_and_kept_over_a_restart(world):
    config = monitor_config(world.dir / "monitor", extra={"history": {"resolution": "1s"}})
    process, api = world.serve(config)
    wait_for("samples", lambda: watched(api))
    detail = api.worker("w-0")["analysis"]
    assert detail["level"] == "usual" and detail["anomalies"] == [] and detail["forecasts"] == [] and not detail["scored"]
    for path, name in (("/anomalies", "anomalies"), ("/forecasts", "forecasts"), ("/degradations", "degradations")):
        assert api.get(path) == {name: []}
    assert api.get("/anomalies?pool=thumbs&limit=5&metric=cpu_percent") == {"anomalies": []}
    assert api.metric("paramedic_analysis_workers") == 3
    assert 0 < api.metric("paramedic_analysis_memory_bytes") < api.metric("paramedic_analysis_memory_limit_bytes")
    assert process.stop() == 0

    again, api = world.serve(config)
    assert "analysis_restored states=3" in again.log(), again.log()[-2000:]
    assert "analysis_not_restored" not in again.log()
    wait_for("samples", lambda: watched(api))
    assert api.metric("paramedic_analysis_states_refused_total") == 0
    assert again.stop() == 0

    done = run(["backtest", "--data-dir", str(world.dir / "monitor"), "--from", "1h", "--json"])
    assert done.returncode == 0, done
    answer = json.loads(done.stdout)
    assert answer["workers"] == 3 and answer["rows"] > 6 and answer["alarms"] == []
    assert any("24 hours" in remark for remark in answer["remarks"])
    text = run(["backtest", "--data-dir", str(world.dir / "monitor"), "--from", "1h"])
    assert text.returncode == 0 and "3 workers" in text.stdout and "note:" in text.stdout


def test_can_be_switched_off(world):
    config = monitor_config(world.dir / "monitor", extra={"history": {"resolution": "1s"}, "analysis": {"enabled": False}})
    _, api = world.serve(config)
    tell(api)
    wait_for("the worker", lambda: api.get("/health/summary")["total_workers"] == 3)
    assert api.worker("w-0")["analysis"] is None
    assert api.metric("paramedic_analysis_workers") == 0


def test_looking_back_names_what_is_missing(tmp_path):
    empty = run(["backtest", "--data-dir", str(tmp_path)])
    assert empty.returncode != 0 and "ledger.db" in empty.stderr and "--data-dir" in empty.stderr
    turned = run(["backtest", "--data-dir", str(tmp_path), "--from", "1h", "--to", "2h"])
    assert turned.returncode != 0 and "--to must lie after --from" in turned.stderr


def test_a_series_of_ones_own_has_a_forecast(tmp_path):
    source = tmp_path / "disk.csv"
    with source.open("w") as out:
        out.write("timestamp,value\n")
        for minute in range(52 * 60):  # a day at 40 %, then 2 points an hour
            value = 40 + max(0, minute - 24 * 60) / 30 + 0.3 * math.sin(minute)
            out.write(f"{1_700_000_000 + minute * 60},{value:.3f}\n")
    done = run(["analyze", str(source), "--forecast", "--limit", "95"])
    assert done.returncode == 0, done
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 52 * 60
    first = next(i for i, row in enumerate(rows) if row["alert"] == "1")
    left = (27.5 + 24) * 60 - first  # minutes until it is at 95
    assert 60 <= left <= 6 * 60, left
    told = float(rows[first]["seconds_to_limit"]) / 60
    assert left / 2 < told < left * 2
    without = run(["analyze", str(source), "--forecast"])
    assert without.returncode != 0 and "--limit" in without.stderr
    wrong = run(["analyze", str(source), "--forecast", "--limit", "95", "--kind", "love"])
    assert wrong.returncode != 0 and "disk" in wrong.stderr
