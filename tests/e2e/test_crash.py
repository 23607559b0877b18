"""kill -9 of the monitor at twenty random instants under load: no acknowledged act, no stored sample, no chunk is lost."""
import pytest
import crash

pytestmark = pytest.mark.serial

KILLS, SEED = 20, 20261125


def test_twenty_kills_lose_nothing_acknowledged(world):
    trial = crash.CrashTrial(world, SEED)
    try:
        trial.run(KILLS)
    finally:
        trial.end()
    assert trial.kills == KILLS
    assert len(trial.operator.acknowledged) > 5 * KILLS and len(trial.fleet.taken) > 2 * KILLS, "there was load"
    assert len(trial.reader.shown) > crash.LOOKED_AT, "and somebody looked"
    # 404: a worker without an agent is known again with its first report.
    assert not set(trial.operator.refused) - {404, 409}, trial.operator.refused
    assert not trial.lost_acts
    assert trial.wrong_states == []
    assert not trial.forgotten_rows
    assert trial.damaged == 0
    assert trial.max_excess == 0, f"samples of {trial.max_gap:.2f} s are missing"
