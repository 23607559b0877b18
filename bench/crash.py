#!/usr/bin/env python3
"""./dev bench crash [KILLS=200] [SEED]: kill -9 of the monitor at random instants under load, then what it kept.

tests/lib/crash.py says what the load is and what is checked. Figures: kills, acknowledged_acts, lost_ledger_entries (aim 0),
max_gap_seconds: from the first acknowledged report that no stored row knows to the kill (aim: ≤ 1 s and one row period, here
1 s, and one report), damaged: chunks and log entries that do not decode (aim 0), forgotten_rows: shown once and gone (aim 0).
"""
import os
import sys

from common import BIN, ROOT, finish, percentile, say

os.environ.setdefault("PARAMEDIC_BIN_DIR", str(BIN))
sys.path.insert(0, str(ROOT / "tests" / "lib"))

import crash  # noqa: E402
import product  # noqa: E402

KILLS, SEED = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 200), (2, 20261125)))

world = product.World()
trial = crash.CrashTrial(world, SEED)
try:
    trial.run(KILLS)
finally:
    trial.end()
    world.close()
say(f"{trial.kills} kills, {trial.start_kills} of them during the start; {len(trial.operator.acknowledged)} acts and "
    f"{len(trial.fleet.taken)} bulks of {crash.WORKERS} reports acknowledged; samples missing: median "
    f"{percentile(trial.gaps, .5):.2f} s, max {trial.max_gap:.2f} s; wrong states after the restart: {len(trial.wrong_states)}")
finish("crash", {"kills": trial.kills, "acknowledged_acts": len(trial.operator.acknowledged),
                 "lost_ledger_entries": len(trial.lost_acts) + len(trial.wrong_states), "max_gap_seconds": round(trial.max_gap, 2),
                 "damaged": trial.damaged, "forgotten_rows": len(trial.forgotten_rows)})
