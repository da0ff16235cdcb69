"""OSM objects: what rules take, what is whole, what is cut off; counted again by other means."""

from __future__ import annotations

import bz2
import gzip
from collections import Counter
from xml.etree import ElementTree as ET

import pyogrio
import pytest
import shapely

from app.errors import UnreadableFile
from app.ingest.files import recognise
from app.ingest.osm import make_batches
from app.ingest.osm_file import read_osm
from app.ingest.osm_rules import OsmFields, OsmRules
from app.inventory.batch import Batch
from tests.importing import OsmFile, parse_osm
from tests.width import thin

CORNERS = {1: (25.0, 60.0), 2: (25.01, 60.0), 3: (25.01, 60.01), 4: (25.0, 60.01), 5: (25.005, 60.005)}


def node(ref, **tags: str):
    lon, lat = CORNERS[ref]
    return f'<node id="{ref}" version="1" lon="{lon}" lat="{lat}">{_tags(tags)}</node>'


def way(ref, nodes, /, **tags: str):
    inside = "".join(f'<nd ref="{n}"/>' for n in nodes)
    return f'<way id="{ref}" version="1">{inside}{_tags(tags)}</way>'


def relation(ref, members, **tags: str):
    inside = "".join(f'<member type="way" ref="{r}" role="{role}"/>' for r, role in members)
    return f'<relation id="{ref}" version="1">{inside}{_tags(tags)}</relation>'


def _tags(tags) -> str:
    return "".join(f'<tag k="{k.replace("__", ":")}" v="{v}"/>' for k, v in tags.items())


@pytest.fixture
def parse(tmp_path, catalogue):
    def parse(*objects: str, bounds: str = "") -> tuple[OsmFile, dict[str, Batch]]:
        path = tmp_path / "t.osm"
        nodes = "" if any(o.startswith("<node") for o in objects) else "".join(node(n) for n in CORNERS)
        path.write_text(
            f'<?xml version="1.0"?><osm version="0.6">{bounds}{nodes}{"".join(objects)}</osm>',
            encoding="utf-8",
        )
        parsed = parse_osm(catalogue, path)
        return parsed, {batch.class_id: batch for batch in parsed.batches}

    return parse


def test_nodes_ways_and_relations_have_codes(parse):
    objects = [node(n) for n in (1, 2, 3, 4)] + [
        node(5, amenity="toilets"),
        way(7, [1, 2, 3, 4, 1], amenity="toilets", name="滕王阁公厕"),
        way(8, [1, 2, 3, 4, 1]),
        relation(
            9, [(8, "outer")], type="multipolygon", leisure="park", name="People's Park", name__zh="人民公园"
        ),
    ]
    _, batches = parse(*objects)
    assert batches["toilets"].codes == ["n5", "w7"]
    assert batches["toilets"].geometry[1].within(shapely.box(25, 60, 25.01, 60.01))
    assert batches["toilets"].columns["name_zh"] == [None, "滕王阁公厕"]
    assert batches["parks"].codes == ["r9"]
    assert batches["parks"].columns["name_zh"] == ["人民公园"]
    assert batches["parks"].columns["name_en"] == ["People's Park"]
    assert batches["parks"].geometry[0].equals(shapely.box(25, 60, 25.01, 60.01))


def test_an_area_with_missing_nodes_is_never_closed(parse):
    parsed, batches = parse(way(7, [1, 2, 3, 99, 1], leisure="park"), way(8, [1, 2, 3, 4, 1], leisure="park"))
    (reject,) = batches["parks"].rejects
    assert (reject.row, reject.reason) == ("w7", "incomplete: 1 of 5 nodes missing")
    assert batches["parks"].codes == ["w8"]
    assert {"class": "parks", "code": "w7", "missing": 1, "nodes": 5, "kept": False} in parsed.incomplete


def test_a_line_keeps_the_pieces_that_are_there(parse):
    _, batches = parse(way(7, [1, 2, 99, 3, 4], highway="footway"), way(8, [1, 98, 2], highway="footway"))
    streets = batches["streets"]
    assert (streets.codes, streets.incomplete) == (["w7"], {"w7"})
    assert len(streets.geometry[0].geoms) == 2
    assert [r.reason for r in streets.rejects] == ["incomplete: 1 of 3 nodes missing"]


def test_a_relation_says_what_is_missing_of_it(parse):
    _, batches = parse(
        way(7, [1, 2, 3]),
        relation(9, [(7, "outer"), (70, "outer")], type="multipolygon", leisure="park"),
        relation(10, [(7, "outer")], type="multipolygon", leisure="park"),
        relation(11, [(7, "")], type="site", leisure="park"),
    )
    assert {r.row: r.reason for r in batches["parks"].rejects} == {
        "r9": "incomplete: 1 of 2 member ways missing",
        "r10": "its rings do not close or cross each other",
        "r11": "a relation of type 'site' has no shape of its own",
    }


