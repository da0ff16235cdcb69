"""The documentation is true: generated pages are fresh, both READMEs are in step, every README command runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib

import geopandas
import osmium
import pytest
import shapely
from osmium.osm.mutable import Node, Way
from typer.testing import CliRunner

from app.cli import app
from app.reference import PAGE, reference
from app.settings import Settings
from tests.laws.code import ROOT

pytestmark = pytest.mark.slow

ENGLISH = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh.md").read_text(encoding="utf-8")


def _blocks(text: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", text, re.DOTALL)


def _commands() -> list[str]:
    return [line for block in _blocks(ENGLISH) for line in block.splitlines()]


def _verbs() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_reference_is_fresh_and_knows_every_setting():
    text = reference()
    assert PAGE.read_text(encoding="utf-8") == text, "run: make docs"
    for name, field in Settings.model_fields.items():
        assert field.description, f"the setting {name} has no description"


def test_every_command_and_parameter_has_a_help_text():
    commands = reference().split("## Commands")[1].split("## Routes")[0]
    assert re.findall(r"^### .*\n\n\n", commands, re.MULTILINE) == []
    assert re.findall(r"^\|.*\|  \|$", commands, re.MULTILINE) == []


def test_both_readmes_are_in_step():
    fences = re.compile(r"```\w+\n.*?```", re.DOTALL)
    assert fences.findall(ENGLISH) == fences.findall(CHINESE)
    for pattern in (r"^#+ ", r"^\| ", r"^- "):
        assert len(re.findall(pattern, ENGLISH, re.MULTILINE)) == len(
            re.findall(pattern, CHINESE, re.MULTILINE)
        )
    links = re.compile(r"\]\(([^)]+)\)")
    assert sorted({*links.findall(ENGLISH), "README.md"}) == sorted({*links.findall(CHINESE), "README.zh.md"})


def test_the_readmes_know_how_many_policies_there_are(catalogue):
    number = len(catalogue.policies)
    assert f"{number} policies" in ENGLISH
    assert f"{number} 条规则" in CHINESE


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md")), ids=lambda p: p.name
)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_make_verb_of_the_readme_and_of_the_issue_exists_and_says_what_it_does():
    named = {line.split()[1] for line in _commands() if line.startswith("make ")}
    assert named | {"run", "test", "check", "bench", "docs", "setup", "soak", "clean"} <= _verbs()
    helped = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert {line.split()[0] for line in helped.splitlines()} == _verbs()


def test_the_changelog_has_the_version_or_what_is_unreleased():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## \[(Unreleased|{re.escape(version)})\]", text, re.MULTILINE)


@pytest.mark.wide
def test_every_command_of_the_readme_runs(environment, database, tmp_path, monkeypatch):
    _draw_city(tmp_path)
    for name, text in re.findall(r"```yaml\n# (\S+)\n(.*?)```", ENGLISH, re.DOTALL):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ran, printed = 0, ""
    for line in _commands():
        if not line.startswith(".venv/bin/chengtu ") or line.endswith(
            " serve"
        ):  # tests/house/test_serve.py serves
            assert re.fullmatch(r"make [a-z]+|export \w+=\S+|\S+ serve", line), line
            continue
        done = CliRunner().invoke(app, shlex.split(line)[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}\n{done.exception!r}"
        ran += 1
        printed += done.output
    assert ran >= 5
    for line in "".join(re.findall(r"```text\n(.*?)```", ENGLISH, re.DOTALL)).splitlines():
        if line.startswith("$ "):
            assert f".venv/bin/{line[2:]}" in _commands()
        else:
            assert " ".join(line.split()) in " ".join(printed.split()), line
    assert (tmp_path / "green.html").stat().st_size > 10_000
    assert len(geopandas.read_file(tmp_path / "toilets.gpkg", layer="toilets")) == 1


def _draw_city(folder) -> None:
    """The files that the README names: one street with a toilet, an estate and a park; its people; its district."""
    corners = [(24.940, 60.170), (24.944, 60.170), (24.944, 60.171), (24.940, 60.171)]
    park = [(24.946, 60.170), (24.948, 60.170), (24.948, 60.171), (24.946, 60.171)]
    nodes = [(24.939, 60.1695), (24.949, 60.1695), (24.945, 60.1696), *corners, *park]
    tags = {3: {"amenity": "toilets"}}
    with osmium.SimpleWriter(str(folder / "city.osm.pbf")) as writer:
        for number, place in enumerate(nodes, start=1):
            writer.add_node(Node(id=number, location=place, tags=tags.get(number, {}), version=1))
        writer.add_way(Way(id=1, nodes=[1, 2], tags={"highway": "residential"}, version=1))
        writer.add_way(Way(id=2, nodes=[4, 5, 6, 7, 4], tags={"landuse": "residential"}, version=1))
        writer.add_way(
            Way(id=3, nodes=[8, 9, 10, 11, 8], tags={"leisure": "park", "name": "Puisto"}, version=1)
        )
    _write(
        folder / "people.gpkg", shapely.box(24.940, 60.170, 24.944, 60.171), {"code": ["c1"], "people": [120]}
    )
    district = {"code": ["d1"], "name_en": ["Centre"], "level": ["district"]}
    _write(folder / "districts.gpkg", shapely.box(24.93, 60.16, 24.95, 60.18), district)


def _write(path, shape, columns: dict) -> None:
    geopandas.GeoDataFrame(columns, geometry=[shape], crs="EPSG:4326").to_file(path, driver="GPKG")
