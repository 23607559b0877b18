"""The command line: Ctrl-C, exit codes, messages."""
import os
import signal

import pytest
from product import URL, Api, binary, run, wait_for


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