def test_a_stretch_of_a_border_is_no_area(parse):
    border = {"boundary": "administrative", "admin_level": "6"}
    _, batches = parse(
        way(7, [1, 2, 3], **border), way(8, [3, 4, 1], **border),
        relation(9, [(7, "outer"), (8, "outer")], type="boundary", **border),
    )  # fmt: skip
    assert (batches["districts"].codes, batches["districts"].rejects) == (["r9"], [])
    assert batches["districts"].columns["level"] == ["district"]


def test_a_self_crossing_ring_is_repaired_and_told(parse):
    parsed, batches = parse(way(7, [1, 3, 2, 4, 1], leisure="park"))
    assert batches["parks"].codes == ["w7"]
    assert shapely.is_valid(batches["parks"].geometry[0])
    assert [(item["class"], item["row"]) for item in parsed.repaired] == [("parks", "w7")]


def test_an_open_way_is_no_park(parse):
    _, batches = parse(way(7, [1, 2, 3], leisure="park"))
    assert "not closed" in batches["parks"].rejects[0].hint


def test_pedestrian_areas_become_outlines(parse):
    _, batches = parse(
        way(7, [1, 2, 3, 4, 1], highway="pedestrian", area="yes"),
        way(8, [1, 2, 3, 4, 1]),
        relation(9, [(8, "outer")], type="multipolygon", highway="pedestrian"),
    )
    assert batches["streets"].codes == ["w7", "r9"]
    kinds = {shape.geom_type for shape in batches["streets"].geometry}
    assert kinds <= {"LineString", "MultiLineString"}


@pytest.mark.parametrize(
    ("tags", "walk"),
    [
        ({"highway": "residential"}, "public"),
        ({"highway": "motorway"}, "no"),
        ({"highway": "service", "access": "private"}, "private"),
        ({"highway": "service", "access": "private", "foot": "yes"}, "public"),
        ({"highway": "path", "foot": "no"}, "no"),
        ({"highway": "footway", "access": "no"}, "no"),
        ({"highway": "steps", "foot": "private"}, "private"),
    ],
)
def test_who_may_walk(parse, tags, walk):
    _, batches = parse(way(7, [1, 2], **tags))
    assert batches["streets"].columns["walk"] == [walk]


def test_tags_that_no_field_takes_are_kept(parse):
    _, batches = parse(
        way(7, [1, 2], highway="residential", width="about 5", layer="-1", ref="G3", foo="bar")
    )
    streets = batches["streets"]
    assert streets.columns["layer"] == [-1]
    assert streets.columns["width_m"] == [None]
    assert streets.extra[0] == {"width": "about 5", "foo": "bar"}


def test_declared_bounds_are_the_extent(parse):
    objects = (way(7, [1, 2], highway="path"),)
    assert parse(*objects, bounds='<bounds minlat="59" minlon="24" maxlat="61" maxlon="26"/>')[0].extent == (
        24,
        59,
        26,
        61,
    )
    assert parse(*objects)[0].extent is None


@pytest.mark.parametrize(("suffix", "pack"), [("osm.gz", gzip.compress), ("osm.bz2", bz2.compress)])
def test_packed_xml(tmp_path, catalogue, suffix, pack):
    text = f'<osm version="0.6">{node(1)}{node(2)}{way(7, [1, 2], highway="path")}</osm>'
    (tmp_path / f"t.{suffix}").write_bytes(pack(text.encode()))
    assert [batch.read for batch in parse_osm(catalogue, tmp_path / f"t.{suffix}").batches] == [1]


@pytest.mark.parametrize(
    "text",
    [
        '<osm version="0.6"><node id="1"',
        (
            '<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><osm version="0.6"><node id="1" lat="1" lon="1">'
            '<tag k="name" v="&b;"/></node></osm>'
        ),
        '<osm version="0.6"><node id="x" lat="1" lon="1"/></osm>',
        '<osm version="0.6"></osm>',
    ],
)
def test_broken_or_empty_xml_is_refused(tmp_path, catalogue, text):
    (tmp_path / "t.osm").write_text(text)
    with pytest.raises(UnreadableFile):
        parse_osm(catalogue, tmp_path / "t.osm")


def test_a_pbf_cut_short_is_refused(tmp_path, catalogue, data_dir):
    whole = (data_dir / "helsinki" / "Helsinki.osm.pbf").read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(UnreadableFile, match="damaged or cut short"):
        parse_osm(catalogue, tmp_path / "cut.osm.pbf")


def test_rules_are_indexed_without_change(catalogue):
    classes = [cls for cls in catalogue.classes.values() if cls.osm]
    rules = OsmRules(classes)
    samples = [
        {"amenity": "toilets"}, {"highway": "motorway"}, {"bridge": "yes", "highway": "footway"}, {"tunnel": "no"},
        {"building": "yes"}, {"leisure": "park", "landuse": "grass"}, {"manhole": "gas"}, {"foo": "bar"}, {},
    ]  # fmt: skip
    for tags in samples:
        # The plain meaning of a rule: all its tags, none of its exceptions, the first that fits counts.
        expected = {
            cls.id: rule
            for cls in classes
            for rule in reversed(cls.osm)
            if all(tags.get(k) in v or ("*" in v and k in tags) for k, v in rule.tags.items())
            and not any(tags.get(k) in v or ("*" in v and k in tags) for k, v in rule.unless.items())
        }
        assert {cls.id: rule for cls, rule in rules.match(tags)} == expected
    assert OsmFields(catalogue.get_class("toilets")).read({"amenity": "toilets"}, classes[0].osm[0])


