"""Ten restarts of the monitor under 100 live workers: no transition to warning or critical, no budget reset, history kept."""
import os
import signal
import threading
import time

import pytest
from product import agent_config, free_port, monitor_config, wait_for

pytestmark = pytest.mark.serial

PROCESSES, REPORTERS, RESTARTS = 80, 20, 10


class Reporters(threading.Thread):
    """Workers without an agent: they POST each second, and go on when nobody listens."""

    def __init__(self, api):
        super().__init__(daemon=True)
        self.api, self.ended, self.sent = api, False, 0

    def run(self):
        while not self.ended:
            begun = time.monotonic()
            reports = [{"worker_id": f"http-{i}", "pool": "http", "period_seconds": 1, "resources": {"cpu_percent": 5, "memory_mb": 50}}
                       for i in range(REPORTERS)]
            try:
                answer = self.api.session.post(self.api.url + "/health/reports", json=reports, timeout=2)
                self.sent += answer.status_code in (200, 202)
            except OSError:
                pass
            time.sleep(max(0.0, 1 - (time.monotonic() - begun)))


def test_ten_restarts_under_a_hundred_workers_alarm_nobody(world):
    port = free_port()
    config = monitor_config(world.dir / "monitor", port)
    monitor, api = world.serve(config)
    workers = [{"id": "w-%i", "count": PROCESSES, "pool": "p", "command": ["sleep", "100000"]}]
    world.agent(agent_config(world.dir / "agent", api.url, workers))
    reporters = Reporters(api)
    reporters.start()
    total = PROCESSES + REPORTERS
    wait_for("a hundred healthy workers", lambda: api.get("/health/summary")["healthy_workers"] == total, 60)

    # Something to forget: two crashes of w-1, and one counted stop of w-2.
    for crashes in (1, 2):
        os.kill(api.worker("w-1")["pid"], signal.SIGKILL)
        wait_for(f"{crashes} crashes", lambda: (w := api.worker("w-1"))["crashes"] == crashes and w["status"] == "healthy", 40)  # noqa: B023
    os.kill(api.worker("w-2")["pid"], signal.SIGSTOP)
    wait_for("a counted stop", lambda: (w := api.worker("w-2"))["stops_used"] == 1 and w["status"] == "healthy", 60)
    wait_for("its proof", lambda: api.restarts("w-2")[0]["state"] == "succeeded", 40)
    wait_for("quiet", lambda: api.get("/health/summary")["healthy_workers"] == total, 30)
    began = api.get("/health/summary")["at"]
    rows_before = len(api.history("w-3"))
    pids = {w: v["pid"] for w, v in api.workers().items()}
    restarts_before = {r["action_id"] for r in api.restarts()}

    streams = []
    for i in range(RESTARTS):
        how = signal.SIGKILL if i % 2 else signal.SIGTERM
        assert monitor.stop(how) == (-signal.SIGKILL if i % 2 else 0), monitor.log()[-2000:]
        monitor, api = world.serve(config, name=f"serve-{i}")
        reporters.api = api
        streams.append(world.stream(api))
        wait_for("all to be back", lambda: api.get("/health/summary")["healthy_workers"] == total, 40)  # noqa: B023

    for stream in streams:
        bad = [e for e in stream.seen(kind="transition") if e["to"] in ("warning", "critical")]
        assert not bad, bad[:5]
    worst = {}
    for worker_id in pids:
        for row in api.history(worker_id):
            if row["timestamp"] > began and row["status"] in ("warning", "critical"):
                worst.setdefault(worker_id, row)
    assert not worst, worst
    assert {w: v["pid"] for w, v in api.workers().items()} == pids
    assert {r["action_id"] for r in api.restarts()} == restarts_before, "no new action, none forgotten"
    assert api.worker("w-1")["crashes"] == 2, "the start backoff is remembered"
    assert api.worker("w-2")["stops_used"] == 1, "the stop budget is remembered"
    assert len(api.history("w-3")) > rows_before, "history is kept and goes on"
    alarms = [(i["title"], i["started_at"], i["open"]) for i in api.incidents() if i["started_at"] > began]
    assert alarms == [], "a restart of the monitor is no incident"
    reporters.ended = True
