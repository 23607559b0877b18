"""What is wrong is refused with the thing and the remedy named, counted, and nothing else suffers."""
import json
import os
import shutil
import subprocess
import time
from datetime import datetime, timedelta, timezone

import pytest
from product import binary, free_port, monitor_config, reasons, run, wait_for, write_yaml


@pytest.fixture(scope="module")
def api(shared_world):
    _, api = shared_world.serve()
    return api


def problem(answer, status):
    """Problem details (RFC 9457) with words in them."""
    assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.text[:500]
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body = answer.json()
    assert body["status"] == answer.status_code and len(body["detail"]) > 10
    return body["detail"]


def still_works(api):
    api.report("good", resources={"cpu_percent": 1})
    wait_for("a good report to count", lambda: api.worker("good")["status"] == "healthy", 5)


def post_raw(api, path, data, content_type="application/json"):
    return api.request("POST", path, data=data, headers={"Content-Type": content_type}, validate=False)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"worker_id":', b"{}" * 3, b'{"a":' + b"[" * 5000,
                                  b'{"worker_id":"a","resources":5}', b'{"worker_id":"a","resources":{"cpu_percent":"high"}}',
                                  b'{"worker_id":"a","resources":{"memory_mb":-1}}', b'{"worker_id":"a","sent_at":"yesterday"}',
                                  b'{"worker_id":"b"}', b'{"worker_id":"a","period_seconds":0}', b'{"worker_id":"a","state":"gone"}',
                                  b'{"worker_id":"a","tasks":[{"type":"x","completed":-3}]}'])
def test_a_malformed_report_is_refused_and_named(api, body):
    problem(post_raw(api, "/health/workers/a/report", body), 400)
    assert "a" not in api.workers()
    still_works(api)


def test_an_oversized_report_is_refused_before_it_is_read(api):
    big = json.dumps({"worker_id": "a", "metrics": {"x" * 50 + str(i): i for i in range(60000)}}).encode()
    assert problem(post_raw(api, "/health/workers/a/report", big), 413)
    still_works(api)


@pytest.mark.parametrize("worker_id", ["a b", "ä", "x" * 201, "a\\b", "a*"])
def test_an_id_outside_the_grammar_is_refused(api, worker_id):
    from urllib.parse import quote
    problem(post_raw(api, f"/health/workers/{quote(worker_id, safe='')}/report", b"{}"), 400)
    answer = api.post("/health/reports", [{"worker_id": worker_id}, {"worker_id": "good"}], expect=(200, 202))
    assert answer["accepted"] == 1 and answer["refused"][0]["index"] == 0
    assert "id" in answer["refused"][0]["message"]


def test_a_bulk_takes_the_good_and_names_the_bad(api):
    lines = [b'{"worker_id":"bulk-1"}', b"not json", b'{"worker_id":"bulk-2","resources":7}', b'{"worker_id":"bulk-3"}']
    answer = post_raw(api, "/health/reports", b"\n".join(lines), "application/x-ndjson")
    body = answer.json()
    assert body["accepted"] == 2 and [r["index"] for r in body["refused"]] == [1, 2]
    wait_for("the good ones", lambda: {"bulk-1", "bulk-3"} <= set(api.workers()), 5)


def test_too_many_labels_are_refused(api):
    answer = post_raw(api, "/health/workers/labels/report", json.dumps({"labels": {f"l{i}": "x" for i in range(17)}}).encode())
    assert "label" in problem(answer, 400)
    answer = post_raw(api, "/health/workers/labels/report", json.dumps({"labels": {"l": "x" * 65}}).encode())
    assert "label" in problem(answer, 400)
    api.report("labels", labels={f"l{i}": "x" * 64 for i in range(16)})


def test_too_many_task_types_are_folded_and_counted(api):
    tasks = [{"type": f"t{i:03}", "started": 1, "completed": 1} for i in range(100)]
    for seq in (1, 2):
        api.report("folder", seq=seq, tasks=[{**t, "completed": seq, "started": seq} for t in tasks])
    types = wait_for("folded types", lambda: {t["type"] for t in api.worker("folder")["tasks"]}, 5)
    assert len(types) <= 65 and "__other__" in types
    wait_for("the count", lambda: api.metric("paramedic_task_types_folded_total") > 0, 5)


def test_unknown_members_are_ignored_and_counted(api):
    before = api.metric("paramedic_report_unknown_members_total")
    api.report("future", resources={"cpu_percent": 3, "quantum": 1}, shiny=True)
    assert api.metric("paramedic_report_unknown_members_total") >= before + 2
    wait_for("the rest of it", lambda: api.worker("future")["metrics"]["cpu_percent"] == 3, 5)