# Real files -----------------------------------------------------------------------------------------------------

HELSINKI = {
    "toilets": (18, 18), "parks": (17, 12), "manholes": (402, 397), "pipes": (79, 78), "street_lights": (586, 586),
    "street_trees": (649, 649), "bridges": (7, 7), "tunnels": (289, 284), "parking_lots": (43, 39), "markets": (2, 1),
    "buildings": (536, 446),
}  # fmt: skip


@pytest.fixture(scope="module")
def helsinki(data_dir, catalogue):
    return parse_osm(catalogue, data_dir / "helsinki" / "Helsinki.osm.pbf")


def test_helsinki_is_counted_as_it_was_by_others(helsinki):
    found = {batch.class_id: (batch.read, len(batch.codes)) for batch in helsinki.batches}
    assert {class_id: found[class_id] for class_id in HELSINKI} == HELSINKI
    assert helsinki.extent == pytest.approx((24.9351762, 60.164155, 24.9534145, 60.179113), abs=1e-9)


def test_helsinkis_cut_parks_say_how_much_is_missing(helsinki):
    parks = next(batch for batch in helsinki.batches if batch.class_id == "parks")
    assert sorted(reject.reason for reject in parks.rejects) == [
        f"incomplete: {missing} of {nodes} nodes missing"
        for missing, nodes in ((40, 51), (41, 113), (66, 70), (75, 76), (91, 98))
    ]
    assert sum(code.startswith("r") for code in parks.codes) == 1


def test_helsinkis_points_are_gdals(helsinki, data_dir):
    """GDAL's OSM driver reads the same points (it keeps lamps and trees as tags of its layer `points`)."""
    table = pyogrio.raw.read(
        data_dir / "helsinki" / "Helsinki.osm.pbf", layer="points", columns=["highway", "other_tags"]
    )
    lamps = shapely.from_wkb(table[2][table[3][0] == "street_lamp"])
    batch = next(batch for batch in helsinki.batches if batch.class_id == "street_lights")
    assert sorted(map(_seventh, batch.geometry)) == sorted(map(_seventh, lamps))


def _seventh(point) -> tuple[float, float]:
    return round(point.x, 7), round(point.y, 7)


@pytest.mark.parametrize(
    "name", ["china_osm/cn_freeman.osm", "china_osm/cn_cau_beijing.osm", "berlin/o2s_neukolln.osm"]
)
def test_xml_is_counted_as_by_a_plain_xml_reader(data_dir, catalogue, name):
    tags = {
        "toilets": ("amenity", "toilets"),
        "street_trees": ("natural", "tree"),
        "street_lights": ("highway", "street_lamp"),
    }
    expected: Counter[str] = Counter()
    for item in ET.parse(data_dir / name).getroot():
        held = {(tag.get("k"), tag.get("v")) for tag in item.iter("tag")}
        expected.update(class_id for class_id, tag in tags.items() if tag in held)
        if any(k == "building" and v != "no" for k, v in held):
            expected["buildings"] += 1
    found = {batch.class_id: batch.read for batch in parse_osm(catalogue, data_dir / name).batches}
    assert {class_id: found.get(class_id, 0) for class_id in expected} == dict(expected)


@pytest.mark.parametrize(
    ("name", "counts"),
    thin([
        ("monaco/monaco-231225.osm.pbf", {"toilets": 29, "parks": 16, "tunnels": 229, "bridges": 44, "parking_lots": 71,
                                          "street_trees": 557, "buildings": 1286}),
        ("andorra/andorra-260403.osm.pbf", {"toilets": 40, "parks": 32, "tunnels": 320, "bridges": 521,
                                            "parking_lots": 406, "buildings": 7471, "residential_areas": 180}),
    ]),
)  # fmt: skip
def test_monaco_and_andorra_are_counted_as_they_were_by_others(data_dir, catalogue, name, counts):
    parsed = parse_osm(catalogue, data_dir / name)
    found = {batch.class_id: batch.read for batch in parsed.batches}
    assert {class_id: found[class_id] for class_id in counts} == counts
    assert all(shapely.is_valid(batch.geometry).all() for batch in parsed.batches)


def test_only_the_class_that_is_asked_for_is_read(data_dir, catalogue):
    file = recognise(data_dir / "berlin" / "o2s_neukolln.osm")
    only = [catalogue.get_class("street_lights")]
    (found,) = make_batches(read_osm(file, only), only)
    assert (found.batch.class_id, found.batch.read) == ("street_lights", 52)
