"""The card of the map, by who opens it: photos and assessments of what one sees, and of nothing else."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from app.inventory.photo_store import Photo, Spot, keep_photo
from tests.access.writers import written_town
from tests.inventory.town import LAT, LON
from tests.maps.conftest import served, watched_page

#: All that is looked at lies in the west.
HERE = f"#16/{LAT + 0.01}/{LON - 0.01}"
#: By the class and code of each feature.
WHAT = {"toilets": "w1", "pipes": "gas"}


@pytest.fixture(scope="module")
def town(cluster_settings, template, catalogue):
    drawn = io.BytesIO()
    Image.new("RGB", (40, 30), "green").save(drawn, "JPEG")
    with written_town(cluster_settings, template, catalogue) as town:
        for class_id, code in WHAT.items():
            item = town.id_of(class_id, code)
            with town.db.write() as conn:
                photo = Photo(drawn.getvalue(), 40, 30, Spot())
                keep_photo(
                    conn, class_id, item, int(town.tag(class_id, code).strip('"')), photo, f"照片{code}"
                )
                conn.exec_driver_sql(
                    "INSERT INTO city.assessments "
                    "(class_id, feature_id, change_id, area_path, who, party, score, verdict, note) "
                    f"SELECT '{class_id}', id, change_id, area_path, '测评员', '第三方测评', 35, 'fault', '缺陷{code}' "
                    f"FROM city.{class_id} WHERE code = '{code}'"
                )
        yield town


@pytest.fixture(scope="module")
def address(town):
    with served(town.db.settings) as where:
        yield where


def card(watched, town, address, class_id, more=""):
    """The page with the card of the feature of a class, as its address opens it."""
    item = town.id_of(class_id, WHAT[class_id])
    watched.page.goto("about:blank")
    watched.open(f"{address}/?lang=zh{more}{HERE}&{class_id}&card={class_id}:{item}")
    return watched.page


def check_shown(page, code):
    """The photo is there, and what assessors said once it is unfolded."""
    page.locator(".card-photos img").wait_for()
    page.wait_for_function("() => document.querySelector('.card-photos img').naturalWidth === 40")
    assert f"照片{code}" in page.locator(".card-photos").inner_text()
    page.locator(".card-assessed summary").click()
    told = page.locator(".card-assessed .assessed li")
    told.first.wait_for()
    assert told.count() == 1
    assert all(word in told.inner_text() for word in ("35 分", "第三方测评", f"缺陷{code}"))


@pytest.mark.parametrize(
    ("who", "restricted"),
    [("viewer", False), ("assessor", False), ("whole", True)],
    ids=str,
)
@pytest.mark.wide
def test_the_card_lists_photos_and_assessments_of_what_one_sees(browser, town, address, who, restricted):
    headers = {"Authorization": f"Bearer {town.keys[who]}"}
    with watched_page(browser, extra_http_headers=headers) as watched:
        check_shown(card(watched, town, address, "toilets"), "w1")
        watched.clean()
        page = card(watched, town, address, "pipes")
        if restricted:
            check_shown(page, "gas")
            watched.clean()
            # a public view has neither
            page = card(watched, town, address, "toilets", "&view=public")
            page.locator(".card dd").first.wait_for()
            assert page.locator(".card-photos, .card-assessed").count() == 0
            return
        page.locator(".toast").first.wait_for()  # not on the map, for them
        assert page.locator(".card").count() == 0
        assert "缺陷gas" not in page.content()
        assert "照片gas" not in page.content()
        item = town.id_of("pipes", "gas")
        said = page.request.get(f"{address}/collections/pipes/items/{item}/assessments").json()
        assert said["assessments"] == []
