"""The streamed forms: every feature that matches, read back by other programs, as the page of GeoJSON tells it."""

from __future__ import annotations

import csv
import io

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet
import pyogrio
import pytest
import shapely
from fastapi.testclient import TestClient
from httpx2 import Response

from app.database.engine import open_database
from app.inventory.batch import Batch, Change
from app.inventory.service import write_batches
from app.main import create_app
from app.ogc.forms import STREAMED
from tests.clones import clone

COUNT = 12
FORMULA = '=HYPERLINK("x")'
ODD = '两行\n"引号",逗号\\n\x0b'
HOLE = "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 2 1, 2 2, 1 2, 1 1))"
MEASURED = [28.0, None, 2.5]
POLYGONS = (
    "MULTIPOLYGON (((115.8 28.6, 115.9 28.6, 115.9 28.7, 115.8 28.6)))",
    "MULTIPOLYGON (((10 0, 12 0, 12 2, 10 0)), ((20 0, 22 0, 22 2, 20 2, 20 0)))",
    f"MULTIPOLYGON ({HOLE.removeprefix('POLYGON ')}, ((20 0, 22 0, 22 2, 20 0)))",
)


@pytest.fixture(scope="module")
def client(cluster_settings, template, catalogue):
    """A server over toilets, parks with holes and parts, streets of two parts, and markets of two kinds."""
    with clone(cluster_settings, template) as settings:
        db = open_database(settings)
        with db.write() as conn:
            write_batches(conn, catalogue, _batches(), Change(who="test", why="drawn"))
        with TestClient(create_app(settings), raise_server_exceptions=False) as client:
            yield client
        db.dispose()


def _batches() -> list[Batch]:
    columns = {
        "name_zh": [FORMULA, ODD, "", None, *(f"公厕{n}" for n in range(4, COUNT))],
        "kind": ["mobile" if n % 2 else "public" for n in range(COUNT)],
        "stalls": [n or None for n in range(COUNT)],
        "accessible": [None, True, False] * 4,
    }
    points = shapely.points(115.80 + 0.01 * np.arange(COUNT), 28.68)
    shapes = shapely.from_wkt(POLYGONS)
    lines = shapely.from_wkt(
        ["MULTILINESTRING ((0 0, 1 1), (2 2, 3 3, 4 4))", "MULTILINESTRING ((5 5, 6 6))"]
    )
    both = np.array([shapely.Point(1, 2), shapes[1], shapely.Point(3, 4), shapes[0]])
    return [
        Batch("toilets", [f"WC{n:02}" for n in range(COUNT)], points, columns, [None] * COUNT),
        *(Batch(name, [f"{name}{n}" for n in range(len(drawn))], drawn, given, [None] * len(drawn))
          for name, drawn, given in (("parks", shapes, {"accuracy_m": MEASURED}), ("streets", lines, {}),
                                     ("markets", both, {}))),
    ]  # fmt: skip


def _features(client, path: str = "toilets/items?limit=1000") -> list[dict]:
    reply = client.get(f"/collections/{path}")
    assert reply.status_code == 200, reply.text
    return reply.json()["features"]


def _get(client, form: str, path: str = "toilets/items", query: str = "") -> Response:
    reply = client.get(f"/collections/{path}?f={form}&{query}")
    assert reply.status_code == 200, reply.text
    return reply


def _shapes(features: list[dict]) -> list[str]:
    return [shapely.to_wkt(shapely.from_geojson(orjson.dumps(item["geometry"]))) for item in features]


def _fgb(client, tmp_path, path: str, query: str = "") -> tuple[dict, dict, list[str]]:
    """Columns and shapes (WKT) as GDAL reads them."""
    file = tmp_path / "a.fgb"
    file.write_bytes(_get(client, "fgb", path, query).content)
    meta, _, shapes, values = pyogrio.raw.read(file)
    wkt = shapely.to_wkt(shapely.from_wkb(shapes)).tolist()
    return meta, dict(zip(meta["fields"], values, strict=True)), wkt


