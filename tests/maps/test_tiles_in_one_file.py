"""`docs/tiles-in-one-file.md`: its commands run as they stand, its page draws from any web server, ours from a file."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path

import pyogrio
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from pydantic import ValidationError

from app.exports.tiles_service import TileWishes, export_tiles
from app.main import create_app
from app.pmtiles import About, Writer
from app.settings import ROOT, Settings
from app.web.assets import VENDOR
from tests.laws.pages import check_in_step, steps, take
from tests.maps.conftest import Town, served
from tests.tiles.archives import plain_server, read_archive

ENGLISH = (ROOT / "docs" / "tiles-in-one-file.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "docs" / "tiles-in-one-file.zh.md").read_text(encoding="utf-8")
#: Colours of the page: the water of its rules and the symbol of a toilet.
WATER, TOILET = (0xB9, 0xD9, 0xEC), (0x0D, 0x6E, 0x83)


def pages(text: str) -> list[str]:
    return re.findall(r"```html\n(.*?)```", text, re.DOTALL)


def test_both_languages_are_in_step():
    check_in_step(ENGLISH, CHINESE)
    assert pages(ENGLISH) == pages(CHINESE)
    assert len(pages(ENGLISH)) == 1


@pytest.fixture(scope="module")
def done(town, tmp_path_factory) -> tuple[Path, str]:
    """The folder in which all commands ran, one after the other, and what they printed."""
    folder = tmp_path_factory.mktemp("one-file")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("CHENGTU_HOME", str(town.settings.home_path))
        patch.setenv("DATABASE_URL", town.settings.database_url)
        printed = "".join(take(step, patch) for step in steps(ENGLISH))
    return folder, printed


@pytest.mark.wide
def test_the_commands_of_the_page_write_what_it_says(done):
    folder, printed = done
    city, toilets, ground = (
        read_archive(folder / f"{name}.pmtiles") for name in ("city", "toilets", "ground")
    )
    assert [found.number(101, 1) for found in (city, toilets, ground)] == [15, 16, 14]
    assert f"{len(city.places)} tiles" in ENGLISH
    assert f"{len(city.places)} 块瓦片" in CHINESE
    assert "city.pmtiles" in printed
    assert "clusters stand for" in printed
    names = {layer["id"] for layer in city.metadata["vector_layers"]}
    assert {"toilets", "ground_water", "ground_streets", "ground_labels"} <= names
    assert {layer["id"] for layer in toilets.metadata["vector_layers"]} == {"toilets", "thinned"}
    assert all(layer["id"].startswith("ground_") for layer in ground.metadata["vector_layers"])


@pytest.mark.wide
def test_any_web_server_gives_it_to_a_page_and_to_gdal(done, desktop):
    folder, _ = done
    for package, name in (
        ("leaflet", "leaflet.js"),
        ("leaflet", "leaflet.css"),
        ("protomaps-leaflet", "protomaps-leaflet.js"),
    ):
        shutil.copy(VENDOR / package / name, folder)
    (folder / "index.html").write_text(pages(ENGLISH)[0], encoding="utf-8")
    with plain_server(folder) as where:
        asked = []
        desktop.page.on(
            "response", lambda answer: asked.append((answer.url.rsplit("/", 1)[1], answer.status))
        )
        desktop.page.goto(f"{where}/index.html")
        desktop.page.wait_for_function(
            "() => document.querySelectorAll('canvas.leaflet-tile-loaded').length > 3"
        )
        desktop.page.wait_for_load_state("networkidle")
        colours = colours_of(desktop.page.screenshot())
        read = pyogrio.read_dataframe(
            f"/vsicurl/{where}/city.pmtiles", layer="toilets", ZOOM_LEVEL="15", columns=["code"]
        )
    assert colours[WATER] > 5000
    assert colours[TOILET] > 300
    assert {status for name, status in asked if name == "city.pmtiles"} == {206}
    assert read["code"].nunique() == 24
    assert desktop.foreign == []


def with_file(town: Town, place: str | Path) -> Settings:
    given = {**town.settings.model_dump(by_alias=False), "basemap_pmtiles": str(place)}
    return Settings.model_validate(given, by_name=True)


@pytest.mark.wide
def test_our_maps_draw_the_ground_from_the_file(done, town, desktop):
    folder, _ = done
    page = desktop.page
    with served(with_file(town, folder / "city.pmtiles")) as where:
        desktop.open(f"{where}/map/toilets?lang=en#15/28.68/115.861")
        ours = drawn(page)
        desktop.requests.clear()
        page.get_by_label("Basemap of a file").check()
        page.wait_for_function(
            "() => document.querySelector('.sources').textContent.includes('city.pmtiles')"
        )
        desktop.settle()
        assert "base=file" in page.url
        assert any(url.endswith("/basemap.pmtiles") for url in desktop.requests)
        assert drawn(page) == ours
        desktop.requests.clear()
        page.evaluate("() => chengtuApp.map.setView([28.683, 115.864], 17, { animate: false })")
        desktop.settle()
        drawn(page)
        assert not [url for url in desktop.requests if "/background/tiles/" in url]
        page.get_by_label("The city's own").check()
        desktop.settle()
        assert "city.pmtiles" not in page.locator(".sources").inner_text()
        assert any("/background/tiles/" in url for url in desktop.requests)
    assert desktop.problems == []
    assert desktop.foreign == []


#: The squares of the ground by place, as pictures.
SQUARES = """() => Object.fromEntries([...document.querySelectorAll('.leaflet-ground-pane canvas.leaflet-tile')]
  .map((square) => [square.key, square.toDataURL()]))"""


def drawn(page) -> dict[str, str]:
    """The squares of the ground that are there; at least one of them is no plain paper."""
    found: dict[str, str] = page.evaluate(SQUARES)
    assert max(map(len, found.values())) > 20_000
    return found


def colours_of(shot: bytes) -> dict[object, int]:
    image = Image.open(io.BytesIO(shot)).convert("RGB")
    return {colour: count for count, colour in image.getcolors(image.width * image.height) or []}


@pytest.mark.wide
def test_the_server_gives_parts_of_the_file_and_a_public_view_only_a_public_one(
    done, town, catalogue, tmp_path
):
    path = tmp_path / "base.pmtiles"
    shutil.copy(done[0] / "ground.pmtiles", path)
    with TestClient(create_app(with_file(town, path))) as client:
        whole = client.get("/basemap.pmtiles")
        part = client.get("/basemap.pmtiles", headers={"range": "bytes=0-126", "accept-encoding": "gzip, br"})
        assert (part.status_code, part.content) == (206, path.read_bytes()[:127])
        assert whole.headers["content-type"] == "application/vnd.pmtiles"
        assert whole.headers["etag"] == part.headers["etag"]
        assert "content-encoding" not in part.headers
        assert client.get("/basemap.pmtiles?view=public").status_code == 200
        write_internal(town, catalogue, path)
        assert client.get("/basemap.pmtiles").status_code == 200
        hidden = client.get("/basemap.pmtiles?view=public")
        assert (hidden.status_code, hidden.json()["code"]) == (404, "not-found")
        path.unlink()
        assert client.get("/basemap.pmtiles").status_code == 404


def write_internal(town, catalogue, path: Path) -> None:
    """A file that a public view may not show."""
    wanted = TileWishes("background", max_zoom=3, internal=True)
    export_tiles(town.database, catalogue, path, wanted, lambda *_: None)


@pytest.mark.wide
def test_a_file_that_may_not_be_shown_is_not_and_one_of_others_is_refused(town, catalogue, tmp_path, desktop):
    path = tmp_path / "base.pmtiles"
    page = desktop.page
    write_internal(town, catalogue, path)
    with served(with_file(town, path)) as where:
        page.goto(f"{where}/map/toilets?lang=en&view=public")
        page.wait_for_selector(".panel-body .layer")
        assert page.locator(".basemaps").count() == 0
        with Writer(path) as writer:
            writer.add(0, b"x")
            writer.finish(About((0, 0, 1, 1), (0, 0), 0, (0, 0), {"name": "Another's"}))
        page.goto(f"{where}/map/toilets?lang=en")
        # Not `check()`: that asks whether it is chosen still, and the page may have gone back by then.
        page.get_by_label("Basemap of a file").click()
        page.locator(".toast", has_text="none of Chengtu's").wait_for()
        page.wait_for_function("() => document.querySelector('.basemaps input[value=own]').checked")
        desktop.settle()
        assert desktop.problems == []


def test_only_the_host_that_is_named_may_be_read(town):
    with TestClient(create_app(with_file(town, "https://files.example.org/maps/city.pmtiles"))) as client:
        page = client.get("/map/toilets")
        assert "connect-src 'self' https://files.example.org;" in page.headers["content-security-policy"]
        assert client.get("/basemap.pmtiles").status_code == 404
    for place in ("ftp://files.example.org/a.pmtiles", "https://a.org; script-src */x", "https:///x", "://"):
        with pytest.raises(ValidationError, match="CHENGTU_BASEMAP_PMTILES"):
            with_file(town, place)
