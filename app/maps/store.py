"""The maps' SQL: what a single file draws, one feature's fields, counts by zoom, extent, sources.

A table is that of a class's current rows or, of another time, what `version_store` gives in its place.
A file's geometry leaves the database in whole units of one square around all of it; JSON text is built by the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    FromClause,
    Select,
    String,
    Subquery,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    literal,
    null,
    select,
    text,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSON

from app.catalogue.model import FeatureClass, Lang
from app.inventory.tables import table_name
from app.maps.squares import Square


@dataclass(frozen=True, slots=True)
class Part:
    """One list of shapes: rows of `table` where `where` holds, `kind` and `mark` as SQL values."""

    table: FromClause
    kind: ColumnElement[Any] | None = None
    mark: ColumnElement[Any] | None = None
    where: ColumnElement[bool] | None = None
    named: bool = True
    outline: bool = False
    early: int = 0  # zooms before its own at which a row is drawn


def name_of(table: FromClause, lang: Lang) -> ColumnElement[Any]:
    """The name in the page's language, else in the other, else null; never longer than a label can be."""
    order = ("name_zh", "name_en") if lang == "zh" else ("name_en", "name_zh")
    names = [func.nullif(table.c[name], "") for name in order if name in table.c]
    return func.left(func.coalesce(*names), 120) if names else cast(null(), String)


def constant(value: str) -> ColumnElement[Any]:
    """A text as an SQL value."""
    return cast(literal(value), String)


