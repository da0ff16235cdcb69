"""A city's own systems: right to a millimetre, and their parameters in no text whatever."""

import copy
import logging
import pickle
import traceback

import numpy as np
import pytest
import shapely
from pyproj import CRS, Transformer

from app.errors import BadDeclaration, BadInput
from app.settings import Settings
from app.space.city_systems import NO_SYSTEMS, CitySystems, load_city_systems
from app.space.transform import LOCAL_LABEL, check_crs, crs_label, file_crs, from_lonlat, to_lonlat

KEY = "4f1c0de5a7b3926e8d10c4f7a95b3e21"
#: Made up; numbers that occur nowhere else, so that a search for them finds leaks and nothing else.
SECRETS = (
    "115.48724",
    "501733.25",
    "-3177.615",
    "17.3391",
    "-151.8874",
    "-79.6613",
    "0.73519",
    "1.31847",
    "-3.40926",
    "4.77183",
)
KRASS = (
    "+proj=tmerc +lat_0=0 +lon_0=115.48724 +k=1 +x_0=501733.25 +y_0=-3177.615 +ellps=krass "
    "+towgs84=17.3391,-151.8874,-79.6613,0.73519,1.31847,-3.40926,4.77183 +units=m +no_defs"
)
BARE = KRASS.split(" +towgs84", maxsplit=1)[0]
MODERN = "+proj=tmerc +lat_0=0 +lon_0=115.48724 +k=1 +x_0=501733.25 +y_0=-3177.615 +ellps=GRS80 +units=m"
PLANE = (
    "+proj=pipeline +step +proj=affine +xoff=501733.25 +yoff=-3177.615 +s11=1 +s12=0.00073519 +s21=-0.00073519 +s22=1 "
    "+step +inv +proj=tmerc +lon_0=117 +x_0=500000 +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)
SEVEN = (
    "    parameters: {dx: 17.3391, dy: -151.8874, dz: -79.6613, rx: 0.73519, ry: 1.31847, rz: -3.40926,"
    " scale: 4.77183, convention: position_vector}\n"
)


def entry(name: str, definition: str, more: str = "") -> str:
    return f"  {name}:\n    title: {{zh: 洪城坐标系, en: Own system}}\n    definition: '{definition}'\n{more}"


def declare(*entries: str, key: str = KEY) -> str:
    return f"key: {key}\nsystems:\n{''.join(entries)}"


@pytest.fixture
def load(tmp_path):
    def make(text: str, mode: int = 0o600) -> CitySystems:
        path = tmp_path / "crs.yaml"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return load_city_systems(Settings(crs_file=path))

    return make


def point(x: float, y: float, z: float | None = None) -> np.ndarray:
    return np.array([shapely.Point(x, y) if z is None else shapely.Point(x, y, z)], dtype=object)


@pytest.mark.parametrize("definition", [KRASS, MODERN])
def test_a_declared_system_is_as_exact_as_proj(load, definition):
    systems = load(declare(entry("honggu", definition)))
    oracle = Transformer.from_crs(CRS(definition), 4326, always_xy=True, allow_ballpark="GRS80" in definition)
    found = to_lonlat(point(512_345.6, 3_170_000.1, 23.5), "honggu", systems)[0]
    assert (found.x, found.y) == pytest.approx(oracle.transform(512_345.6, 3_170_000.1), abs=1e-9)
    back = from_lonlat(np.array([found]), "HONGGU", systems)[0]
    assert (back.x, back.y, back.z) == pytest.approx((512_345.6, 3_170_000.1, 23.5), abs=0.001)


def test_seven_parameters_beside_a_code_are_those_of_the_definition(load):
    text = (
        "+proj=tmerc +lon_0=117 +x_0=500000 +ellps=krass "
        "+towgs84=17.3391,-151.8874,-79.6613,0.73519,1.31847,-3.40926,4.77183"
    )
    turned = SEVEN.replace("rx: 0", "rx: -0").replace("ry: 1", "ry: -1").replace("rz: -3", "rz: 3")
    systems = load(
        declare(
            entry("one", "EPSG:2436", SEVEN),
            entry("two", text),
            entry("three", "EPSG:2436", turned.replace("position_vector", "coordinate_frame")),
        )
    )
    places = [to_lonlat(point(388_000, 3_174_000), name, systems)[0] for name in systems.names]
    assert shapely.distance(places[0], places[1:]).max() < 1e-10
    # Without the parameters the place would be elsewhere by some fifty metres.
    plain = to_lonlat(point(388_000, 3_174_000), "EPSG:4548")[0]
    assert shapely.distance(places[0], plain) > 4e-4


def test_a_plane_transformation_is_a_pipeline(load):
    systems = load(declare(entry("plane", PLANE)))
    zone = to_lonlat(point(388_382.945, 3_174_669.149), "EPSG:4548")
    own = from_lonlat(zone, "plane", systems)
    back = from_lonlat(to_lonlat(own, "plane", systems), "EPSG:4548")[0]
    assert (back.x, back.y) == pytest.approx((388_382.945, 3_174_669.149), abs=0.001)
    assert abs(own[0].x - 388_382.945) > 1000


def test_environment_secret_and_nothing_at_all():
    assert load_city_systems(Settings()) is NO_SYSTEMS
    settings = Settings(crs_systems=declare(entry("honggu", KRASS)))
    assert load_city_systems(settings).names == ("honggu",)
    assert not any(
        secret in f"{settings!r}{settings}{settings.model_dump_json()}" for secret in (*SECRETS, KEY)
    )


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666, 0o601])
def test_a_file_that_others_can_read_is_refused_with_the_command(load, tmp_path, mode):
    with pytest.raises(BadDeclaration, match="read by others") as caught:
        load(declare(entry("honggu", KRASS)), mode)
    assert caught.value.hint == f"Run: chmod 600 {tmp_path / 'crs.yaml'}"


