"""The SQL of assessments: kept once, read with the feature or as a list, added up by class, area and party."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from app.inventory.photo_store import Spot


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which assessments are asked for; None: all. `before` is the id below which to go on."""

    class_id: str | None = None
    area: str | None = None
    party: str | None = None
    before: int | None = None
    limit: int = 100

    def told(self) -> dict[str, Any]:
        """What was named, for the record."""
        named = {"class": self.class_id, "area": self.area, "party": self.party}
        return {name: value for name, value in named.items() if value is not None}


_KEEP = text(
    "INSERT INTO city.assessments (class_id, feature_id, change_id, area_path, who, party, score, verdict, note, geom, "
    "accuracy_m) VALUES (:class_id, :feature, :change, :area_path, :who, :party, :score, :verdict, :note, "
    "ST_SetSRID(ST_MakePoint(CAST(:lon AS float8), CAST(:lat AS float8)), 4326), :accuracy_m) RETURNING id"
)
_COLUMNS = (
    "id, class_id AS class, feature_id AS item, change_id AS change, area_path, who, party, at, score, verdict, note, "
    "ST_X(geom) AS lon, ST_Y(geom) AS lat, accuracy_m"
)
_WHERE = (
    "(CAST(:class_id AS text) IS NULL OR class_id = :class_id) AND (CAST(:party AS text) IS NULL OR party = :party) "
    "AND (CAST(:area AS text) IS NULL OR :area = ANY (string_to_array(area_path, '/')))"
)
_LIST = text(
    f"SELECT {_COLUMNS} FROM city.assessments WHERE {_WHERE} AND id < coalesce(CAST(:before AS bigint), 2^62::bigint) "
    "ORDER BY id DESC LIMIT :limit"
)
_OF = text(
    f"SELECT {_COLUMNS} FROM city.assessments WHERE class_id = :class_id AND feature_id = :feature ORDER BY id DESC"
)
#: Areas of which one sees a part only have no figures.
_FIGURES = text(
    "SELECT class_id AS class, area, party, count(*) AS assessments, count(DISTINCT feature_id) AS features, "
    "round(avg(score), 1)::float8 AS mean_score, count(*) FILTER (WHERE verdict = 'fault') AS faults, "
    "count(*) FILTER (WHERE verdict = 'missing') AS missing FROM city.assessments "
    "CROSS JOIN LATERAL unnest(string_to_array(area_path, '/')) area "
    f"WHERE {_WHERE} AND area IN (SELECT city.seen_areas()) GROUP BY class_id, area, party ORDER BY 1, 2, 3"
)


def keep(conn: Connection, values: Mapping[str, Any], spot: Spot) -> int:
    """Keep an assessment; its id."""
    place = {name: value for name, value in spot.values.items() if name != "at"}
    return int(conn.execute(_KEEP, {**values, **place}).scalar_one())


def list_of(conn: Connection, class_id: str, feature: int) -> list[dict[str, Any]]:
    """The assessments of a feature, newest first."""
    rows = conn.execute(_OF, {"class_id": class_id, "feature": feature}).mappings()
    return [_told(row) for row in rows]


def list_chosen(conn: Connection, chosen: Chosen) -> list[dict[str, Any]]:
    """Assessments of many features, newest first."""
    return [_told(row) for row in conn.execute(_LIST, _bound(chosen)).mappings()]


def figures(conn: Connection, chosen: Chosen) -> list[dict[str, Any]]:
    """How many there are and how they are scored, for each class, area and party."""
    bound = {name: value for name, value in _bound(chosen).items() if name not in {"before", "limit"}}
    return [dict(row) for row in conn.execute(_FIGURES, bound).mappings()]


def _bound(chosen: Chosen) -> dict[str, Any]:
    return {
        "class_id": chosen.class_id, "area": chosen.area, "party": chosen.party, "before": chosen.before,
        "limit": chosen.limit,
    }  # fmt: skip


def _told(row: RowMapping) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name not in {"lon", "lat"}}
    place = None if row["lon"] is None else [row["lon"], row["lat"]]
    return told | {"at": row["at"].isoformat(), "position": place}
