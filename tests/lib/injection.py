"""A stage for injected failures: real monitor, agent and workers (tests/lib/victim.py), and the whole story of each injury.

A story is told by four witnesses, which must agree: the workers themselves (a line per life), `/restarts`, the incident with
its timeline, and the messages that reached a webhook.
"""
import os
import sys
import time
from pathlib import Path

from hook import Hook
from product import agent_config, monitor_config, wait_for, write_yaml

VICTIM = str(Path(__file__).with_name("victim.py"))
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable

# The first stop soon (later than an alert waits for others, else there is no story to tell), the cure proven in seconds; a lone
# worker may be stopped.
QUICK = {"settle": "500ms", "allow_last": True, "verify_alive": "2s", "term_grace": "2s"}


class Stage:
    """`workers`: ids, or maps with further keys of the agent's configuration; pool `p` unless they say otherwise."""

    def __init__(self, world, workers, recovery=None, checks=None, pools=None, url=None, port=0, agent=True, **agent_keys):
        self.world = world
        self.hook = Hook()
        base = monitor_config(world.dir / "monitor", port)
        default = base["pools"]["default"]
        default["recovery"].update(QUICK)
        default["recovery"].update(recovery or {})
        default["checks"].update(checks or {})
        base["pools"].update({"p": {"min_healthy": 0}, **(pools or {})})
        base.update({
            "channels": {"hook": {"type": "webhook", "url": self.hook.url}},
            "route": {"channels": ["hook"], "min_severity": "info", "group_by": ["worker_id"], "group_interval": "1s"},
            "alerting": {"keep_firing_for": "1s", "source_silent_after": "5s"}})
        self.config = base
        self.monitor, self.api = world.serve(base)
        base["listen"] = self.api.url.removeprefix("http://")  # the next life answers at the same place
        self.specs = [self.spec(w) for w in workers]
        self.agent_config = agent_config(world.dir / "agent", url or self.api.url, self.specs, **agent_keys)
        self.agent = world.agent(self.agent_config, program="small") if agent else None
        if agent:
            self.wait_healthy(*(s["id"] for s in self.specs))

    def spec(self, worker):
        given = worker if isinstance(worker, dict) else {"id": worker}
        return {"pool": "p", "command": [PYTHON, VICTIM, given["id"], str(self.world.dir)], "drain_signal": "USR1",
                "term_grace": "2s", "heartbeat_deadline": "2s", **given}

    def close(self):
        self.hook.close()

    # ---- what a test does -------------------------------------------------------------------------------------------
    def order(self, worker_id, text, when="do"):
        """An order for the present life (`do`), for each life (`always`), or for the first one (`first`)."""
        partial = self.world.dir / f"{when}-{worker_id}.new"
        partial.write_text(text)
        partial.rename(self.world.dir / f"{when}-{worker_id}")

    def countermand(self, worker_id, when="always"):
        (self.world.dir / f"{when}-{worker_id}").unlink()

    def start_agent(self, name):
        self.agent = self.world.agent(self.agent_config, name=name, program="small")

    def start_monitor(self, name):
        self.monitor, self.api = self.world.serve(self.config, name=name)

    # ---- what the workers say ---------------------------------------------------------------------------------------
    def lines(self, name, worker_id):
        path = self.world.dir / name
        rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [row[1:] for row in rows if row[0] == worker_id]

    def lives(self, worker_id):
        """pids of all its lives, oldest first."""
        return [int(row[0]) for row in self.lines("starts", worker_id)]

    def words(self, worker_id):
        return [(int(row[0]), " ".join(row[1:])) for row in self.lines("words", worker_id)]

    def pid(self, worker_id):
        return self.lives(worker_id)[-1]

    # ---- what the monitor says --------------------------------------------------------------------------------------
    def healthy(self, *ids):
        """Well, in its present life, and heard: before its first word a worker's silence means nothing for its start grace."""
        known = self.api.workers()
        return all(w in known and known[w]["status"] == "healthy" and known[w]["pid"] == self.pid(w) and known[w]["alive_at"]
                   for w in ids)

    def wait_healthy(self, *ids, timeout=60):
        wait_for(f"{', '.join(ids)} healthy", lambda: self.healthy(*ids), timeout)

    def ended_actions(self, worker_id):
        """What was done to it, oldest first; None while something goes on."""
        rows = self.api.restarts(worker_id)[::-1]
        return None if any(r["ended_at"] is None for r in rows) else rows

    def wait_actions(self, worker_id, count, timeout=60):
        return wait_for(f"{count} ended actions on {worker_id}",
                        lambda: (rows := self.ended_actions(worker_id)) is not None and len(rows) >= count and rows, timeout)

    def incidents(self, worker_id):
        """Its incidents with their timelines, oldest first."""
        found = [i for i in self.api.incidents() if worker_id in i["workers"]]
        return [self.api.get(f"/incidents/{i['id']}") for i in sorted(found, key=lambda i: i["started_at"])]

    def wait_closed(self, worker_id, count=1, timeout=60):
        """All its incidents, once none is open; each must have ended with a proof."""
        def closed():
            found = self.incidents(worker_id)
            assert len(found) >= count and not any(i["open"] for i in found), found or self.api.incidents()
            return found

        rows = wait_for(f"the incidents of {worker_id} to be closed", closed, timeout)
        for incident in rows:
            kinds = [entry["kind"] for entry in incident["timeline"]]
            assert "verified" in kinds, f"closed without a proof: {incident}"
            assert kinds.index("detected") < kinds.index("verified") <= len(kinds) - 1, incident["timeline"]
        return rows

    def told(self, worker_id, **members):
        """Messages to the webhook about this worker."""
        return [m for m in self.hook.all(**members) if any(a["worker_id"] == worker_id for a in m.alerts)]

    def untouched(self, *ids):
        """One life, no action, no incident, no message: what every neighbour of an injured worker must be."""
        for worker_id in ids:
            assert len(self.lives(worker_id)) == 1, f"{worker_id} was started {len(self.lives(worker_id))} times"
            assert self.api.restarts(worker_id) == [] and self.incidents(worker_id) == [], worker_id
            assert self.told(worker_id) == [], worker_id

    def quiet(self, seconds):
        """Nothing more is done to anybody for a while."""
        before = [(r["action_id"], r["state"]) for r in self.api.restarts()]
        time.sleep(seconds)
        assert [(r["action_id"], r["state"]) for r in self.api.restarts()] == before