@pytest.mark.parametrize("form", ["json", "geojsonseq"])
def test_a_number_stays_one_where_the_first_ones_are_whole(client, tmp_path, form):
    (file := tmp_path / f"a.{form}").write_bytes(_get(client, form, "parks/items", "sortby=code").content)
    first = tmp_path / f"first.{form}"
    first.write_bytes(_get(client, form, "parks/items", "sortby=code&limit=1").content)
    for path, found in ((file, MEASURED), (first, MEASURED[:1])):
        meta, _, _, values = pyogrio.raw.read(path, columns=["accuracy_m"])
        assert meta["dtypes"].tolist() == ["float64"]
        assert [None if np.isnan(value) else value for value in values[0]] == found


def test_a_sequence_holds_the_features_of_the_page_each_behind_its_separator(client):
    reply = _get(client, "geojsonseq")
    assert reply.headers["content-type"] == "application/geo+json-seq"
    texts = reply.content.split(b"\x1e")
    assert texts[0] == b""
    assert all(text.endswith(b"\n") for text in texts[1:])
    assert [orjson.loads(text) for text in texts[1:]] == _features(client)


def test_csv_has_places_and_values_and_no_cell_is_a_formula(client):
    reply = _get(client, "csv")
    rows = list(csv.DictReader(io.StringIO(reply.content.decode("utf-8-sig"))))
    features = _features(client)
    for row, item in zip(rows, features, strict=True):
        assert [float(row["lon"]), float(row["lat"])] == pytest.approx(item["geometry"]["coordinates"])
    assert [row["name_zh"] for row in rows[:5]] == [f"'{FORMULA}", ODD, "", "", "公厕4"]
    assert [row["accessible"] for row in rows[:3]] == ["", "true", "false"]
    assert [row["stalls"] for row in rows[:2]] == ["", "1"]
    (park, *_) = csv.DictReader(io.StringIO(_get(client, "csv", "parks/items").content.decode("utf-8-sig")))
    assert shapely.equals(shapely.from_wkt(park["wkt"]), shapely.from_wkt(POLYGONS[0]))


@pytest.mark.parametrize("query", ["limit=1000", "limit=1&sortby=code", "limit=1&sortby=-code"])
@pytest.mark.parametrize(
    ("collection", "kind"),
    [("toilets", "Point"), ("parks", "MultiPolygon"), ("streets", "MultiLineString"), ("markets", "Unknown")],
)
def test_gdal_reads_the_same_from_flatgeobuf(client, tmp_path, collection, kind, query):
    meta, columns, shapes = _fgb(client, tmp_path, f"{collection}/items", query)
    features = _features(client, f"{collection}/items?{query}")
    assert (meta["geometry_type"], meta["crs"]) == (kind, "EPSG:4326")
    assert shapes == _shapes(features)
    assert columns["id"].tolist() == [item["id"] for item in features]
    assert columns["code"].tolist() == [item["properties"]["code"] for item in features]


def test_flatgeobuf_keeps_texts_numbers_truths_and_what_is_not_known(client, tmp_path):
    _, columns, _ = _fgb(client, tmp_path, "toilets/items")
    assert columns["name_zh"].tolist()[:5] == [FORMULA, ODD, "", None, "公厕4"]
    assert np.isnan(columns["stalls"][0])
    assert columns["stalls"].tolist()[1:] == list(range(1, COUNT))
    assert columns["name_en"].tolist() == [None] * COUNT


def test_a_shape_that_is_not_there_does_not_take_its_feature_with_it(client, tmp_path):
    zone = "crs=http://www.opengis.net/def/crs/EPSG/0/3857"
    query = f"{zone}&properties=code"
    meta, columns, shapes = _fgb(client, tmp_path, "parks/items", query)
    assert (meta["crs"], list(columns)) == ("EPSG:3857", ["id", "code"])
    assert len(shapes) == len(POLYGONS)


def test_arrow_and_parquet_have_types_titles_and_shapes(client):
    features = _features(client)
    arrow = pa.ipc.open_stream(_get(client, "arrow").content).read_all()
    reply = _get(client, "parquet")
    parquet = pyarrow.parquet.read_table(io.BytesIO(reply.content))
    geo = orjson.loads(parquet.schema.metadata[b"geo"])["columns"]["geometry"]
    assert (geo["encoding"], geo["geometry_types"]) == ("WKB", ["Point"])
    for table in (arrow, parquet):
        assert table.column("name_zh").to_pylist()[:5] == [FORMULA, ODD, "", None, "公厕4"]
        assert table.column("stalls").to_pylist() == [item["properties"]["stalls"] for item in features]
        assert table.column("accessible").to_pylist()[:3] == [None, True, False]
        assert table.schema.field("valid_from").type == pa.date32()
        wkb = table.column("geometry").combine_chunks().to_pylist()
        assert shapely.to_wkt(shapely.from_wkb(wkb)).tolist() == _shapes(features)


