"""500 workers turn ill at once because their broker is gone: one message, at most one update, one end."""
import time

import pytest

from hook import Hook
from product import monitor_config, wait_for

pytestmark = pytest.mark.serial

WORKERS = 500
PERIOD = 2


@pytest.fixture
def hook():
    hook = Hook()
    yield hook
    hook.close()


class Fleet:
    """500 workers that report for themselves, in one bulk per round."""

    def __init__(self, api):
        self.api, self.seq = api, 0
        self.ids = [f"mail-{i}" for i in range(WORKERS)]

    def report(self, connected):
        self.seq += 1
        queue = {"broker": "redis-a", "name": "mail", "connected": connected, "ready": 5 if connected else None,
                 "consumed": 10 * self.seq if connected else None}
        reports = [{"worker_id": w, "pool": "mail", "host": f"h{i % 25}", "incarnation": f"1-{i}", "seq": self.seq, "period_seconds": PERIOD,
                    "resources": {"cpu_percent": 20}, "queues": [queue]} for i, w in enumerate(self.ids)]
        assert self.api.post("/health/reports", reports)["accepted"] == WORKERS

    def rounds(self, connected, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            self.report(connected)
            time.sleep(max(0, PERIOD / 2 - (time.monotonic() - begun)))


def test_a_broker_outage_of_500_workers_is_one_story(world, hook):
    config = monitor_config(world.dir / "monitor", extra={
        "channels": {"hook": {"type": "webhook", "url": hook.url}}, "route": {"channels": ["hook"]},
        "limits": {"new_ids_per_second": 100000}})
    config["interval"] = "5s"
    _, api = world.serve(config)
    fleet = Fleet(api)
    fleet.rounds(True, 6)
    wait_for("all healthy", lambda: api.get("/health/summary")["healthy_workers"] == WORKERS)
    assert hook.all() == []

    fleet.rounds(False, 15)
    first = hook.wait("the outage told")
    assert first.kind == "firing" and first.severity == "critical", first
    assert "redis-a" in first.title and f"all {WORKERS} workers" in first.text, first.text
    assert first.worker_count == WORKERS, first
    summary = api.get("/health/summary")
    assert summary["critical_workers"] == 0, "nobody is called ill for it"
    during = hook.all()
    assert len(during) <= 2, during
    assert [m.kind for m in during[1:]] in ([], ["update"]), during
    assert len([i for i in api.incidents() if not i["ended_at"]]) == 1

    fleet.rounds(True, 8)
    end = wait_for("its end told", lambda: fleet.report(True) or hook.all(kind="resolved"))[0]
    assert end.group_key == first.group_key and end.firing_count == 0 and end.worker_count == WORKERS
    fleet.rounds(True, 6)
    assert len(hook.all()) == len(during) + 1, hook.all()
    print(f"messages: {[repr(m) for m in hook.all()]}")
