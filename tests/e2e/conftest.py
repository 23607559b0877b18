"""Fixtures: `world` gives each test its own folder and processes and fails it when a process outlives them."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import injection  # noqa: E402
import product  # noqa: E402


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        item.session.stash.setdefault(FAILED, set()).add(item.module.__name__)
        item.stash[FAILED] = True


FAILED = pytest.StashKey()


@pytest.fixture
def world(request):
    made = product.World()
    yield made
    made.close(failed=request.node.stash.get(FAILED, False))


@pytest.fixture(scope="module")
def shared_world(request):
    """For modules whose tests look at one running product."""
    made = product.World()
    yield made
    made.close(failed=request.module.__name__ in request.session.stash.get(FAILED, set()))


@pytest.fixture
def stage_of(world):
    """Makes stages for injected failures (tests/lib/injection.py): `stage_of(["w-1", …], …)`."""
    made = []

    def make(workers, **more):
        made.append(injection.Stage(world, workers, **more))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


@pytest.fixture(scope="session", autouse=True)
def binaries():
    return product.bin_dir()
