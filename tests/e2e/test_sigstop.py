"""SIGSTOP: without a voice the process state is observed; with one its silence counts. Nobody is restarted here (shadow)."""
import os
import signal

from product import check_of, monitor_config, reasons, wait_for

MUTE = ["sh", "-c", "while :; do sleep 0.2; done"]
VOICED = ["/usr/bin/python3", "-c", """
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
while True:
    s.sendto(b'{"event":"beat"}\\n', os.environ['PARAMEDIC_SOCKET'])
    time.sleep(0.5)
"""]


def test_a_stopped_process_is_seen_with_and_without_a_voice(world):
    shadow = {"recovery": {"mode": "shadow"}}
    pools = {
        "mute": {**shadow, "checks": {"heartbeat": {"stopped_after": "3s"}}},
        "voiced": {**shadow, "checks": {"heartbeat": {"warning_after": "2s", "critical_after": "4s", "stopped_after": "5m"}}},
    }
    _, api = world.serve(monitor_config(world.dir / "monitor", pools=pools))
    world.run_command(api, "mute-1", MUTE, pool="mute")
    world.run_command(api, "voiced-1", VOICED, pool="voiced")
    ids = ("mute-1", "voiced-1")
    wait_for("both healthy", lambda: all(api.worker(w)["status"] == "healthy" for w in ids), 40)
    assert check_of(api.worker("mute-1"), "heartbeat")["metrics"].get("last_heartbeat_seconds") is None, "it has no voice"
    wait_for("the voice to be heard", lambda: api.worker("voiced-1")["alive_at"], 20)
    pids = {w: api.worker(w)["pid"] for w in ids}
    for pid in pids.values():
        os.kill(pid, signal.SIGSTOP)
    mute = wait_for("the mute one stopped", lambda: "stopped" in reasons(w := api.worker("mute-1"), "critical") and w, 40)
    assert reasons(mute)["stopped"]["remedy"] == "restart"
    assert mute["status"] == "critical" and mute["health_score"] < 0.7
    voiced = wait_for("the other silent", lambda: "silent" in reasons(w := api.worker("voiced-1"), "critical") and w, 40)
    assert check_of(voiced, "heartbeat")["metrics"]["last_heartbeat_seconds"] > 4
    assert voiced["held"]["code"] == "mode_shadow", "it says what it would do"
    for pid in pids.values():
        os.kill(pid, signal.SIGCONT)
    wait_for("both well again", lambda: all(api.worker(w)["status"] == "healthy" for w in ids), 40)
    assert {w: api.worker(w)["pid"] for w in ids} == pids
