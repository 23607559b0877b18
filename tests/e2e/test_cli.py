"""The command line: Ctrl-C, exit codes, messages."""
import json
import os
import signal

import pytest
from product import URL, Api, binary, monitor_config, run, wait_for


def test_ctrl_c_ends_the_demo_and_all_it_started(world):
    process, api = world.demo(workers=4)
    wait_for("four healthy workers", lambda: api.get("/health/summary")["healthy_workers"] == 4, 30)
    text = process.log()
    assert "break" in text and "heartbeat" in text, "it says what to try and what is shortened"
    assert len(world.leftovers()) >= 6, "demo, queue server, four workers"
    # As a terminal does it: the whole foreground group at once.
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 0, process.log()[-3000:]
    assert world.leftovers() == []
    # The same folder again: everything goes on.
    process, api = world.demo(workers=4)
    wait_for("four healthy workers again", lambda: api.get("/health/summary")["healthy_workers"] == 4, 30)
    assert api.history("thumbs-1"), "history of the first run is still there"
    assert process.stop(signal.SIGTERM, 30) == 0
    assert world.leftovers() == []


def test_a_killed_demo_leaves_nothing_that_hinders_the_next(world):
    process, api = world.demo(workers=2)
    wait_for("two healthy workers", lambda: api.get("/health/summary")["healthy_workers"] == 2, 30)
    process.stop(signal.SIGKILL)
    process, api = world.demo(workers=2)
    wait_for("two healthy workers", lambda: api.get("/health/summary")["healthy_workers"] == 2, 30)
    assert len(api.workers()) == 2
    assert process.stop(signal.SIGINT, 30) == 0
    wait_for("nothing left", lambda: world.leftovers() == [], 10)


def test_serve_ends_on_term_and_on_int(world):
    for how in (signal.SIGTERM, signal.SIGINT):
        process, api = world.serve()
        stream = world.stream(api)
        assert process.stop(how, 15) == 0, process.log()[-2000:]
        stream.end()


def test_an_incident_is_read_taken_and_silenced_from_the_command_line(world):
    config = monitor_config(world.dir / "monitor", extra={
        "channels": {"nowhere": {"type": "webhook", "url": "http://127.0.0.1:1/"}},
        "alerting": {"rules": [{"name": "hot", "when": {"metric": "cpu_percent", "above": 50}, "severity": "critical",
                                "annotations": {"summary": "{{ worker }} burns"}}]}})
    _, api = world.serve(config)

    def paramedic(*args, code=0):
        done = run([*args, "--monitor", api.url])
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert paramedic("incidents") == "no open incident\n" and paramedic("alerts") == "no alert fires\n"
    assert paramedic("silences") == "no silence\n"
    api.report("w-1", pool="thumbs", resources={"cpu_percent": 60})
    incident = wait_for("the incident", lambda: [i for i in api.incidents() if not i["ended_at"]])[0]["id"]
    listed = paramedic("incidents")
    assert incident in listed and "w-1 burns" in listed and "critical" in listed
    assert "rule/hot/w-1" in paramedic("alerts")
    assert "timeline" in json.loads(paramedic("incidents", incident, "--json"))

    paramedic("ack", incident, "--comment", "on it", "--author", "ada", "--for", "1h")
    story = paramedic("incidents", incident)
    assert 'ada until' in story and '"on it"' in story and "detected" in story, story
    paramedic("unack", "rule/hot/w-1")
    assert "on it" not in paramedic("incidents", incident)
    assert "inc-0000000000000000" in paramedic("ack", "inc-0000000000000000", code=3)
    assert "inc-0000000000000000" in paramedic("incidents", "inc-0000000000000000", code=3)

    paramedic("silence", "pool=thumbs", "worker_id=~w-.*", "--for", "2h", "--comment", "we know", "--author", "ada")
    silences = paramedic("silences")
    assert "pool=thumbs, worker_id=~w-.*" in silences and "we know" in silences
    paramedic("unsilence", silences.splitlines()[1].split()[0])
    assert paramedic("silences") == "no silence\n" and "we know" in paramedic("silences", "--all")
    assert "label" in paramedic("silence", "thumbs", "--for", "2h", code=2)
    assert "duration" in paramedic("silence", "pool=thumbs", code=2)
    assert "hot" in paramedic("notifications") or "w-1 burns" in paramedic("notifications")


