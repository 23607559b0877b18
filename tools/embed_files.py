#!/usr/bin/python3
"""Turns files into one C++ source that holds their bytes, so that the program serves them without a data folder.

usage: embed_files.py OUT.cc VARIABLE URL=FILE…

Called by paramedic_embed() of cmake/web.cmake. The source defines
    namespace paramedic::embedded { std::span<const api::EmbeddedFile> VARIABLE(); }
URL is the path that the file is served under ("/index.html"). A URL that ends in .json whose FILE ends in .yaml is
converted; times stay text. The same input yields the same bytes out (reproducible builds).
"""
import hashlib
import json
import pathlib
import sys

TYPES = {
    ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
    ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".map": "application/json",
    ".webmanifest": "application/manifest+json", ".md": "text/plain; charset=utf-8",
}


def load_yaml(text):
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML 1.2 in the one point that matters here: 2026-11-23T… is text, not a time."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(text, Loader)


def read(url, path):
    data = path.read_bytes()
    if url.endswith(".json") and path.suffix in (".yaml", ".yml"):
        data = json.dumps(load_yaml(data.decode()), ensure_ascii=False, separators=(",", ":")).encode()
    return data


def literal(data):
    """The bytes as string literals of at most 4096 bytes each; octal escapes cannot swallow a following digit."""
    plain = {b for b in range(0x20, 0x7F)} - {ord('"'), ord("\\"), ord("?")}
    lines = []
    for start in range(0, len(data), 4096):
        part = data[start:start + 4096]
        lines.append('    "' + "".join(chr(b) if b in plain else "\\%03o" % b for b in part) + '"')
    return "\n".join(lines) or '    ""'


def main(out, variable, pairs):
    names, entries = [], []
    for number, pair in enumerate(sorted(pairs)):
        url, _, file = pair.partition("=")
        path = pathlib.Path(file)
        kind = TYPES.get(pathlib.PurePosixPath(url).suffix)
        if not url.startswith("/") or kind is None:
            sys.exit(f"embed_files.py: {pair}: the URL must start with / and end in one of {', '.join(TYPES)}")
        data = read(url, path)
        etag = hashlib.sha256(data).hexdigest()[:16]
        names.append(f"constexpr char kBytes{number}[] =\n{literal(data)};")
        entries.append(f'    {{"{url}", "{kind}", std::string_view(kBytes{number}, {len(data)}), "\\"{etag}\\""}},')
    body = "\n".join(names)
    rows = "\n".join(entries)
    pathlib.Path(out).write_text(f"""// Made by tools/embed_files.py; do not edit.
#include <array>
#include <span>

#include "io/api/embedded_files.h"

namespace paramedic::embedded {{
namespace {{
{body}
constexpr std::array<api::EmbeddedFile, {len(entries)}> kFiles{{{{
{rows}
}}}};
}}  // namespace

std::span<const api::EmbeddedFile> {variable}() {{ return kFiles; }}
}}  // namespace paramedic::embedded
""")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
