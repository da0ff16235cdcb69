"""Every route that reads is noted of who sees what is restricted, or listed as one that tells nothing of it."""

from __future__ import annotations

import pytest

from app.access.audit_gate import ASKED, HARMLESS, SEVERAL, restricted_read
from app.access.permissions import ROUTES
from app.catalogue.loader import load_catalogue
from app.settings import ROOT

CATALOGUE = load_catalogue(ROOT / "geodata")
#: What is no reading of a feature, whatever it answers: it writes, and its table notes that.
WRITING = {"report", "assess", "edit", "import", "people", "self", "jobs"}
READING = sorted(
    line
    for line, needed in ROUTES.items()
    if needed != "open" and (line.startswith("GET ") or (line.startswith("POST ") and needed not in WRITING))
)
#: Policies are no features.
DECLARING = {"POST /policies"}


def path_of(line, collection):
    path = line.partition(" ")[2].replace("{collection}", collection).replace("{name}", "city")
    return path.replace("{", "").replace("}", "")


@pytest.mark.parametrize("line", READING)
def test_a_route_that_reads_is_noted_or_harmless(line):
    if line in HARMLESS | DECLARING:
        assert "{collection}" not in line
        assert restricted_read(line, path_of(line, "pipes"), CATALOGUE) is None
        return
    if line.startswith("POST "):
        assert line in ASKED, "say in audit_gate whether it reads"
    if line.startswith("GET /exports/{name}"):
        return  # noted as an export
    about = restricted_read(line, path_of(line, "pipes"), CATALOGUE)
    assert about is not None, "name it in audit_gate.SEVERAL or HARMLESS"
    if "{collection}" in line:
        assert about == "pipes"
        assert restricted_read(line, path_of(line, "toilets"), CATALOGUE) is None


def test_the_lists_name_routes_that_are_there():
    assert set(ROUTES) >= HARMLESS | ASKED
    first = {line.partition(" ")[2].strip("/").split("/")[0] for line in ROUTES}
    assert first >= SEVERAL


def test_an_address_that_is_no_route_is_no_read():
    assert restricted_read("", "/collections/pipes/items", CATALOGUE) is None