def test_a_series_of_anybodys_is_scored(tmp_path):
    rows = [f"2026-11-0{1 + i // 1440} {i // 60 % 24:02}:{i % 60:02}:00,{90 if i == 2500 else 20 + i * 7919 % 13}" for i in range(2600)]
    source = tmp_path / "cpu.csv"
    source.write_text("timestamp,value\n" + "\n".join(rows) + "\n")
    done = run(["analyze", str(source)])
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "timestamp,value,anomaly_score" and [line.rsplit(",", 1)[0] for line in lines[1:]] == rows
    scores = [float(line.rsplit(",", 1)[1]) for line in lines[1:]]
    assert max(range(len(scores)), key=scores.__getitem__) == 2500 and scores[2500] > 4
    source.write_text("timestamp,value\n2026-11-01 00:00:00,high\n")
    wrong = run(["analyze", str(source)])
    assert wrong.returncode == 2 and f"{source}:2: 'high' is no number" in wrong.stderr
    assert "cannot open" in run(["analyze", str(tmp_path / "missing.csv")]).stderr


def test_a_simulated_fleet_is_judged_and_repeats_itself():
    args = ["simulate", "--workers", "30", "--pools", "3", "--days", "0.1", "--json"]
    first, again = run(args), run(args)
    assert first.returncode in (0, 1), first.stderr
    found = json.loads(first.stdout)
    assert again.stdout == first.stdout, "the same seed is the same run"
    assert found["all_musts_held"] == (first.returncode == 0)
    assert found["stops"]["in_broker_outage"] == 0 and found["largest_share"]["times_exceeded"] == 0
    assert found["starts"] > 0 and found["reports"] > 1000
    text = run(args[:-1] + ["--seed", "2"])
    assert "stops" in text.stdout and "recovery" in text.stdout
    wrong = run(["simulate", "--workers", "2", "--pools", "3"])
    assert wrong.returncode == 2 and "--pools 3" in wrong.stderr


@pytest.mark.parametrize("args", [["--help"], ["serve", "--help"], ["agent", "--help"], ["run", "--help"], ["demo", "--help"], ["--version"]])
def test_help_is_no_error(args):
    done = run(args)
    assert done.returncode == 0 and done.stdout.strip()
    assert "demo-worker" not in done.stdout, "the demo's inner commands are hidden"


@pytest.mark.parametrize("args", [["nonsense"], ["serve", "--nonsense"], ["run"], ["demo", "--workers", "0"], ["demo", "--workers", "many"],
                                  ["demo", "--listen", "nowhere"]])
def test_wrong_usage_ends_with_2_and_words(args):
    done = run(args)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.strip()


def test_run_hands_the_commands_exit_code_on(world):
    _, api = world.serve()
    state = {"XDG_STATE_HOME": str(world.dir)}
    assert run(["run", "--id", "short", "--monitor", api.url, "--", "true"], env=state).returncode == 0, "not started again"
    missing = run(["run", "--id", "wrong", "--monitor", api.url, "--", "/no/such/program"], env=state)
    assert missing.returncode != 0 and "/no/such/program" in missing.stderr


def test_run_supervises_without_any_monitor(world):
    process = world.start("run-alone", [binary(), "run", "--id", "lonely", "--monitor", "http://127.0.0.1:9", "--", "sh", "-c",
                                        "while :; do sleep 0.2; done"])

    def shells():
        return [line for line in world.leftovers() if "while :; do sleep 0.2" in line and "paramedic" not in line]

    first = wait_for("the command", shells, 10)[0]
    os.kill(int(first.split(":")[0]), signal.SIGKILL)
    wait_for("its successor", lambda: (s := shells()) and s[0] != first, 10)
    assert process.stop(signal.SIGINT, 30) == 0
    wait_for("nothing left", lambda: world.leftovers() == [], 10)


def test_run_forwards_the_monitor_the_exit(world):
    _, api = world.serve()
    process = world.run_command(api, "crasher", ["sh", "-c", "sleep 1; exit 3"])
    wait_for("crashes to be counted with their code", lambda: (w := api.worker("crasher"))["crashes"] >= 2
             and (w["last_exit"] or {}).get("code") == 3, 40)
    assert process.stop(signal.SIGTERM, 30) in (0, 3), "0, or the command's own last exit code"


def test_check_config_knows_both_kinds(world, tmp_path):
    process, _ = world.demo(workers=2, data_dir=tmp_path / "d")
    for name in ("monitor.yaml", "agent.yaml"):
        done = run(["check-config", str(tmp_path / "d" / name)])
        assert done.returncode == 0, done.stdout + done.stderr
    process.stop(signal.SIGINT, 30)


def test_the_address_is_printed(world):
    process, _ = world.serve()
    port = process.wait_for_log(URL).group(1)
    assert Api(f"http://127.0.0.1:{port}").get("/healthz", validate=False)
