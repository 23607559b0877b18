"""Workers that write the time of their first act, for benchmarks of restarts; and Monit, the peer of these."""
import json
import os
import signal
import subprocess
import sys
import time

from common import BIN, SHARED, Process, say

C_WORKER = r"""
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char** argv) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  char text[64];
  int n = snprintf(text, sizeof text, "%lld %d\n", (long long)t.tv_sec * 1000000000LL + t.tv_nsec, (int)getpid());
  int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (write(fd, text, n) != n) return 1;
  close(fd);
  for (;;) pause();
}
"""
SH_WORKER = 'IFS= read -r _ < /dev/null; echo "$(date +%s%N) $$" > "$0.tmp"; mv "$0.tmp" "$0"; exec sleep 1000000'
PYTHON_WORKER = "import time\nt = time.time_ns()\nimport os, sys\nopen(sys.argv[1], 'w').write(f'{t} {os.getpid()}')\nwhile True: time.sleep(1000)"


def stamping_program(place):
    """A tiny static program: its first instruction takes the time, then it writes time and pid into the file argv[1]."""
    open(f"{place}/worker.c", "w").write(C_WORKER)
    subprocess.run(["gcc", "-O2", "-static", "-o", f"{place}/worker", f"{place}/worker.c"], check=True)
    return f"{place}/worker"


def stamping_shell(path):
    """The same by an interpreter: the command of a worker whose first line takes the time."""
    return ["/bin/sh", "-c", SH_WORKER, path]


def stamping_python(path):
    return ["/usr/bin/python3", "-c", PYTHON_WORKER, path]


def stamp(path):
    """(time in ns, pid) of the latest life."""
    try:
        at, pid = open(path).read().split()
        return int(at), int(pid)
    except (OSError, ValueError):
        return 0, 0


def wait(condition, seconds=20, step=0.001):
    end = time.time() + seconds
    while time.time() < end:
        value = condition()
        if value:
            return value
        time.sleep(step)
    sys.exit("timed out")


def kill_and_wait(path):
    """Kills the life that wrote this file; (when, when its successor wrote it) in ns."""
    old, pid = stamp(path)
    begin = time.time_ns()
    os.kill(pid, signal.SIGKILL)
    return begin, wait(lambda: (at := stamp(path)[0]) > old and at)


def start_agent(monitor, name, workers, **keys):
    """An agent of `monitor` with a folder, id and host of its own."""
    place = f"{monitor.dir}/{name}"
    config = {"monitor": {"url": monitor.url}, "data_dir": place, "agent_id": name, "host": name, "workers": workers, **keys}
    open(f"{place}.yaml", "w").write(json.dumps(config))  # JSON is YAML
    return Process([str(BIN / "paramedic-agent"), "--config", f"{place}.yaml"], f"{place}.log")


def monit_ms(trials):
    """Median of Monit with a 1 s cycle, in ms; None when it is not there."""
    script = SHARED / "restart_latency.py"
    if not script.exists():
        say(f"left out: Monit; {script} is not there")
        return None
    try:
        out = subprocess.run([sys.executable, str(script), "--mode", "monit", "--trials", str(trials)], stdout=subprocess.PIPE, text=True, timeout=300)
        return json.loads(out.stdout.strip().splitlines()[-1])["median"] * 1000
    except (subprocess.TimeoutExpired, ValueError, IndexError, KeyError):
        say("left out: Monit is not installed or did not run (./dev setup bench)")
        return None