def test_a_falling_counter_counts_from_zero(api):
    def total():
        return api.metric("task_total", worker_id="counter", task_type="t", status="completed")

    for seq, count in enumerate((10, 15, 3), 1):  # 10, +5, then a reset: +3
        api.report("counter", seq=seq, incarnation="one", tasks=[{"type": "t", "completed": count}])
    wait_for("the sum over the reset", lambda: total() == 18, 5)
    assert api.metric("paramedic_task_count_resets_total") >= 1


def test_two_living_incarnations_are_a_finding(api):
    now = datetime.now(timezone.utc)
    seq = iter(range(1, 1000))

    def found():  # the older life goes on speaking beside the newer one
        number = next(seq)
        for name, pid in (("first", 101), ("second", 102)):
            api.report("twice", pool="twins", host="h", incarnation=name, seq=number, period_seconds=1,
                       process={"pid": pid, "started_at": (now - timedelta(seconds=500 - pid)).isoformat(), "state": "S"})
        pools = {p["pool"]: p for p in api.get("/health/pools")["pools"]}
        return "twins" in pools and "duplicate_incarnation" in {c["reason"] for c in pools["twins"]["findings"]}

    wait_for("the pool finding", found, 10, 0.3)
    assert api.metric("paramedic_duplicate_incarnations_total") >= 1


def test_a_sender_whose_clock_jumps_is_judged_by_ours(api):
    clock = datetime.now(timezone.utc)
    for i, jump in enumerate((0, 86400 * 400, -86400 * 400, 3600, 0)):
        api.report("jumper", seq=i + 1, period_seconds=1, sent_at=(clock + timedelta(seconds=jump)).isoformat(),
                   resources={"cpu_percent": 5 + i})
        worker = wait_for("the report", lambda: (w := api.worker("jumper"))["metrics"].get("cpu_percent") == 5 + i and w, 5)  # noqa: B023
        assert worker["status"] == "healthy", (jump, worker["issues"])
        assert worker["report_age_seconds"] is None or worker["report_age_seconds"] < 5
    still_works(api)
    assert api.history("good"), "history is whole"


def test_an_old_report_goes_to_history_only(api):
    api.report("late", seq=5, period_seconds=1, resources={"cpu_percent": 5})
    api.report("late", seq=4, period_seconds=1, age_ms=3_600_000, resources={"cpu_percent": 99})
    wait_for("it to be counted as late", lambda: api.metric("paramedic_reports_late_total") >= 1, 5)
    wait_for("it to be published", lambda: api.request("GET", "/health/workers/late", None).status_code == 200, 5)
    assert api.worker("late")["metrics"]["cpu_percent"] == 5


def test_unknown_paths_methods_and_queries_are_explained(api):
    for method, path, status in [("GET", "/nothing", 404), ("GET", "/health/workers/nobody", 404), ("PUT", "/health/workers", 405),
                                 ("POST", "/health/workers/nobody/restart", 404), ("GET", "/health/workers?statsu=critical", 400),
                                 ("GET", "/health/workers/good/history?hours=-1", 400)]:
        kwargs = {"json": {}} if method != "GET" else {}
        problem(api.request(method, path, validate=False, **kwargs), status)


def test_a_misspelt_force_is_no_force(api):
    answer = api.request("POST", "/health/workers/good/restart", json={"froce": True}, validate=False)
    assert "froce" in problem(answer, 400)


# ---- start-up -------------------------------------------------------------------------------------------------------


def refused(args, *words, env=None, preexec=None):
    done = run(args, 20, env=env, preexec=preexec)
    text = done.stderr + done.stdout
    assert done.returncode not in (0, -6, -11), text
    for word in words:
        assert str(word) in text, f"'{word}' is not in: {text}"
    return text