BROKEN = {
    "no such projection": declare(entry("a-b", KRASS.replace("tmerc", "tmercator"))),
    "no parameters": declare(entry("a-b", BARE)),
    "parameters of zero": declare(entry("a-b", BARE + " +towgs84=0,0,0,0,0,0,0")),
    "six parameters": declare(entry("a-b", "EPSG:2436", SEVEN.replace(" rz: -3.40926,", ""))),
    "a word for a number": declare(entry("a-b", "EPSG:2436", SEVEN.replace("17.3391", "17.3391x"))),
    "no convention": declare(entry("a-b", "EPSG:2436", SEVEN.replace(", convention: position_vector", ""))),
    "a missing grid": declare(entry("a-b", BARE + " +nadgrids=/none/115.48724.gsb")),
    "an optional grid": declare(entry("a-b", BARE + " +nadgrids=@/none/115.48724.gsb")),
    "a broken pipeline": declare(entry("a-b", PLANE.replace("+proj=affine", "+proj=afine"))),
    "a cut WKT": declare(entry("a-b", CRS(MODERN).to_wkt()[:-40].replace("'", ""))),
    "text": declare(entry("a-b", "115.48724 501733.25")),
    "degrees": declare(entry("a-b", "+proj=longlat +ellps=krass +towgs84=17.3391,-151.8874,-79.6613")),
    "no YAML": declare(entry("a-b", KRASS)).replace("'+proj", "'+proj: '["),
    "a tab": declare(entry("a-b", KRASS)).replace("    definition", "\tdefinition"),
    "the definition as a name": declare(f"  '{MODERN}': {{}}\n"),
    "an unknown entry": declare(entry("a-b", KRASS, "    115.48724: 501733.25\n")),
    "the definition as a list": declare(
        "  a-b:\n    title: {zh: a, en: b}\n    definition: [115.48724, 501733.25]\n"
    ),
    "a name that is taken": declare(entry("gcj02", KRASS)),
    "a short key": declare(entry("a-b", KRASS), key="4f1c0de5"),
    "a key of one letter": declare(entry("a-b", KRASS), key="a" * 64),
    "no key": "systems:\n" + entry("a-b", KRASS),
    "a list": "- 115.48724\n",
    "nothing": "",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_declaration_is_refused_without_quoting_it(load, text):
    with pytest.raises(BadDeclaration) as caught:
        load(text)
    error = caught.value
    told = "".join(traceback.format_exception(error, chain=True)) + repr(error) + str(error.hint)
    # The chain is looked through by hand too: some loggers print what `from None` hides.
    link = error.__cause__ or error.__context__
    told += "" if link is None else str(link)
    assert error.hint
    assert not [secret for secret in (*SECRETS, KEY) if secret in told]


def test_no_text_of_a_system_holds_a_parameter(load, caplog):
    systems = load(declare(entry("honggu", KRASS), entry("plane", PLANE)))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").info("%s %r", systems, systems)
        to_lonlat(point(512_345, 3_170_000), "honggu", systems)
    system = systems.find("honggu")
    texts = [
        repr(systems),
        str(system),
        f"{system}",
        repr(vars(type(system))),
        system.wkt,
        system.label,
        caplog.text,
    ]
    texts += [file_crs(name, systems) + crs_label(name, systems) for name in systems.names]
    texts += [repr(getattr(system, name)) for name in type(system).__slots__]
    assert not [secret for secret in (*SECRETS, KEY) if any(secret in told for told in texts)]
    for send in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            send(system)


def test_the_fingerprint_needs_the_key_and_tells_systems_apart(load):
    one = load(declare(entry("honggu", KRASS))).find("honggu").fingerprint
    assert load(declare(entry("other", KRASS.replace(" +k=1", "  +k=1")))).find("other").fingerprint == one
    assert (
        load(declare(entry("honggu", KRASS.replace("4.77183", "4.77184")))).find("honggu").fingerprint != one
    )
    other = load(declare(entry("honggu", KRASS), key=KEY[::-1])).find("honggu").fingerprint
    assert other != one


def test_a_label_of_other_parameters_is_no_name(load):
    systems = load(declare(entry("honggu", KRASS)))
    label = systems.find("honggu").label
    assert systems.find(label) is systems.find("honggu")
    with pytest.raises(BadInput, match="declared with other parameters"):
        systems.find("honggu (fingerprint 000000000000)")
    with pytest.raises(BadInput, match="not declared"):
        NO_SYSTEMS.find(label)


def test_definitions_given_by_hand_are_used_and_not_kept():
    check_crs(MODERN)
    assert crs_label(MODERN) == LOCAL_LABEL
    with pytest.raises(BadInput) as caught:
        check_crs(KRASS)
    told = "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in SECRETS if secret in told + str(caught.value.hint)]
