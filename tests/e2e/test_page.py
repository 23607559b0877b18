"""The dashboard in Chromium against the real demo: runs page.spec.mjs, one test per step."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from product import wait_for

pytestmark = pytest.mark.serial

SPEC = Path(__file__).with_name("page.spec.mjs")


def steps():
    return re.findall(r'^step\("([^"]+)"', SPEC.read_text(), re.M)


@pytest.fixture(scope="module")
def outcome(shared_world):
    """What each step said; the browser runs once for all of them."""
    demo, api = shared_world.demo(workers=12)
    wait_for("all demo workers healthy", lambda: api.get("/health/summary")["healthy_workers"] == 12, 60)
    done = subprocess.run(["node", str(SPEC)], env={**os.environ, "BASE_URL": api.url}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=300)
    return done.stdout


def test_the_browser_ran_every_step(outcome):
    assert len(steps()) >= 10
    assert all(step in outcome for step in steps()), outcome


@pytest.mark.parametrize("step", steps())
def test_page(outcome, step):
    line = next((l for l in outcome.splitlines() if step in l), "not run")
    assert re.match(r"\s*(ok|skipped)", line), outcome[outcome.find(line):][:1500]
