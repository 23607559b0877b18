"""Runs api_test with its answers recorded and checks every one against docs/openapi.yaml: status, content type, schema.
Every documented success and the usual errors must occur among them, so that nothing is described that nothing answers."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
import openapi  # noqa: E402

# Where the test programs are; the binaries under test may be of another build (./dev test).
BUILD = pathlib.Path(os.environ.get("PARAMEDIC_TEST_DIR") or os.environ.get("PARAMEDIC_BIN_DIR", ROOT / "build" / "debug"))
# The server's own answers, an upgrade, streams and pages, which the recorder does not see as a whole.
NOT_RECORDED = {("get", "/health/agents", "101"), ("get", "/health/events", "200")}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    program = BUILD / "src" / "api_test"
    assert program.exists(), f"build the target api_test first: {program} is missing"
    file = tmp_path_factory.mktemp("api") / "answers.jsonl"
    done = subprocess.run([program, "--gtest_brief=1"], env={**os.environ, "PARAMEDIC_API_RECORD": str(file)},
                          capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-4000:]
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_every_answer_is_as_described(answers):
    assert len(answers) > 150
    for a in answers:
        if a["method"] == "EVENT":
            openapi.validate_event(a["target"], json.loads(a["body"]))
        else:
            openapi.check_response(a["method"], a["target"], a["status"], a["type"], a["body"].encode())


def test_every_described_success_occurs(answers):
    seen = {(a["method"].lower(), openapi.template_of(a["target"]), str(a["status"])) for a in answers}
    missing = []
    for path, item in openapi.document()["paths"].items():
        for method in ("get", "post", "delete"):
            codes = [c for c in item.get(method, {}).get("responses", {}) if c[0] in "12"]
            if codes and not any((method, path, c) in seen or (method, path, c) in NOT_RECORDED for c in codes):
                missing.append(f"{method} {path} {codes}")
    assert not missing


def test_both_events_occur(answers):
    assert {a["target"] for a in answers if a["method"] == "EVENT"} == {"snapshot", "delta"}
