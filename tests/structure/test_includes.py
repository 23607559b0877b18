"""The arrows of ARCHITECTURE.md: which folder may include which. Fails on a forbidden include.

`base <- model <- each folder of core (never one another) <- core/engine`; io and app as listed below. System headers
that would bring a clock, a thread, a socket or a file into core are forbidden there too.
"""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"

CORE = ["core/fleet", "core/checks", "core/verdict", "core/alerting", "core/recovery", "core/analysis"]
IO_USERS = ["io/net", "io/outgoing", "io/process", "io/wire", "model", "base"]
ALLOWED = {
    "base": [],
    "model": ["base"],
    **{folder: ["model", "base"] for folder in CORE},
    "core/engine": [*CORE, "model", "base"],
    "io/net": ["base"],
    "io/process": ["base"],
    "io/outgoing": ["io/net", "io/wire", "model", "base"],
    "io/config": ["model", "base"],
    "io/time_zones": ["model", "base"],
    "io/wire": ["model", "base"],
    "io/sqlite": ["base"],
    **{f"io/{name}": IO_USERS for name in
       ["telemetry", "sources", "notify", "restart", "probes", "api"]},
    **{f"io/{name}": [*IO_USERS, "io/sqlite", "io/history/codec"] if name == "history" else [*IO_USERS, "io/sqlite"]
       for name in ["history", "ledger"]},
    "io/history/codec": ["base"],
    "io/journal": ["model", "base"],
    "app/agent": ["core/recovery", "io/config", "io/net", "io/wire", "model", "base"],
    "app/demo": ["io/net", "io/wire", "model", "base"],
    "app/analyze": ["core/analysis", "model", "base"],
    "app/simulate": [*CORE, "core/engine", "app/agent", "model", "base"],
    "app/lab": [*CORE, "core/engine", "io/history", "io/ledger", "io/journal", "io/config", "io/wire",
                "model", "base"],
    "app/backtest": ["app/replay", "core/analysis", "io/history", "io/ledger", "model", "base"],
    "app/replay": [*CORE, "core/engine", "io/history", "io/ledger", "io/journal", "model", "base"],
    "app/daemon": [*CORE, "core/engine", "model", "base", "io/net", "io/config", "io/wire", "io/history", "io/ledger",
                   "io/journal", "io/telemetry", "io/sources", "io/notify", "io/restart", "io/probes", "io/api",
                   "io/time_zones"],
    "app/cli": ["*"],
}
PURE = ["model", "core/"]
IMPURE_HEADERS = re.compile(
    r"^(thread|mutex|shared_mutex|condition_variable|future|fstream|iostream|filesystem|cstdio|ctime|unistd\.h|sys/.*|"
    r"fcntl\.h|boost/(asio|beast|json)[./].*|yaml-cpp/.*|sqlite3\.h|spdlog/.*|CLI/.*)$")
IMPURE_CALLS = re.compile(r"\b(steady_clock|system_clock)::now\(|\bgetenv\(|\bstd::random_device\b|\brand\(\)|\btime\(nullptr\)")
# A heavy header costs seconds per file that includes it: never in a header of ours.
HEAVY = re.compile(r"^(boost/beast[./].*|spdlog/.*|CLI/.*|yaml-cpp/.*|opentelemetry/.*|sqlite3\.h|curl/.*)$")


def folder_of(path):
    parts = path.relative_to(SRC).parts
    if parts[:3] == ("io", "history", "codec"):
        return "io/history/codec"
    return parts[0] if parts[0] in ("base", "model") else "/".join(parts[:2])


def includes(path):
    text = path.read_text()
    return (re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.M), re.findall(r"^\s*#\s*include\s+<([^>]+)>", text, re.M))


def violations(path, text_of=None):
    folder = folder_of(path)
    if folder not in ALLOWED:
        return [f"{folder} is not in the list of folders"]
    allowed = ALLOWED[folder]
    ours, system = includes(path) if text_of is None else text_of
    problems = []
    for include in ours:
        target = folder_of(SRC / include)
        if "/" not in include or target == folder or "*" in allowed or target in allowed:
            continue
        problems.append(f"{folder} must not include {include}")
    is_test = re.search(r"_(test|fuzz)\.cc$", path.name)
    if any(folder.startswith(p) for p in PURE) and not is_test:
        problems += [f"{folder} is pure and must not include <{h}>" for h in system if IMPURE_HEADERS.match(h)]
    if path.suffix == ".h":
        problems += [f"the heavy <{h}> belongs into a .cc file" for h in system if HEAVY.match(h)]
    return problems


FILES = sorted(p for p in SRC.rglob("*") if p.suffix in (".h", ".cc"))


def test_the_tree_is_found():
    assert len(FILES) > 100


def test_includes_follow_the_arrows():
    problems = [f"{p.relative_to(ROOT)}: {v}" for p in FILES for v in violations(p)]
    assert not problems, "\n".join(problems)


def test_core_asks_no_clock_and_no_environment():
    problems = [str(p.relative_to(ROOT)) for p in FILES
                if any(folder_of(p).startswith(x) for x in PURE) and not p.name.endswith(("_test.cc", "_fuzz.cc"))
                and IMPURE_CALLS.search(p.read_text())]
    assert not problems, f"a clock, environment or random device in pure code: {problems}"


@pytest.mark.parametrize("folder, include", [
    ("core/checks", "core/verdict/verdict.h"), ("model", "core/fleet/fleet.h"), ("io/net", "model/report.h"),
    ("app/agent", "io/history/history.h"), ("base", "model/report.h"), ("core/engine", "io/wire/report_json.h"),
])
def test_a_forbidden_include_is_noticed(folder, include):
    assert violations(SRC / folder / "x.cc", text_of=([include], []))


def test_a_socket_in_core_and_beast_in_a_header_are_noticed():
    assert violations(SRC / "core/fleet/x.cc", text_of=([], ["boost/asio/io_context.hpp"]))
    assert violations(SRC / "io/net/x.h", text_of=([], ["boost/beast/http.hpp"]))


def test_beast_stays_in_few_files():
    users = [p for p in FILES if p.suffix == ".cc" and not p.name.endswith("_test.cc")
             and any(h.startswith("boost/beast") for h in includes(p)[1])]
    assert len(users) <= 6, users
