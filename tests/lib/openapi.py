"""Checks answers of the monitor against docs/openapi.yaml. For every end-to-end test:

    from tests.lib import openapi            # with the repository root on sys.path; or `import openapi` beside this file
    openapi.validate("GET", "/health/workers?limit=5", answer.status_code, answer.json())

validate() raises AssertionError with the member that is wrong. validate_event() does it for the event stream,
validate_schema() for any schema of the document.
"""
import functools
import json
import pathlib
import re

import jsonschema
import yaml

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
# The server itself answers these for any path: unknown path, wrong method, deadlines and limits of HTTP.
ANYWHERE = {400, 401, 403, 404, 405, 408, 413, 426, 431, 500, 503}


class _Loader(yaml.SafeLoader):
    """2026-11-23T… stays text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@functools.lru_cache(maxsize=None)
def document():
    return yaml.load(DOCUMENT.read_text(), _Loader)


def resolve(node):
    """Follows $ref until the thing itself."""
    while "$ref" in node:
        target = document()
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


@functools.lru_cache(maxsize=None)
def _validator(pointer):
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": pointer,
              "components": document()["components"]}
    return jsonschema.Draft202012Validator(schema)


def _check(validator, body, what):
    errors = sorted(validator.iter_errors(body), key=lambda e: list(map(str, e.absolute_path)))
    if errors:
        first = jsonschema.exceptions.best_match(errors)
        where = "/".join(map(str, first.absolute_path)) or "(the whole)"
        raise AssertionError(f"{what}: at {where}: {first.message[:500]}")


def validate_schema(name, body):
    """`body` against components/schemas/<name>."""
    _check(_validator(f"#/components/schemas/{name}"), body, name)


def validate_event(kind, data):
    """One server-sent event of /health/events, already parsed."""
    validate_schema({"snapshot": "Snapshot", "delta": "Delta"}[kind], data)


def template_of(path):
    """'/health/workers/a%2Fb?x=1' → '/health/workers/{worker_id}'; None when the document does not know it."""
    bare = path.split("?")[0]
    candidates = sorted(document()["paths"], key=lambda t: t.count("{"))  # literal segments first
    for template in candidates:
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), bare):
            return template
    return None


def validate(method, path, status, body=None):
    """One answer: documented status, and a body of the documented schema. `body` is parsed JSON, text, or None."""
    what = f"{method} {path} → {status}"
    template = template_of(path)
    operation = document()["paths"].get(template, {}).get("get" if method == "HEAD" else method.lower())
    response = (operation or {}).get("responses", {}).get(str(status))
    if response is None:
        if method == "OPTIONS" and status == 204:
            return
        if template is None and status in (200, 304):  # the dashboard's files
            return
        assert status in ANYWHERE, f"{what}: not in docs/openapi.yaml"
        validate_schema("Problem", body)
        return
    content = resolve(response).get("content", {})
    for kind in ("application/json", "application/problem+json"):
        if kind in content and method != "HEAD":
            schema = content[kind]["schema"]
            if "$ref" in schema:
                _check(_validator(schema["$ref"]), body, what)
            else:
                _check(jsonschema.Draft202012Validator({**schema, "components": document()["components"]}), body, what)
            if kind == "application/problem+json":
                assert body["status"] == status, f"{what}: the problem says status {body['status']}"
            return
    assert not isinstance(body, (dict, list)), f"{what}: a JSON body is not documented"


def check_response(method, path, status, content_type, content):
    """The same for an answer as it came: its content type must be a documented one, JSON is parsed here."""
    kind = (content_type or "").split(";")[0].strip()
    is_json = kind == "application/json" or kind.endswith("+json")
    validate(method, path, status, json.loads(content) if is_json and content else None)
    operation = document()["paths"].get(template_of(path), {}).get("get" if method == "HEAD" else method.lower(), {})
    documented = resolve(operation.get("responses", {}).get(str(status), {})).get("content", {})
    if documented and content:
        assert kind in documented, f"{method} {path} → {status}: content type {kind} is not documented"
