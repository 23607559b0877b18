"""An extension = one file + one line in its list + one test + one docs row. Fails when one of them is missing."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# kind: (folder, list file, macro, docs page)
KINDS = {
    "check": ("src/core/checks", "builtin_checks.def", "PARAMEDIC_CHECK", "docs/checks.md"),
    "collector": ("src/app/agent/collectors", "collectors.def", "PARAMEDIC_COLLECTOR", "docs/agent.md"),
    "channel": ("src/io/notify", "builtin_channels.def", "PARAMEDIC_CHANNEL", "docs/channels.md"),
    "executor": ("src/io/restart", "builtin_executors.def", "PARAMEDIC_EXECUTOR", "docs/executors.md"),
    "probe": ("src/io/probes", "builtin_probes.def", "PARAMEDIC_PROBE", "docs/probes.md"),
}
# Folders that hold other things too: there an extension is the file that defines this.
DEFINES = {"channel": "make_{}(ParamsReader& r", "executor": "make_{}(ParamsReader& r", "probe": "make_{}(ParamsReader& r"}


def listed(folder, list_file, macro, root=ROOT):
    text = (root / folder / list_file).read_text()
    return re.findall(rf"^{macro}\((\w+)", text, re.M)


def present(folder, root=ROOT, defines=None):
    """Names of the extension files: every .cc that defines one, by the folder's convention NAME.cc."""
    if defines:
        return sorted(p.stem for p in (root / folder).glob("*.cc") if defines.format(p.stem) in p.read_text())
    helpers = {"check", "checks", "collector", "folder_size"}  # what the extensions share
    names = {p.stem for p in (root / folder).glob("*.cc")}
    return sorted(n for n in names if not n.endswith(("_test", "_fuzz")) and n not in helpers)


def missing(kind, root=ROOT):
    folder, list_file, macro, page = KINDS[kind]
    names, files = listed(folder, list_file, macro, root), present(folder, root, DEFINES.get(kind))
    docs = (root / page).read_text()
    problems = [f"{n}: no line in {list_file}" for n in files if n not in names]
    for name in names:
        if name not in files:
            problems.append(f"{name}: no file {folder}/{name}.cc")
        if not (root / folder / f"{name}_test.cc").exists():
            problems.append(f"{name}: no test {folder}/{name}_test.cc")
        if not re.search(rf"(`{name}`|^\| *{name} *\|)", docs, re.M):
            problems.append(f"{name}: no row in {page}")
    return problems


def test_every_channel_has_a_section():
    """Keys, example, credential, what it cannot do."""
    text = (ROOT / "docs/channels.md").read_text()
    for name in listed(*KINDS["channel"][:3]):
        section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
        assert section, f"no section {name} in docs/channels.md"
        for needed in (f"type: {name}", "**Credential:**", "**Cannot:**"):
            assert needed in section[1], f"section {name} lacks {needed}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_extension_is_complete(kind):
    folder, list_file, macro, _ = KINDS[kind]
    assert listed(folder, list_file, macro)
    assert not missing(kind)


def test_a_check_without_list_line_test_and_docs_is_noticed(tmp_path):
    folder, list_file, _, page = KINDS["check"]
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / page).parent.mkdir(parents=True)
    (tmp_path / page).write_text("`heartbeat`")
    (tmp_path / folder / list_file).write_text("PARAMEDIC_CHECK(heartbeat)\nPARAMEDIC_CHECK(ghost)\n")
    for name in ("heartbeat.cc", "heartbeat_test.cc", "queue_lag.cc"):
        (tmp_path / folder / name).write_text("")
    assert missing("check", tmp_path) == ["queue_lag: no line in builtin_checks.def", "ghost: no file src/core/checks/ghost.cc",
                                          "ghost: no test src/core/checks/ghost_test.cc", "ghost: no row in docs/checks.md"]
