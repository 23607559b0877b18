"""Kills a monitor at random instants under load and checks what it kept. Used by tests/e2e/test_crash.py and bench/crash.py.

Load: a fleet reports in bulk over HTTP, its metric `n` counts the bulks; an operator acts without pause, each act with a reason
of its own; somebody reads histories. What was answered 2xx is acknowledged. After each restart:
* every acknowledged act is in /audit, and the latest one of each worker still holds (quarantine, maintenance);
* the bulks that were acknowledged but are in no stored row span at most 1 s (group commit) and one row period;
* rows that were ever shown by the history are still there;
* no chunk, log entry or ledger record fails to decode.
"""
import json
import random
import signal
import threading
import time
from datetime import datetime

import requests
from product import free_port, monitor_config, run, wait_for

WORKERS, PERIOD = 40, 0.2
ROW_PERIOD = 1.0  # `interval` and `history.resolution` of monitor_config
GROUP_COMMIT = 1.0
LOOKED_AT = 6  # workers whose history is read after each kill
START_KILLS = 0.2  # share of kills that hit the start


def seconds(stamp):
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


class Loop(threading.Thread):
    """Calls act() again and again until it is ended; a monitor that is away is no error."""

    def __init__(self, act, pause):
        super().__init__(daemon=True)
        self.act, self.pause, self.ended, self.failure = act, pause, threading.Event(), None
        self.start()

    def run(self):
        while not self.ended.is_set():
            try:
                self.act()
            except requests.RequestException:
                pass
            except Exception as failure:  # told by the main thread
                self.failure = failure
                return
            self.ended.wait(self.pause)

    def end(self):
        self.ended.set()
        self.join(20)
        if self.failure:
            raise self.failure


class Fleet:
    """Workers without an agent. `taken` = (n, when it was sent, when it was answered) of each acknowledged bulk."""

    def __init__(self, url):
        self.url, self.n, self.taken, self.last_turn, self.stalls = url, 0, [], None, []
        self.session = requests.Session()
        self.loop = Loop(self.report, PERIOD)

    def report(self):
        now = time.time()
        if self.last_turn:
            self.stalls.append((now, now - self.last_turn))
        self.last_turn = now
        self.n += 1
        bulk = [{"worker_id": f"crash-{i}", "pool": "crash", "period_seconds": PERIOD, "metrics": {"n": self.n, "i": i},
                 "resources": {"cpu_percent": (self.n * 7 + i) % 100, "memory_mb": 100 + i}} for i in range(WORKERS)]
        answer = self.session.post(self.url + "/health/reports", json=bulk, timeout=5)
        if answer.status_code == 202:
            self.taken.append((self.n, now, time.time()))

    def stall(self, before):
        """How much longer than planned the slowest turn of the last seconds took: this machine had other things to do."""
        slowest = max((took for at, took in self.stalls if before - 6 < at <= before + 1), default=PERIOD)
        return max(0.0, slowest - PERIOD)


class Operator:
    """Acts of a person, one after the other. `acknowledged` = reason → (verb, worker)."""

    VERBS = {"quarantine": ("quarantined", True), "release": ("quarantined", False),
             "begin": ("maintenance", True), "end": ("maintenance", False)}

    def __init__(self, url, seed):
        self.url, self.random, self.count = url, random.Random(seed), 0
        self.acknowledged, self.refused, self.holds = {}, {}, {}
        self.session = requests.Session()
        self.loop = Loop(self.act, 0.01)

    def act(self):
        worker = f"crash-{self.random.randrange(WORKERS)}"
        verb = self.random.choice(list(self.VERBS))
        self.count += 1
        reason = f"act-{self.count}"
        what, value = self.VERBS[verb]
        self.holds.pop((what, worker), None)  # until the answer is there, both are right
        if what == "quarantined":
            path, body = f"/health/workers/{worker}/{verb}", {"reason": reason}
        else:
            path, body = "/maintenance", {"worker_id": worker, "on": value, "reason": reason}
        answer = self.session.post(self.url + path, json=body, timeout=5)
        if answer.status_code in (200, 202):
            self.acknowledged[reason] = (verb, worker)
            self.holds[(what, worker)] = value
        else:
            self.refused.setdefault(answer.status_code, answer.text[:300])


class Reader:
    """Somebody who looks at histories. What was shown is stored: `shown` = worker → instants, `fresh` = read since the last check."""

    def __init__(self, url, seed):
        self.url, self.random, self.shown, self.fresh = url, random.Random(seed + 1), {}, []
        self.session = requests.Session()
        self.loop = Loop(self.read, 0.05)

    def read(self):
        worker = f"crash-{self.random.randrange(WORKERS)}"
        answer = self.session.get(f"{self.url}/health/workers/{worker}/history?hours=1", timeout=5)
        if answer.status_code == 200:
            self.shown[worker] = self.shown.get(worker, set()) | {seconds(row["timestamp"]) for row in answer.json()}
            self.fresh.append(worker)