def test_a_bad_configuration_is_refused_with_all_its_problems(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("interval: soon\nlisten: 127.0.0.1:0\nintervall: 3s\npools:\n  p:\n    recovery:\n      stops_per_worker: many\n"
                    "    checks:\n      heartbeat:\n        warning_after: 7\n")
    for command in (["serve", "--config", str(path)], ["check-config", str(path)]):
        refused(command, "bad.yaml:1", "interval", "intervall", "stops_per_worker", "bad.yaml:7", "warning_after")
    path.write_text("interval: 3s\ninterval: 4s\n")
    refused(["serve", "--config", str(path)], "bad.yaml:2", "interval")
    path.write_text("{[}")
    refused(["serve", "--config", str(path)], "bad.yaml")
    refused(["serve", "--config", str(tmp_path / "missing.yaml")], "missing.yaml")
    refused(["agent", "--config", str(tmp_path / "missing.yaml")], "missing.yaml")
    path.write_text(json.dumps({"monitor": {"url": "http://127.0.0.1:1"}, "workers": [{"id": "a b", "command": ["true"]}]}))
    refused(["agent", "--config", str(path)], "bad.yaml")


def test_a_port_in_use_is_named(world):
    port = free_port()
    world.serve(port=port)
    path = write_yaml(world.dir / "second.yaml", monitor_config(world.dir / "other", port))
    refused(["serve", "--config", str(path)], port, "uses the port", "another port")


def test_one_data_directory_has_one_monitor(world):
    world.serve()
    path = write_yaml(world.dir / "second.yaml", monitor_config(world.dir / "monitor"))
    refused(["serve", "--config", str(path)], world.dir / "monitor")


def test_an_unwritable_data_directory_is_named(tmp_path):
    path = write_yaml(tmp_path / "m.yaml", monitor_config("/proc/paramedic"))
    refused(["serve", "--config", str(path)], "/proc/paramedic")
    (tmp_path / "file").write_text("x")
    path = write_yaml(tmp_path / "m.yaml", monitor_config(tmp_path / "file"))
    refused(["serve", "--config", str(path)], tmp_path / "file")


def mount_small(folder, megabytes):
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], capture_output=True).returncode == 0


def fill(path):
    """Takes what room there is, also what the monitor gives back from its reserve."""
    try:
        with open(path, "ab", buffering=0) as filler:
            while filler.write(b"x" * 4096):
                pass
    except OSError:
        pass


def test_a_full_disk_degrades_but_neither_crashes_nor_forgets(world):
    small = world.dir / "small"
    if not mount_small(small, 16):
        pytest.skip("needs a small file system, and this user may not mount one")
    try:
        monitor, api = world.serve(monitor_config(small / "monitor"))
        api.report("before", resources={"cpu_percent": 1})
        seq = iter(range(1, 100_000))

        def errors():
            fill(small / "filler")
            now = next(seq)
            api.post("/health/reports", [{"worker_id": f"full-{i}", "seq": now, "metrics": {f"m{k}": k * now for k in range(50)}}
                                         for i in range(20)])
            return (api.metric("paramedic_history_errors_total") or 0) + (api.metric("paramedic_ledger_errors_total") or 0)

        wait_for("errors to be counted", errors, 40)
        assert monitor.running() and api.reachable()
        assert api.worker("full-1")["status"] == "healthy", "verdicts go on"
        ready = wait_for("a part that says so", lambda: [p for p in api.get("/readyz", (200, 503))["parts"] if p["state"] != "ok"], 10)
        assert {p["name"] for p in ready} <= {"history", "ledger"} and all(p["text"] for p in ready)
        os.unlink(small / "filler")
        wait_for("storing to go on once there is room", lambda: api.report("after") and api.history("after"), 30)
        wait_for("all parts well", lambda: all(p["state"] == "ok" for p in api.get("/readyz")["parts"]), 40)
        assert monitor.stop() == 0
    finally:
        if world.processes[0].running():
            world.processes[0].popen.kill()
            world.processes[0].popen.wait()
        subprocess.run(["umount", "-l", str(small)], capture_output=True)


def test_the_worker_voice_takes_no_harm_from_garbage(world):
    _, api = world.serve()
    shout = ("import os,socket,time\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\np=os.environ['PARAMEDIC_SOCKET']\n"
             "bad=[b'',b'{',b'\\xff'*5000,b'[1]',b'{\"event\":\"nonsense\"}',b'{\"event\":\"task_finished\",\"id\":\"never\"}',b'x'*60000]\n"
             "i=0\nwhile True:\n  i+=1\n  s.sendto(bad[i%len(bad)],p)\n  s.sendto(b'{\"event\":\"beat\"}',p)\n  time.sleep(0.1)\n")
    world.run_command(api, "noisy", ["/usr/bin/python3", "-c", shout])
    wait_for("it to be healthy all the same", lambda: api.worker("noisy")["status"] == "healthy" and api.worker("noisy")["alive_at"], 30)
    pid = api.worker("noisy")["pid"]
    time.sleep(2)
    worker = api.worker("noisy")
    assert worker["pid"] == pid and not reasons(worker)


def test_the_binary_survives_nonsense_on_its_port(world):
    import socket
    monitor, api = world.serve()
    port = int(api.url.rsplit(":", 1)[1])
    nonsense = [b"\x16\x03\x01" + b"\0" * 200, b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000, b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
                b"POST /health/reports HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", b"\r\n" * 1000,
                b"GET /health/agents HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"]
    for data in nonsense:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.settimeout(5)
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except (ConnectionError, TimeoutError):
                pass
    assert monitor.running() and api.reachable()


def test_binaries_exist():
    for name in ("paramedic", "paramedic-agent"):
        assert os.access(binary(name), os.X_OK)