def is_one_of(column: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column holds one of the values."""
    return column.in_(values)


def street_mark(streets: FromClause) -> ColumnElement[Any]:
    """`t` for tunnels, `b` for bridges, else null."""
    return case((streets.c.tunnel, constant("t")), (streets.c.bridge, constant("b")), else_=null())


def _inside(table: FromClause, square: Square, zoom: int) -> ColumnElement[bool]:
    box = func.ST_MakeEnvelope(*square.lonlat(), 4326)
    return and_(table.c.geom.op("&&")(box), table.c.min_zoom <= zoom)


def _units(geometry: ColumnElement[Any], square: Square) -> ColumnElement[Any]:
    bounds = func.ST_MakeBox2D(
        func.ST_Point(square.bounds[0], square.bounds[1]), func.ST_Point(square.bounds[2], square.bounds[3])
    )
    return func.ST_AsMVTGeom(func.ST_Transform(geometry, 3857), bounds, square.extent, 0, False)


def _json(geometry: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(func.ST_AsGeoJSON(geometry, 0, 0), JSON)


def _size(table: FromClause) -> ColumnElement[Any]:
    measured = next((table.c[name] for name in ("area_m2", "length_m") if name in table.c), None)
    return table.c.id if measured is None else measured


def _shape_rows(part: Part, square: Square, zoom: int, lang: Lang) -> Subquery:
    table = part.table
    source = func.ST_Boundary(table.c.geom) if part.outline else table.c.geom
    where = _inside(table, square, zoom + part.early)
    if part.where is not None:
        where = and_(where, part.where)
    rows = select(
        table.c.id,
        (part.kind if part.kind is not None else null()).label("kind"),
        (name_of(table, lang) if part.named else null()).label("label"),
        (table.c.min_zoom - part.early).label("min_zoom"),
        _units(source, square).label("shape"),
        (part.mark if part.mark is not None else null()).label("mark"),
    )
    return rows.where(where).order_by(_size(table).desc(), table.c.id).subquery()


def shapes(part: Part, square: Square, zoom: int, lang: Lang) -> Select[Any]:
    """JSON {rows, cut} of lines and areas: rows are [id, kind, label, zoom, geometry, mark]; none is ever cut."""
    rows = _shape_rows(part, square, zoom, lang)
    row = func.json_build_array(
        rows.c.id, rows.c.kind, rows.c.label, rows.c.min_zoom, _json(rows.c.shape), rows.c.mark
    )
    drawable = func.ST_Dimension(rows.c.shape) > 0
    listed = func.coalesce(func.json_agg(row).filter(drawable), _empty())
    return select(_object({"rows": listed, "cut": false()}))


def _empty() -> ColumnElement[Any]:
    return cast(literal("[]"), JSON)


def _anchor(table: FromClause) -> ColumnElement[Any]:
    """The point at which a feature of any kind is named or marked."""
    if "length_m" in table.c:
        return func.ST_LineInterpolatePoint(func.ST_GeometryN(table.c.geom, 1), 0.5)
    return func.ST_PointOnSurface(table.c.geom)


def _positions(
    table: FromClause,
    square: Square,
    zoom: int,
    columns: Sequence[ColumnElement[Any]],
    where: ColumnElement[bool],
) -> Subquery:
    """The anchors, as x and y in units of the square."""
    point = func.ST_Transform(_anchor(table), 3857)
    unit = square.extent / square.side_m
    rows = select(
        *columns,
        ((func.ST_X(point) - square.left_m) * unit).label("x"),
        ((square.top_m - func.ST_Y(point)) * unit).label("y"),
    )
    return rows.where(_inside(table, square, zoom), where).subquery()


def points(part: Part, square: Square, lang: Lang) -> Select[Any]:
    """JSON list of [id, 1, x, y, label, kind]."""
    table = part.table
    kind = part.kind if part.kind is not None else cast(null(), String)
    columns = (table.c.id, name_of(table, lang).label("label"), kind.label("kind"))
    at = _positions(table, square, 99, columns, true())
    row = func.json_build_array(at.c.id, 1, func.round(at.c.x), func.round(at.c.y), at.c.label, at.c.kind)
    return select(func.coalesce(func.json_agg(row), _empty()))


def labels(group: ColumnElement[Any], part: Part, square: Square, zoom: int, lang: Lang) -> Select[Any]:
    """JSON list of [group, name, x, y, zoom] of features, largest first."""
    table = part.table
    where: ColumnElement[bool] = name_of(table, lang).is_not(None)
    if part.where is not None:
        where = and_(where, part.where)
    columns = (
        group.label("group"),
        name_of(table, lang).label("label"),
        table.c.min_zoom,
        _size(table).label("size"),
    )
    at = _positions(table, square, zoom, columns, where)
    rows = select(at).order_by(at.c.size.desc()).subquery()
    row = func.json_build_array(
        rows.c.group, rows.c.label, func.round(rows.c.x), func.round(rows.c.y), rows.c.min_zoom
    )
    return select(func.coalesce(func.json_agg(row), _empty()))


def square_json(conn: Connection, square: Square, members: dict[str, Any]) -> str:
    """One square as JSON text: `members` are selects (or dicts of them) by key, run as one statement."""
    built = _object({"square": cast(literal(_plain(square)), JSON), **members})
    return str(conn.execute(select(cast(built, String))).scalar_one())


def _plain(square: Square) -> str:
    return "[" + ",".join(repr(number) for number in square.as_json()) + "]"


def _object(members: dict[str, Any]) -> ColumnElement[Any]:
    pairs: list[Any] = []
    for key, value in members.items():
        made = _object(value) if isinstance(value, dict) else value
        pairs += [cast(literal(key), String), made.scalar_subquery() if isinstance(made, Select) else made]
    return func.json_build_object(*pairs)


def joined(lists: Sequence[Select[Any]]) -> Select[Any]:
    """Several JSON lists as one."""
    parts = [func.json_array_elements(each.scalar_subquery()).table_valued("value") for each in lists]
    union = select(parts[0].c.value).union_all(*(select(part.c.value) for part in parts[1:])).subquery()
    return select(func.coalesce(func.json_agg(union.c.value), _empty()))


@dataclass(frozen=True, slots=True)
class Amount:
    """What a class holds: rows in all and by first zoom, metres, square metres; kind → (rows, square metres)."""

    count: int
    by_zoom: dict[int, int]
    length_m: float | None
    area_m2: float | None
    kinds: dict[str, tuple[int, float]]


def amount(conn: Connection, table: FromClause) -> Amount:
    """Count a class's rows (one scan)."""
    nothing = literal(None)
    length, area = (
        func.sum(table.c[name]) if name in table.c else nothing for name in ("length_m", "area_m2")
    )
    kind = table.c.kind if "kind" in table.c else nothing
    rows = conn.execute(
        select(table.c.min_zoom, cast(kind, String), func.count(), length, area).group_by(
            table.c.min_zoom, cast(kind, String)
        )
    ).all()
    by_zoom: dict[int, int] = {}
    kinds: dict[str, tuple[int, float]] = {}
    for zoom, name, count, _, size in rows:
        by_zoom[zoom] = by_zoom.get(zoom, 0) + count
        before = kinds.get(name or "", (0, 0.0))
        kinds[name or ""] = (before[0] + count, before[1] + (size or 0.0))
    lengths, areas = ([row[i] for row in rows if row[i] is not None] for i in (3, 4))
    return Amount(
        sum(by_zoom.values()),
        dict(sorted(by_zoom.items())),
        sum(lengths) if lengths else None,
        sum(areas) if areas else None,
        kinds,
    )


def years(conn: Connection, cls: FeatureClass) -> list[int]:
    """The years until now in which rows of a class begin or end, by all that is believed (a scan)."""
    current, history = table_name(cls), table_name(cls, history=True)
    found = conn.execute(
        text(
            "SELECT DISTINCT CAST(extract(year FROM day) AS int) AS year FROM ("
            f"SELECT unnest(ARRAY[lower(valid), upper(valid)]) AS day FROM {current} WHERE valid <> '(,)'"
            f" UNION ALL SELECT unnest(ARRAY[lower(valid), upper(valid)]) FROM {history} WHERE until_change IS NULL"
            ") days WHERE day <= current_date ORDER BY year"
        )
    )
    return list(found.scalars())


def densest(conn: Connection, table: FromClause, zoom: int) -> tuple[float, float] | None:
    """(lon, lat) amid the rows drawn at `zoom`, in the square of 512 pixels that holds most; None without rows."""
    side = 720 / 2**zoom
    lon, lat = (0.5 * (low(table.c.geom) + high(table.c.geom)) for low, high in _ENDS)
    rows = select(lon.label("lon"), lat.label("lat")).where(table.c.min_zoom <= zoom).subquery()
    cells = (
        select(func.avg(rows.c.lon), func.avg(rows.c.lat))
        .group_by(func.floor(rows.c.lon / side), func.floor(rows.c.lat / side))
        .order_by(func.count().desc())
        .limit(1)
    )
    found = conn.execute(cells).one_or_none()
    return None if found is None else (float(found[0]), float(found[1]))


_ENDS = ((func.ST_XMin, func.ST_XMax), (func.ST_YMin, func.ST_YMax))


def feature(conn: Connection, cls: FeatureClass, table: FromClause, feature_id: int) -> dict[str, Any] | None:
    """One row's columns without its geometry, with the days from and until when it is so; or None."""
    names = ["id", "code", "area_path", "incomplete", "change_id", *(field.name for field in cls.fields)]
    names += [name for name in ("length_m", "area_m2", "size_flag") if name in table.c]
    row = conn.execute(select(*_columns(table, names)).where(table.c.id == feature_id)).mappings()
    first = row.first()
    return None if first is None else dict(first)


_VALID = (("valid_from", func.lower), ("valid_to", func.upper))


def _columns(table: FromClause, names: Sequence[str]) -> list[ColumnElement[Any]]:
    # of the range's ends, which SQLAlchemy would take for ranges
    ends = (type_coerce(end(table.c.valid), Date).label(name) for name, end in _VALID)
    return [*(table.c[name] for name in names), *ends]


def all_features(conn: Connection, cls: FeatureClass, table: FromClause) -> list[dict[str, Any]]:
    """Every row's columns as `feature` gives them, by id: what a single file carries."""
    names = ["id", "code", "area_path", "incomplete", *(field.name for field in cls.fields)]
    names += [name for name in ("length_m", "area_m2") if name in table.c]
    statement = select(*_columns(table, names)).order_by(table.c.id)
    return [dict(row) for row in conn.execute(statement).mappings()]


def area_names(conn: Connection, table: FromClause, lang: Lang) -> dict[str, str]:
    """Names of areas (`districts` of every level) by code."""
    rows = conn.execute(select(table.c.code, name_of(table, lang)))
    return {code: name for code, name in rows if name}


def city_name(conn: Connection, districts: FromClause, lang: Lang) -> str | None:
    """The name of the only area of level `city`; None where there is none, or more than one."""
    rows = conn.execute(select(name_of(districts, lang)).where(districts.c.level == "city").limit(2))
    names = [name for (name,) in rows]
    return names[0] if len(names) == 1 else None


def settings(conn: Connection) -> dict[str, str]:
    """The database's own settings (`city.settings`)."""
    rows = conn.execute(text("SELECT key, value FROM city.settings"))
    return {key: value for key, value in rows}  # noqa: C416 - rows are no pairs to dict()


def sources(conn: Connection, classes: Mapping[str, FromClause]) -> list[dict[str, str | None]]:
    """Source, licence and attribution of the imports that rows of these classes came from, each once."""
    rows = conn.execute(
        text(
            "SELECT id, classes, source, licence, attribution FROM city.import_origins()"
            " WHERE source IS NOT NULL OR attribution IS NOT NULL ORDER BY at, id"
        )
    )
    found: dict[tuple[str | None, ...], bool] = {}
    for row in rows.all():
        said = (row.source, row.licence, row.attribution)
        if not found.get(said):
            tables = [classes[name] for name in row.classes if name in classes]
            found[said] = any(_has_row(conn, table, row.id) for table in tables)
    names = ("source", "licence", "attribution")
    return [dict(zip(names, said, strict=True)) for said, there in found.items() if there]


def _has_row(conn: Connection, table: FromClause, import_id: UUID) -> bool:
    # By name: whoever sees fewer columns may not read them all, even to ask whether there is a row.
    rows = select(table.c.import_id).where(table.c.import_id == import_id)
    return bool(conn.execute(select(exists(rows))).scalar_one())