class CrashTrial:
    """`world` is a product.World. Figures stand in kills, lost_acts, max_gap, max_excess, damaged, forgotten_rows."""

    def __init__(self, world, seed):
        self.world, self.random = world, random.Random(seed)
        self.port = free_port()
        self.config = monitor_config(world.dir / "monitor", self.port)
        url = f"http://127.0.0.1:{self.port}"
        self.fleet, self.operator, self.reader = Fleet(url), Operator(url, seed), Reader(url, seed)
        self.kills, self.start_kills, self.damaged, self.max_gap, self.max_excess = 0, 0, 0, 0.0, 0.0
        self.lost_acts, self.forgotten_rows = set(), set()
        self.wrong_states, self.gaps = [], []
        self.audited = set()
        self.monitor = self.api = None

    def run(self, kills):
        self.start()
        wait_for("the fleet to be known", lambda: len(self.api.workers()) == WORKERS, 30)
        while self.kills < kills:
            life_began = time.time()
            time.sleep(self.random.uniform(0.1, 2.6))
            killed = self.kill()
            while self.kills < kills and self.random.random() < START_KILLS:
                self.start(wait=False)
                time.sleep(self.random.uniform(0.0, 0.5))
                self.kill()
                self.start_kills += 1
            self.start()
            self.check(life_began, killed)
        self.finish()

    def start(self, wait=True):
        self.monitor, self.api = self.world.serve(self.config, name=f"serve-{self.kills}", wait=wait)

    def kill(self):
        at = time.time()
        assert self.monitor.stop(signal.SIGKILL) == -signal.SIGKILL, self.monitor.log()[-3000:]
        self.kills += 1
        return at

    def check(self, life_began, killed):
        self.check_acts()
        read, self.reader.fresh = self.reader.fresh, []
        for worker in {*read[-LOOKED_AT:], *(f"crash-{i}" for i in self.random.sample(range(WORKERS), LOOKED_AT))}:
            self.check_samples(worker, life_began, killed)
        self.check_damage()

    def check_acts(self):
        acknowledged = {reason: act for reason, act in self.operator.acknowledged.copy().items() if reason not in self.audited}
        holds = self.operator.holds.copy()
        in_audit = self.audit_reasons(acknowledged)
        self.lost_acts |= {(reason, act) for reason, act in acknowledged.items() if reason not in in_audit}
        self.audited |= set(acknowledged)
        maintenance = {m["id"] for m in self.api.get("/maintenance")["maintenance"] if m["on"]}
        states = {w["worker_id"]: w["state"] for w in self.api.get("/health/workers")["workers"]}
        for (what, worker), value in holds.items():
            # The operator goes on meanwhile: only what still stands as it did before the question is compared.
            if self.operator.holds.get((what, worker)) is not value:
                continue
            if what == "maintenance" and (f"worker/{worker}" in maintenance) != value:
                self.wrong_states.append((what, worker, value))
            if what == "quarantined" and value and states.get(worker) not in ("quarantined", "maintenance"):
                self.wrong_states.append((what, worker, value, states.get(worker)))

    def audit_reasons(self, wanted):
        """Reasons in /audit, newest first, until all wanted ones were met or the list ends."""
        found, before = set(), None
        while True:
            page = self.api.get("/audit", params={"limit": 1000, **({"before": before} if before else {})})
            found |= {entry["reason"] for entry in page["audit"]}
            before = page.get("next")
            if not before or all(reason in found for reason in wanted):
                return found

    def check_samples(self, worker, life_began, killed):
        shown = self.reader.shown.get(worker, set())  # before the question: the reader goes on
        rows = {seconds(row["timestamp"]): row["metrics"].get("n") for row in self.api.history(worker)}
        self.forgotten_rows |= {(worker, at) for at in shown if at not in rows}
        stored = max((n for at, n in rows.items() if at <= killed and n is not None), default=0)
        # The first bulk of this life that no row knows.
        lost = [sent for n, sent, answered in self.fleet.taken.copy() if n > stored and sent >= life_began and answered <= killed]
        gap = killed - lost[0] if lost else 0.0
        excess = gap - (GROUP_COMMIT + ROW_PERIOD + PERIOD + self.fleet.stall(killed))
        self.gaps.append(gap)
        self.max_gap, self.max_excess = max(self.max_gap, gap), max(self.max_excess, excess)

    def check_damage(self):
        for name in ("paramedic_history_damaged_total",):
            value = self.api.metric(name)
            assert value is not None, name
            self.damaged += int(value)

    def finish(self):
        for load in (self.operator, self.fleet, self.reader):
            load.loop.end()
        self.check_acts()
        for worker, shown in self.reader.shown.items():
            rows = {seconds(row["timestamp"]) for row in self.api.history(worker)}
            self.forgotten_rows |= {(worker, at) for at in shown if at not in rows}
        everything = self.audit_reasons(self.operator.acknowledged)
        self.lost_acts |= {(reason, act) for reason, act in self.operator.acknowledged.items() if reason not in everything}
        assert self.monitor.stop() == 0, self.monitor.log()[-3000:]
        check = run(["check-data", str(self.world.dir / "monitor"), "--json"])
        self.damaged += json.loads(check.stdout)["damaged"]

    def end(self):
        """Ends the load whatever happened."""
        for load in (self.operator, self.fleet, self.reader):
            load.loop.ended.set()
