"""Dependencies: all declared ones are used, all used ones are declared, none has a licence that we cannot take."""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import Distribution, distribution, distributions

from tests.laws.code import ROOT, imports, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OURS = {"app", "geodata", "migrations"}
#: Used without an import: `uvicorn[standard]` brings uvloop and httptools by name.
COPYLEFT = re.compile(r"(?<!L)(?<!Lesser )\bA?GPL|(?<!Lesser )General Public License|Affero", re.IGNORECASE)


def _plain(name: str) -> str:
    return re.split(r"[\[<>=!~; ]", name)[0].lower().replace("_", "-")


def _declared() -> set[str]:
    return {_plain(name) for name in PROJECT["project"]["dependencies"]}


def _packages() -> dict[str, set[str]]:
    """Importable name → distributions that bring it, from the names of their files alone."""
    found: dict[str, set[str]] = defaultdict(set)
    for each in distributions():
        for name in set(re.findall(r"^([A-Za-z_]\w*)[/.]", each.read_text("RECORD") or "", re.MULTILINE)):
            found[name].add(each.name)
    return found


def test_what_is_declared_is_imported_and_what_is_imported_is_declared():
    known = _packages()
    used = {name.split(".")[0] for module in modules() for name in imports(module)} - OURS
    used = {name for name in used if name not in sys.stdlib_module_names}
    imported = {_plain(found) for name in used for found in known[name]}
    # Of a package and the one that carries its compiled part, the first is declared.
    assert imported - {"psycopg-binary", "pydantic-core"} == _declared()


def _licence(found: Distribution) -> str:
    lines = [found.metadata.get("License-Expression") or "", (found.metadata.get("License") or "")[:200]]
    lines += [value for value in found.metadata.get_all("Classifier") or [] if value.startswith("License")]
    return " | ".join(lines)


def test_no_dependency_of_the_product_is_gpl_or_agpl():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    names = re.findall(r"^([A-Za-z0-9_.-]+)==[^\n;]*(?:; (.*))?", text, re.MULTILINE)
    installed = [distribution(name) for name, marker in names if "win32'" not in marker or "!=" in marker]
    wrong = {found.name: _licence(found) for found in installed if COPYLEFT.search(_licence(found))}
    assert wrong == {}
    assert len(installed) > 30