@pytest.mark.parametrize("form", STREAMED)
def test_a_query_chooses_the_same_features_in_every_form(client, form):
    chosen = _features(client, "toilets/items?kind=mobile&sortby=-stalls&bbox=115.8,28,115.9,29&limit=3")
    assert [item["properties"]["stalls"] for item in chosen] == [9, 7, 5]
    query = "kind=mobile&sortby=-stalls&bbox=115.8,28,115.9,29&limit=3"
    assert _ids(_get(client, form, query=query).content, form) == [item["id"] for item in chosen]
    assert _ids(_get(client, form, query="bbox=0,0,1,1").content, form) == []
    assert _ids(_get(client, form, query="limit=1000000000000000000000").content, form) == [
        item["id"] for item in _features(client)
    ]


def _ids(content: bytes, form: str) -> list[int]:
    match form:
        case "geojsonseq":
            return [orjson.loads(text)["id"] for text in content.split(b"\x1e")[1:]]
        case "csv":
            return [int(row["id"]) for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig")))]
        case "flatgeobuf":
            return pyogrio.raw.read(content)[3][0].tolist()
        case "arrow":
            return pa.ipc.open_stream(content).read_all().column("id").to_pylist()
        case _:
            return pyarrow.parquet.read_table(io.BytesIO(content)).column("id").to_pylist()


@pytest.mark.parametrize("form", STREAMED)
def test_a_stream_is_a_named_file_with_a_tag_and_its_number(client, form):
    reply = client.get("/collections/toilets/items", headers={"accept": STREAMED[form].media_types[-1]})
    assert reply.headers["content-type"] == STREAMED[form].media_type
    assert reply.headers["content-disposition"] == f'attachment; filename="toilets.{STREAMED[form].ending}"'
    assert reply.headers["ogc-numbermatched"] == str(COUNT)
    assert reply.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    tag = reply.headers["etag"]
    known = {"accept": STREAMED[form].media_types[-1], "if-none-match": tag}
    again = client.get("/collections/toilets/items", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/collections/toilets/items", headers={"if-none-match": tag}).status_code == 200
    head = client.head(f"/collections/toilets/items?f={form}")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("form", STREAMED)
def test_collections_of_runs_are_streamed_too(client, form):
    assert _ids(_get(client, form, "coverage_gaps/items").content, form) == []
    assert client.get(f"/collections/coverage_areas/items?f={form}&run=x").status_code == 400


@pytest.mark.parametrize(
    "query", ["kind=nonsense", "sortby=nonsense", "after=x", "properties=nonsense", "limit=0", "nonsense=1"]
)
@pytest.mark.parametrize("form", ["csv", "fgb", "parquet"])
def test_what_cannot_be_asked_is_a_problem_and_no_file(client, form, query):
    reply = client.get(f"/collections/toilets/items?f={form}&{query}")
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert "content-disposition" not in reply.headers


def test_a_form_that_there_is_not_is_a_400_with_the_nearest_names(client):
    reply = client.get("/collections/toilets/items?f=flatgeobuff")
    assert reply.status_code == 400
    assert "flatgeobuf" in reply.json()["hint"]


def test_a_stream_is_compressed_where_the_client_takes_it_and_parquet_never(client):
    for form, coding in (("geojsonseq", "zstd"), ("csv", "br"), ("flatgeobuf", "gzip"), ("arrow", "zstd")):
        path = f"/collections/toilets/items?f={form}"
        with client.stream("GET", path, headers={"accept-encoding": coding}) as reply:
            assert reply.headers["content-encoding"] == coding
            assert "accept-encoding" in reply.headers["vary"].lower()
    parquet = client.get(
        "/collections/toilets/items?f=parquet", headers={"accept-encoding": "zstd, br, gzip"}
    )
    assert "content-encoding" not in parquet.headers
