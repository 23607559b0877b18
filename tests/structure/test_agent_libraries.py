"""The small agent stays small: no SQLite, curl, snappy or OpenTelemetry in paramedic-agent (design section 13)."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/lib"))
HEAVY = re.compile(r"lib(curl|sqlite3|snappy|opentelemetry)[\w.-]*")


def needed(binary):
    text = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in text.splitlines() if line.strip()}


def test_the_agent_links_none_of_the_monitors_libraries():
    from product import binary
    agent = needed(binary("paramedic-agent"))
    assert agent and not [lib for lib in agent if HEAVY.match(lib)], sorted(agent)


def test_the_monitor_does_so_the_test_can_fail():
    from product import binary
    monitor = needed(binary("paramedic"))
    assert {"libcurl", "libsqlite3", "libsnappy"} <= {"lib" + m.group(1) for lib in monitor if (m := HEAVY.match(lib))}
