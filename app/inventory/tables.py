"""Projects the catalogue to tables: one of current rows and one of all other versions for every class.

Nothing here touches a database. `ddl` renders these tables as text, the store reads column names from them, and a test
compares them with a migrated database.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Double,
    Identity,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, DATERANGE, JSONB, TIMESTAMP, UUID
from sqlalchemy.types import TypeEngine, UserDefinedType

from app.catalogue.model import REMEMBERED, Catalogue, FeatureClass, Field
from app.catalogue.public_part import LEVELS
from app.errors import BadDeclaration

SCHEMA = "city"
#: Zooms that have an index of their own, where some rows are drawn from a larger one on: a map scans what it may draw.
INDEXED_ZOOMS = (9, 12, 14)
HISTORY_ZOOM = 12
#: Columns that every class has beside its own fields; a declared field may bear none of these names.
SYSTEM_COLUMNS = frozenset(
    {
        "id",
        "code",
        "geom",
        "valid",
        "valid_from",  # as answers and files name the ends of `valid`
        "valid_to",
        "change_id",
        "until_change",
        "area_path",
        "areas_touched",
        "crosses_border",
        "min_zoom",
        "length_m",
        "area_m2",
        "size_flag",
        "incomplete",
        "extra",
        "import_id",
    }
)
#: Tables of the schema that are no classes.
RESERVED_TABLES = frozenset(
    {
        "changes",
        "imports",
        "import_rejects",
        "settings",
        "jobs",
        "alembic_version",
        "search_entries",
        "search_codes",
        "local_ddl",
        "access_keys",
        "parties",
        "people",
        "grants",
        "sessions",
        "login_states",
        "login_failures",
        "photos",
        "reports",
        "assessments",
        "guards",
    }
    | {f"coverage_{name}" for name in ("runs", "areas", "gaps", "units", "reach")}
)
GEOMETRY_TYPES = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon", "mixed": "Geometry"}
IDENTIFIER_LIMIT = 63


class Geometry(UserDefinedType[bytes]):
    """A PostGIS geometry column in lon/lat; `kind` is the type written in its definition."""

    cache_ok = True

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def get_col_spec(self, **_: object) -> str:
        """The type as PostGIS names it."""
        return f"geometry({self.kind}, 4326)"


@dataclass(frozen=True, slots=True)
class Tables:
    """The projected schema: class id → table of current rows, and → table of all other versions."""

    metadata: MetaData
    current: Mapping[str, Table]
    history: Mapping[str, Table]


#: Held by who projects a catalogue: it takes a quarter of a second, and all who begin at once would do it.
_PROJECTING = Lock()


def project(catalogue: Catalogue) -> Tables:
    """The tables of every class of the catalogue, in schema `city`; the same object for the same catalogue.

    Raises:
        BadDeclaration: A class or field bears a name that the schema keeps for itself, or too long a one.
    """
    with _PROJECTING:
        return _project(catalogue)


@lru_cache(maxsize=len(LEVELS) * REMEMBERED)
def _project(catalogue: Catalogue) -> Tables:
    metadata = MetaData(schema=SCHEMA)
    classes = sorted(catalogue.classes.values(), key=lambda cls: cls.id)
    for cls in classes:
        _check_names(cls)
    current = {cls.id: _current(cls, metadata) for cls in classes}
    history = {cls.id: _history(cls, metadata) for cls in classes}
    return Tables(metadata, current, history)


def _check_names(cls: FeatureClass) -> None:
    taken = [item.name for item in cls.fields if item.name in SYSTEM_COLUMNS]
    if taken:
        raise BadDeclaration(
            f"Class '{cls.id}' declares the field '{taken[0]}', which every class already has.",
            f"Choose another name; kept names are: {', '.join(sorted(SYSTEM_COLUMNS))}.",
        )
    if cls.id in RESERVED_TABLES or cls.id.endswith("_history"):
        raise BadDeclaration(f"No class may be called '{cls.id}': the schema keeps that name for itself.")


def _current(cls: FeatureClass, metadata: MetaData) -> Table:
    identity: Column[int] = Column(
        "id", BigInteger, Identity(always=False), nullable=False, comment="Item id, never given out again"
    )
    return Table(
        cls.id,
        metadata,
        identity,
        *_columns(cls),
        PrimaryKeyConstraint("id", name=_name("pk", cls.id)),
        UniqueConstraint("code", name=_name("uq", cls.id, "code")),
        *_checks(cls),
        *_indexes(cls),
        schema=cls.schema,
        comment=f"{cls.title.zh} / {cls.title.en}",
    )


def _history(cls: FeatureClass, metadata: MetaData) -> Table:
    name = f"{cls.id}_history"
    return Table(
        name,
        metadata,
        Column("id", BigInteger, nullable=False),
        *_columns(cls),
        # Null: still known to be true of its `valid` time. A number: the change that took this version back.
        Column("until_change", BigInteger, comment="Change that ended this version; null while it holds"),
        # One change may write several versions of a feature: the new one and what it leaves of those before.
        PrimaryKeyConstraint("id", "change_id", "valid", name=_name("pk", name)),
        *_geometry_checks(cls, name),
        Index(
            _name("ix", name, "geom"),
            "geom",
            "valid",
            postgresql_using="gist",
            postgresql_where=text("until_change IS NULL"),
        ),
        Index(_name("ix", name, "id"), "id", postgresql_where=text("until_change IS NULL")),
        Index(
            _name("ix", name, "valid"),
            "valid",
            postgresql_using="gist",
            postgresql_where=text("until_change IS NULL"),
        ),
        # Maps of a past day at small scales, where most features are not drawn.
        Index(
            _name("ix", name, f"geom_z{HISTORY_ZOOM}"),
            "geom",
            "valid",
            postgresql_using="gist",
            postgresql_where=text(f"until_change IS NULL AND min_zoom <= {HISTORY_ZOOM}"),
        ),
        Index(_name("ix", name, "code"), "code"),
        Index(_name("ix", name, "change_id"), "change_id"),
        Index(
            _name("ix", name, "until_change"),
            "until_change",
            postgresql_where=text("until_change IS NOT NULL"),
        ),
        schema=cls.schema,
        comment=f"{cls.title.zh} / {cls.title.en}: all versions but the current ones",
    )


def _columns(cls: FeatureClass) -> Iterator[Column[object]]:
    yield Column("code", Text, nullable=False, comment="Key of the object, unique in its class")
    for item in cls.fields:
        yield Column(item.name, _type(item), nullable=not item.required, comment=_comment(item))
    yield Column(
        "geom", Geometry(GEOMETRY_TYPES[cls.geometry]), nullable=False, comment="lon/lat (EPSG:4326)"
    )
    yield Column(
        "valid", DATERANGE, nullable=False, server_default=text("'[,)'"), comment="Time in the world"
    )
    yield Column("change_id", BigInteger, nullable=False, comment="Change that wrote this version")
    yield from _derived(cls)
    yield Column("incomplete", Boolean, nullable=False, server_default=text("false"))
    yield Column("extra", JSONB, comment="Attributes of the source that the class does not declare")
    yield Column("import_id", UUID(as_uuid=True), comment="Import that wrote this version")


def _derived(cls: FeatureClass) -> Iterator[Column[object]]:
    """Columns computed at write from geometry, fields and areas."""
    empty_text, empty_array = text("''"), text("'{}'::text[]")
    yield Column(
        "area_path", Text, nullable=False, server_default=empty_text, comment="Home area, city first, by '/'"
    )
    yield Column("areas_touched", ARRAY(Text), nullable=False, server_default=empty_array)
    yield Column(
        "crosses_border",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="In a district, but not wholly within one",
    )
    yield Column("min_zoom", SmallInteger, nullable=False, server_default=text("0"))
    if cls.geometry == "line":
        yield Column("length_m", Double, comment="Length in the city's metric CRS (m)")
    if cls.geometry in {"polygon", "mixed"}:
        yield Column("area_m2", Double, comment="Area of the geometry in the city's metric CRS (m²)")
        yield Column(
            "size_flag",
            Boolean,
            nullable=False,
            server_default=text("false"),
            comment="Registered and measured area differ by more than 10 %",
        )


def _type(item: Field) -> TypeEngine[Any]:
    types: dict[str, TypeEngine[Any]] = {
        "text": Text(),
        "choice": Text(),
        "integer": BigInteger(),
        "number": Double(),
        "boolean": Boolean(),
        "date": Date(),
        "datetime": TIMESTAMP(timezone=True),
    }
    return types[item.type]


def _comment(item: Field) -> str:
    unit = f" ({item.unit})" if item.unit else ""
    return f"{item.title.zh} / {item.title.en}{unit}"


def _checks(cls: FeatureClass) -> Iterator[CheckConstraint]:
    rules = [
        *_geometry_rules(cls),
        *((item.name, rule) for item in cls.fields for rule in _field_rules(item)),
    ]
    for what, rule in rules:
        # The name bears the rule's checksum: a changed rule is a changed name, which every comparison sees.
        checksum = f"{zlib.crc32(rule.encode()):08x}"
        yield CheckConstraint(text(rule.replace(":", r"\:")), name=_name("ck", cls.id, what, checksum))


def _geometry_checks(cls: FeatureClass, table: str) -> Iterator[CheckConstraint]:
    """The history is written straight by loads that tell of other days, so its shapes are guarded too."""
    for _, rule in _geometry_rules(cls):
        # Without the rule's word, or the longest class ids would make too long a name.
        yield CheckConstraint(text(rule), name=_name("ck", table, f"{zlib.crc32(rule.encode()):08x}"))


def _geometry_rules(cls: FeatureClass) -> Iterator[tuple[str, str]]:
    yield "geom_filled", "NOT ST_IsEmpty(geom)"
    yield (
        "geom_bounds",
        "ST_XMin(geom) >= -180 AND ST_XMax(geom) <= 180 AND ST_YMin(geom) >= -90 AND ST_YMax(geom) <= 90",
    )
    # A bounding box leaves NaN out; a sum over all vertices does not, and NaN is above infinity to PostgreSQL.
    if cls.geometry == "line":
        yield "geom_finite", "ST_Length(geom) < 'Infinity'"
    if cls.geometry in {"polygon", "mixed"}:
        yield "geom_finite", "ST_Perimeter(geom) < 'Infinity'"
    if cls.geometry == "mixed":
        yield "geom_type", "GeometryType(geom) IN ('POINT', 'MULTIPOLYGON')"


def _field_rules(item: Field) -> Iterator[str]:
    name = quoted(item.name)
    if item.choices:
        yield f"{name} IN ({', '.join(_literal(choice.value) for choice in item.choices)})"
    if item.type in {"integer", "number"}:
        yield from _range_rule(item)
    if item.type == "date":
        yield f"{name} >= DATE '0001-01-01' AND {name} <= DATE '9999-12-31'"
    if item.type == "datetime":
        # What programs can read: a day less at either end, for any zone that they show it in.
        yield f"{name} >= TIMESTAMPTZ '0001-01-02 00:00Z' AND {name} < TIMESTAMPTZ '9999-12-31 00:00Z'"


def _range_rule(item: Field) -> Iterator[str]:
    name = quoted(item.name)
    parts = [] if item.minimum is None else [f"{name} >= {_number(item.minimum)}"]
    if item.maximum is not None:
        parts.append(f"{name} <= {_number(item.maximum)}")
    elif item.type == "number":
        parts.append(f"{name} < 'Infinity'")
    if item.minimum is None and item.type == "number":
        parts.append(f"{name} > '-Infinity'")
    if parts:
        yield " AND ".join(parts)


def _indexes(cls: FeatureClass) -> Iterator[Index]:
    yield Index(_name("ix", cls.id, "geom"), "geom", postgresql_using="gist")
    last = max((rule.zoom for rule in cls.zooms), default=0)
    for zoom in (zoom for zoom in INDEXED_ZOOMS if zoom < last):
        yield Index(
            _name("ix", cls.id, f"geom_z{zoom}"),
            "geom",
            postgresql_using="gist",
            postgresql_where=text(f"min_zoom <= {zoom}"),
        )
    yield Index(
        _name("ix", cls.id, "area_path"), "area_path", postgresql_ops={"area_path": "text_pattern_ops"}
    )
    yield Index(_name("ix", cls.id, "change_id"), "change_id")
    # Most classes hold at all times, or all rows of an import from one day on: block by block is enough to say that
    # none holds on a day, at a third of the cost of an entry a row.
    yield Index(_name("ix", cls.id, "valid"), "valid", postgresql_using="brin")


def _name(*parts: str) -> str:
    """A name for a constraint or index; longer than PostgreSQL keeps would be cut silently."""
    name = "_".join(parts)
    if len(name) > IDENTIFIER_LIMIT:
        raise BadDeclaration(
            f"The name '{name}' is longer than {IDENTIFIER_LIMIT} characters.",
            "Shorten the name of the class or field.",
        )
    return name


def table_name(cls: FeatureClass | str, *, history: bool = False) -> str:
    """The quoted, qualified name of a class's table; a text names a built-in class."""
    schema, class_id = (SCHEMA, cls) if isinstance(cls, str) else (cls.schema, cls.id)
    return f"{schema}.{quoted(class_id + '_history' if history else class_id)}"


def readable_columns(cls: FeatureClass) -> list[str]:
    """The columns that whoever knows the class by these fields may read: all but `extra`, which is internal."""
    return ["id", *(column.name for column in _columns(cls) if column.name != "extra")]


def quoted(name: str) -> str:
    """A name as an SQL identifier, always in quotes: no list of reserved words to keep."""
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
