"""A full disk: the monitor keeps watching and says what is wrong, starts go on, stops wait, and it recovers by itself."""
import contextlib
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from product import Api, URL, agent_config, binary, monitor_config, reasons, wait_for, write_yaml

SLEEPER = ["sh", "-c", "while :; do sleep 0.3; done"]


class SmallDisk:
    """A file system of its own for the monitor's data, in a mount namespace: made without privileges where users may."""

    def __init__(self, world, megabytes=40):
        self.dir = world.dir / "disk"
        self.dir.mkdir()
        user = [] if os.geteuid() == 0 else ["-U", "-r"]
        mount = f"mount -t tmpfs -o size={megabytes}m,mode=0700 tmpfs {self.dir}"
        made = subprocess.run(["unshare", *user, "-m", "sh", "-c", mount], capture_output=True, text=True)
        if made.returncode != 0:
            pytest.skip(f"no file system of one's own here: {made.stderr.strip()}")
        self.keeper = world.start("keeper", ["unshare", *user, "-m", "sh", "-c", f"{mount} && echo mounted && exec sleep 100000"])
        self.keeper.wait_for_log("mounted")
        inside = ["-U", "--preserve-credentials"] if user else []
        self.enter = ["nsenter", "-t", str(self.keeper.pid), *inside, "-m", "--"]
        self.seen = Path(f"/proc/{self.keeper.pid}/root{self.dir}")  # the same folder from outside
        self.ballast = self.seen / "ballast"
        self.port = 0

    def serve(self, world, name="serve"):
        path = write_yaml(world.dir / f"{name}.yaml", monitor_config(self.dir / "data", self.port))
        process = world.start(name, [*self.enter, binary(), "serve", "--config", path])
        self.port = int(process.wait_for_log(URL).group(1))
        api = Api(f"http://127.0.0.1:{self.port}")
        wait_for("the API", api.reachable, 20)
        return process, api

    def free(self):
        disk = os.statvfs(self.seen)
        return disk.f_bavail * disk.f_frsize

    def fill(self):
        with open(self.ballast, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        assert self.free() == 0

    def empty(self):
        self.ballast.unlink()


def parts(api):
    return {p["name"]: p for p in api.get("/readyz")["parts"]}


def says(api, name, state, text=""):
    part = parts(api)[name]
    return part["state"] == state and text in part.get("text", "") and part


def pid_of(api, worker_id, but=None):
    worker = api.worker(worker_id)
    return worker["status"] == "healthy" and worker["pid"] != but and worker["pid"]


def crash(api, worker_id):
    """Kills the worker; returns the pid of its successor."""
    pid = api.worker(worker_id)["pid"]
    os.kill(pid, signal.SIGKILL)
    return wait_for(f"{worker_id} to be started again", lambda: pid_of(api, worker_id, but=pid), 40)


def well(api):
    return all(p["state"] == "ok" for p in parts(api).values())


def test_a_full_disk_stops_no_start_and_every_stop(world):
    disk = SmallDisk(world)
    monitor, api = disk.serve(world)
    ids = ("a", "b", "c", "stuck")
    world.agent(agent_config(world.dir / "agent", api.url, [{"id": w, "pool": w, "command": SLEEPER} for w in ids]))
    for worker_id in ids:
        wait_for(f"{worker_id} healthy", lambda: pid_of(api, worker_id), 40)  # noqa: B023
    assert well(api), parts(api)
    stuck = api.worker("stuck")["pid"]

    # Full: history leaves what the reserve gives back to the ledger, whose commits go on.
    disk.fill()
    wait_for("history to wait", lambda: says(api, "history", "degraded", "left to the ledger; free some space"), 20)
    crash(api, "a")
    wait_for("the reserve to be told as spent", lambda: says(api, "ledger", "degraded", "no space is held in reserve: free some"), 20)
    assert api.metric("paramedic_ledger_reserve_spent") == 1
    assert api.metric("paramedic_ledger_degraded") == 0, "it is what the reserve is for"
    assert not (disk.seen / "data/ledger.reserve").exists()

    # The reserve is used up as well.
    disk.fill()
    crash(api, "b")
    wait_for("the ledger to be degraded", lambda: says(api, "ledger", "degraded", "cannot commit"), 20)
    assert "free some space on this file system" in parts(api)["ledger"]["text"]
    assert api.metric("paramedic_ledger_degraded") == 1 and api.metric("paramedic_history_degraded") == 1
    os.kill(stuck, signal.SIGSTOP)
    wait_for("it is still seen", lambda: "stopped" in reasons(api.worker("stuck"), "critical"), 40)
    wait_for("the stop to be held", lambda: api.worker("stuck")["held"]["code"] == "ledger_degraded", 20)
    monitor.wait_for_log("alert_firing.*stuck")
    crash(api, "c")
    waiting = api.metric("paramedic_history_buffered_rows")
    wait_for("rows to wait in memory", lambda: api.metric("paramedic_history_buffered_rows") > waiting, 20)
    assert api.worker("stuck")["pid"] == stuck and not api.restarts("stuck")
    began = api.get("/health/summary")["at"]

    # Space again: everything goes on by itself.
    disk.empty()
    wait_for("the ledger to commit", lambda: api.metric("paramedic_ledger_degraded") == 0, 20)
    wait_for("the stuck one to be restarted", lambda: pid_of(api, "stuck", but=stuck), 60)
    wait_for("all to be well, the reserve too", lambda: well(api), 60)
    assert (disk.seen / "data/ledger.reserve").stat().st_blocks > 0
    assert api.metric("paramedic_history_dropped_rows_total") == 0
    rows = [r for r in api.history("a") if r["timestamp"] < began]
    assert len(rows) > 5, "rows of that time were kept"
    wait_for("its proof", lambda: [r["state"] for r in api.restarts("stuck")] == ["succeeded"], 40)
    assert monitor.stop() == 0
    assert "ledger_entries_lost" not in monitor.log()


def test_a_monitor_comes_up_on_a_full_disk(world):
    disk = SmallDisk(world)
    monitor, api = disk.serve(world)
    api.report("w", pool="p", process={"pid": 1, "state": "S"})
    assert monitor.stop() == 0
    disk.fill()
    monitor, api = disk.serve(world, "serve-again")
    api.report("w", pool="p")
    wait_for("history to wait", lambda: says(api, "history", "degraded", "free some space"), 20)
    assert says(api, "ledger", "degraded", "no space is held in reserve")
    disk.empty()
    wait_for("all to be well", lambda: well(api), 60)


def test_a_limit_on_file_sizes_degrades_and_names_itself(world):
    monitor, api = world.serve()
    world.agent(agent_config(world.dir / "agent", api.url, [{"id": w, "pool": w, "command": SLEEPER} for w in ("a", "b")]))
    for worker_id in ("a", "b"):
        wait_for(f"{worker_id} healthy", lambda: pid_of(api, worker_id), 40)  # noqa: B023
    limits = resource.prlimit(monitor.pid, resource.RLIMIT_FSIZE)
    log = (world.dir / "monitor/ledger.db-wal").stat().st_size
    resource.prlimit(monitor.pid, resource.RLIMIT_FSIZE, (log, limits[1]))
    crash(api, "a")
    wait_for("the ledger to be degraded", lambda: says(api, "ledger", "degraded", "LimitFSIZE"), 20)
    crash(api, "b")
    resource.prlimit(monitor.pid, resource.RLIMIT_FSIZE, limits)
    wait_for("all to be well", lambda: well(api), 60)
    assert monitor.stop() == 0
