"""A real redis-server for end-to-end tests: as the ledger and the history want it, killed and started again."""
import shutil
import signal
import subprocess

import pytest
from product import free_port

needs_redis = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is missing: ./dev setup test")


class Redis:
    """On a free port of 127.0.0.1, with an append-only file of its own. `settings` come last and win."""

    def __init__(self, world, *settings, name="redis"):
        self.world, self.name, self.settings = world, name, settings
        self.port, self.dir = free_port(), world.dir / name
        self.dir.mkdir()
        self.start()

    def start(self):
        self.process = self.world.start(self.name, ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.dir, "--save", "",
                                                    "--appendonly", "yes", "--appendfsync", "always", *self.settings])
        self.process.wait_for_log("Ready to accept connections")

    def kill(self):
        self.process.stop(signal.SIGKILL)

    def call(self, *command):
        """What redis-cli prints."""
        done = subprocess.run(["redis-cli", "-p", str(self.port), *map(str, command)], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.rstrip("\n")

    def store(self, **more):
        """For the keys `ledger` and `history` of a monitor's configuration."""
        return {"store": "redis", "redis": {"address": f"127.0.0.1:{self.port}", "name": "e2e", "timeout": "1s", **more}}


def part(api, name):
    """One part of /readyz, whatever the status of the whole."""
    return next(p for p in api.request("GET", "/readyz", (200, 503)).json()["parts"] if p["name"] == name)
