"""docs/openapi.yaml itself: structure, references, examples, and that it names what the program has."""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
import openapi  # noqa: E402

METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}
DOCUMENT = openapi.document()


def walk(node, path=""):
    yield path, node
    if isinstance(node, dict):
        for key, value in node.items():
            yield from walk(value, f"{path}/{key}")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from walk(value, f"{path}/{index}")


def operations():
    for path, item in DOCUMENT["paths"].items():
        for method in METHODS & set(item):
            yield method, path, item, item[method]


def enumerators(header, name):
    """The spellings that PARAMEDIC_ENUM_NAMES gives an enum."""
    text = (ROOT / "src" / header).read_text()
    found = re.search(r"PARAMEDIC_ENUM_NAMES\((?:\w+::)*" + name + r",(.*?)\)", text, re.S)
    assert found, f"{name} is not in {header}"
    return re.findall(r'"(\w+)"', found.group(1))


def test_has_the_structure_of_openapi_3_1():
    assert re.fullmatch(r"3\.1\.\d+", DOCUMENT["openapi"])
    assert DOCUMENT["info"]["title"] and DOCUMENT["info"]["version"]
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    names = set()
    for method, path, item, operation in operations():
        where = f"{method} {path}"
        assert operation["summary"] and set(operation["tags"]) <= tags, where
        assert operation["operationId"] not in names, where
        names.add(operation["operationId"])
        assert any(code.startswith(("1", "2")) for code in operation["responses"]), where
        assert any(code.startswith(("4", "5")) for code in operation["responses"]), where
        parameters = [openapi.resolve(p) for p in item.get("parameters", []) + operation.get("parameters", [])]
        in_path = {p["name"] for p in parameters if p["in"] == "path"}
        assert in_path == set(re.findall(r"\{(\w+)\}", path)), where
        for parameter in parameters:
            assert "schema" in parameter and "example" in parameter, f"{where}: {parameter['name']}"


def test_every_reference_resolves():
    for path, node in walk(DOCUMENT):
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            try:
                openapi.resolve(node)
            except KeyError as missing:
                pytest.fail(f"{path}: {node['$ref']} is missing {missing}")


def test_every_component_is_used():
    text = json.dumps(DOCUMENT["paths"]) + json.dumps(DOCUMENT["components"])
    spare = {"Snapshot", "Delta", "MethodNotAllowed"}  # of the event stream, and of any path
    for kind in ("schemas", "responses", "parameters", "requestBodies"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text or name in spare, f"{kind}/{name} is not used"


def test_schemas_are_valid_and_their_required_members_are_described():
    for name, schema in DOCUMENT["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        for path, node in walk(schema, name):
            if isinstance(node, dict) and "required" in node and "properties" in node:
                missing = set(node["required"]) - set(node["properties"])
                assert not missing, f"{path}: {missing} required but not described"


def test_examples_are_valid():
    count = 0
    for name, schema in DOCUMENT["components"]["schemas"].items():
        for example in schema.get("examples", []):
            openapi.validate_schema(name, example)
            count += 1
    assert count >= 10
    for method, path, item, operation in operations():
        for parameter in item.get("parameters", []) + operation.get("parameters", []):
            parameter = openapi.resolve(parameter)
            schema = {**openapi.resolve(parameter["schema"]), "components": DOCUMENT["components"]}
            jsonschema.Draft202012Validator(schema).validate(parameter["example"])


def test_errors_are_problem_details_and_changes_need_a_scope():
    for method, path, _, operation in operations():
        for code, response in operation["responses"].items():
            if code[0] in "45" and (path, code) != ("/readyz", "503"):
                assert list(openapi.resolve(response)["content"]) == ["application/problem+json"], f"{path} {code}"
        if method in ("post", "delete"):
            assert operation["security"] in ([{"report": []}], [{"operate": []}]), path
            assert {"401", "403", "415"} <= set(operation["responses"]), path


@pytest.mark.parametrize("schema, header, name", [
    ("Status", "model/status.h", "Status"), ("FindingStatus", "model/status.h", "FindingStatus"),
    ("WorkerState", "model/status.h", "WorkerState"), ("Severity", "model/status.h", "Severity"),
    ("Reason", "model/status.h", "Reason"), ("RecoveryMode", "model/remedy.h", "RecoveryMode"),
    ("RemedyKind", "model/remedy_kind.h", "RemedyKind"), ("ActionState", "model/remedy.h", "ActionState"),
    ("LadderStep", "model/remedy.h", "LadderStep"), ("HoldCode", "model/remedy.h", "HoldCode"),
    ("PartState", "io/api/ports.h", "PartState"),
])
def test_words_are_those_of_the_program(schema, header, name):
    assert DOCUMENT["components"]["schemas"][schema]["enum"] == enumerators(header, name)


def test_routes_are_those_of_the_program():
    table = (ROOT / "src/io/api/routes.cc").read_text()
    scopes = {}
    for method, path, scope in re.findall(r'\{"([A-Z]+)", "([^"]+)", Scope::(\w+),', table):
        scopes[(method.lower(), path)] = scope
    documented = {(method, path): operation for method, path, _, operation in operations()}
    assert set(documented) == set(scopes)
    for key, operation in documented.items():
        named = [name for entry in operation.get("security", []) for name in entry] or ["open"]
        assert named == [scopes[key]], key


def test_api_manual_names_every_route():
    manual = (ROOT / "docs/api.md").read_text()
    for method, path, _, _ in operations():
        assert f"`{method.upper()} {path}`" in manual, f"{method.upper()} {path} is missing in docs/api.md"


def test_the_embedded_document_is_the_same(tmp_path):
    out = tmp_path / "x.cc"
    url = f"/openapi.json={ROOT / 'docs/openapi.yaml'}"
    subprocess.run([ROOT / "tools/embed_files.py", out, "openapi_files", url], check=True)
    first = out.read_text()
    literals = "".join(re.findall(r'^    "(.*)";?$', first, re.M))
    data = re.sub(rb"\\([0-7]{3})", lambda m: bytes([int(m.group(1), 8)]), literals.encode())
    assert json.loads(data) == DOCUMENT
    subprocess.run([ROOT / "tools/embed_files.py", out, "openapi_files", url], check=True)
    assert out.read_text() == first


def test_validate_notices_what_is_not_described():
    openapi.validate("GET", "/healthz", 200, {"status": "ok", "version": "1"})
    for status, body in [(200, {"status": "ok"}), (200, {"status": "ok", "version": "1", "x": 1}), (299, {}),
                         (404, {"error": "x"})]:
        with pytest.raises(AssertionError):
            openapi.validate("GET", "/healthz", status, body)
