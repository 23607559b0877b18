#!/usr/bin/env python3
"""./dev bench restart: crash → new process, one at a time and 200 at once.

One at a time: three agents with TRIALS workers each, tiny static programs, sh and Python; every GAP seconds one worker of each
is killed with -9 and its successor writes the time of its first instruction, of its first line. Each worker dies once, so that
no backoff is waited for. 200 at once: an agent with FLEET workers (sh), all killed in one go, until the last one runs again;
RUNS times, each with an agent of its own. Where that time goes is read from the agent's log: more than three deaths within
10 s on a host make each further start wait 0-10 s by design (so that 200 starts do not come in one instant); what is beyond
the announced wait is ours. Beside it in the same run: Monit with a 1 s cycle (../shared/bench/restart_latency.py).
TRIALS=20 GAP=4.1 RUNS=3 FLEET=200 PEERS=1.
"""
import os
import re
import signal
import sys
import time

from common import Monitor, cpu_seconds, finish, median, percentile, say
from lives import kill_and_wait, monit_ms, stamp, stamping_program, stamping_python, stamping_shell, start_agent, wait

TRIALS = int(os.environ.get("TRIALS", "20"))
GAP = float(os.environ.get("GAP", "4.1"))
RUNS = int(os.environ.get("RUNS", "3"))
FLEET = int(os.environ.get("FLEET", "200"))
PEERS = os.environ.get("PEERS", "1") != "0"
KINDS = {"exec": "first instruction of a static program", "sh": "first line of sh", "python": "first line of Python"}


def one_at_a_time():
    monitor, agents = Monitor(), []
    place = monitor.dir
    try:
        program = stamping_program(place)
        commands = {"exec": lambda path: [program, path], "sh": stamping_shell, "python": stamping_python}
        names = {kind: [f"{place}/{kind}-{i}" for i in range(TRIALS)] for kind in KINDS}
        for kind in KINDS:
            agents.append(start_agent(monitor, f"agent-{kind}", [
                {"id": f"{kind}-{i}", "pool": kind, "command": commands[kind](path)} for i, path in enumerate(names[kind])]))
        wait(lambda: all(stamp(path)[1] for paths in names.values() for path in paths))
        time.sleep(7)  # leases are there, everybody has reported
        times = {kind: [] for kind in KINDS}
        for i in range(TRIALS):
            turn = time.time() + GAP
            for kind in KINDS:
                begin, again = kill_and_wait(names[kind][i])
                times[kind].append((again - begin) / 1e6)
                time.sleep(0.1)
            time.sleep(max(0, turn - time.time()))
        return times
    finally:
        for agent in agents:
            agent.stop()
        monitor.stop()


def announced_waits(log):
    """Worker → seconds, of the waits that the agent announced after the deaths."""
    unit = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3}
    return {worker: sum(float(number) * unit[of] for number, of in re.findall(r"([\d.]+)(ms|h|m|s)", text))
            for worker, text in re.findall(r"worker_waits .*?worker=(\S+) .*?start_in=(\S+)", log)}


def all_at_once(run):
    """One mass death: seconds until each runs again, what the agent announced to wait, until the monitor sees all well, agent's CPU."""
    monitor, agent = Monitor(), None
    place = monitor.dir
    try:
        names = [f"{place}/w-{i}" for i in range(FLEET)]
        workers = [{"id": f"w-{i}", "pool": "fleet", "command": stamping_shell(path)} for i, path in enumerate(names)]
        agent = start_agent(monitor, f"fleet-{run}", workers)
        wait(lambda: all(stamp(path)[1] for path in names), 120, 0.1)
        connection = monitor.connection()
        seen = lambda: monitor.get("/health/summary", connection)[1]["healthy_workers"]  # noqa: E731
        wait(lambda: seen() == FLEET, 120, 0.1)
        time.sleep(3)
        old = [stamp(path) for path in names]
        cpu = cpu_seconds(agent.pid)
        begin = time.time_ns()
        for _, pid in old:
            os.kill(pid, signal.SIGKILL)
        killed = time.time_ns()
        wait(lambda: all(stamp(path)[0] > at for path, (at, _) in zip(names, old)), 120, 0.05)
        after = [(stamp(path)[0] - begin) / 1e9 for path in names]
        wait(lambda: seen() == FLEET, 120, 0.02)
        well = (time.time_ns() - begin) / 1e9
        waits = announced_waits(open(f"{place}/fleet-{run}.log").read())
        beyond = [t - waits.get(f"w-{i}", 0) for i, t in enumerate(after)]
        say(f"{FLEET} killed within {(killed - begin) / 1e6:.0f} ms; running again: first {min(after) * 1000:.0f} ms, median {median(after):.2f} s, "
            f"last {max(after):.2f} s; {len(waits)} were told to wait, at most {max(waits.values(), default=0):.2f} s; beyond the wait: "
            f"median {median(beyond) * 1000:.0f} ms, p99 {percentile(beyond, .99) * 1000:.0f} ms, max {max(beyond) * 1000:.0f} ms; "
            f"the monitor sees all well after {well:.2f} s; CPU of the agent {cpu_seconds(agent.pid) - cpu:.2f} s")
        return max(after), max(waits.values(), default=0), max(beyond), well
    finally:
        if agent:
            agent.stop(60)
        monitor.stop()


times = one_at_a_time()
for kind, title in KINDS.items():
    values = times[kind]
    say(f"{title}: median {median(values):.2f} ms, p90 {percentile(values, .9):.2f} ms, max {max(values):.2f} ms, n={len(values)}")
fleet = [all_at_once(run) for run in range(RUNS)]
if not fleet:
    sys.exit("RUNS must be 1 or more")
last, waited, beyond, well = (median(column) for column in zip(*fleet))
figures = {"exec_ms_median": round(median(times["exec"]), 3), "restart_ms_median": round(median(times["sh"]), 3),
           "python_ms_median": round(median(times["python"]), 3), f"fleet{FLEET}_s": round(last, 2),
           f"fleet{FLEET}_wait_s": round(waited, 2), f"fleet{FLEET}_beyond_ms": round(beyond * 1000, 1),
           f"fleet{FLEET}_seen_well_s": round(well, 2), "trials": TRIALS, "runs": RUNS}
peer = monit_ms(15) if PEERS else None
if peer is not None:
    figures["peer_ms_median"] = round(peer, 1)
    say(f"Monit, 1 s cycle, same run: median {peer:.0f} ms")
finish("restart", figures)
