"""What happened to one feature, told from its versions: who, when, why, before, after. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.catalogue.model import FeatureClass, Title

#: Columns computed by the service: a change of them alone is no change of the feature.
COMPUTED = frozenset(
    {
        "area_path",
        "areas_touched",
        "crosses_border",
        "min_zoom",
        "length_m",
        "area_m2",
        "size_flag",
        "import_id",
    }
)
GEOMETRY = Title("几何", "Geometry")


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version: `valid` (from, to) ISO days or None, `values` its columns, `geometry` GeoJSON.

    `until_change` is the change that withdrew it, None while it is believed; `current` whether it is the row that is
    read without any time.
    """

    id: int
    change_id: int
    until_change: int | None
    current: bool
    valid: tuple[str | None, str | None]
    values: Mapping[str, Any]
    geometry: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The version as plain values."""
        return {
            "change": self.change_id,
            "until_change": self.until_change,
            "current": self.current,
            "valid": list(self.valid),
            "properties": dict(self.values),
            "geometry": self.geometry,
        }


def events(
    cls: FeatureClass, versions: Sequence[Version], changes: Mapping[int, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What each change did to the feature, oldest first; `changes` is change id → who, at, why, import_id."""
    numbers = sorted({v.change_id for v in versions} | {v.until_change for v in versions if v.until_change})
    return [_event(cls, versions, number, changes.get(number, {})) for number in numbers]


def with_reports(
    told: Sequence[Mapping[str, Any]],
    reports: Sequence[Mapping[str, Any]],
    photos: Sequence[Mapping[str, Any]],
    changes: Mapping[int, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The events with what was reported on the spot and its photos; a report that changed no field is an event too."""
    events = {event["change"]: dict(event) for event in told}
    for kind, items in (("report", reports), ("photos", photos)):
        for item in items:
            number = item["change"]
            event = events.setdefault(number, _bare_event(number, changes.get(number, {})))
            if kind == "report":
                event["report"] = item
            else:
                event.setdefault("photos", []).append(item)
    return [events[number] for number in sorted(events)]


def _bare_event(number: int, change: Mapping[str, Any]) -> dict[str, Any]:
    return {"change": number, **change, "action": "reported", "valid": None, "fields": []}


def _event(
    cls: FeatureClass, versions: Sequence[Version], number: int, change: Mapping[str, Any]
) -> dict[str, Any]:
    written = [v for v in versions if v.change_id == number]
    withdrawn = [v for v in versions if v.until_change == number]
    # What is left of a withdrawn version on some of its days says nothing new.
    told = [v for v in written if not any(_is_left_of(v, old) for old in withdrawn)]
    after = max(told, key=_order, default=None)
    before = max(withdrawn, key=_order, default=None)
    earlier = any(v.change_id < number for v in versions)
    return {
        "change": number,
        **change,
        "action": _action(after, before, kept=bool(written), earlier=earlier),
        "valid": None if after is None else list(after.valid),
        "fields": _differences(cls, before, after),
    }


def _action(after: Version | None, before: Version | None, *, kept: bool, earlier: bool) -> str:
    if after is None:
        return "ended" if kept else "deleted"
    if before is not None:
        return "restored" if _content(after) == _content(before) and _end(after) > _end(before) else "changed"
    return "version_added" if earlier else "created"


def _order(version: Version) -> tuple[str, str]:
    return (_end(version), version.valid[0] or "")


def _end(version: Version) -> str:
    return version.valid[1] or "9999-99-99"


def _is_left_of(version: Version, old: Version) -> bool:
    """Whether `version` says of some days of `old` what that said; one that says it of more days is news."""
    within = (old.valid[0] or "") <= (version.valid[0] or "") and _end(version) <= _end(old)
    return within and _content(version) == _content(old)


def _content(version: Version) -> tuple[Any, ...]:
    values = {name: value for name, value in version.values.items() if name not in COMPUTED}
    return (sorted(values.items(), key=str), version.geometry)


def _differences(cls: FeatureClass, before: Version | None, after: Version | None) -> list[dict[str, Any]]:
    old, new = ({} if version is None else version.values for version in (before, after))
    titles = {item.name: item.title for item in cls.fields}
    rows = [
        _difference(name, titles.get(name, Title(name, name)), old.get(name), new.get(name))
        for name in dict.fromkeys([*new, *old])
        if name not in COMPUTED and old.get(name) != new.get(name)
    ]
    shapes = [None if version is None else version.geometry for version in (before, after)]
    if shapes[0] != shapes[1]:
        rows.append(_difference("geometry", GEOMETRY, *shapes))
    return rows


def _difference(name: str, title: Title, before: Any, after: Any) -> dict[str, Any]:
    return {"field": name, "title": {"zh": title.zh, "en": title.en}, "before": before, "after": after}
