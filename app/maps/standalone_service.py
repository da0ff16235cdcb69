"""One map as one file: Leaflet, our scripts and the data inside; it asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.access.reasons import Leaving, leave, leave_run, note_export
from app.catalogue.model import Catalogue, Lang
from app.catalogue.public_part import lower
from app.coverage.classes import limits_of_groups
from app.coverage.edition_service import with_editions
from app.coverage.run_words import run_words
from app.coverage.service import get_run
from app.database.scope import within
from app.database.transactions import Connection, Database
from app.errors import BadInput, unknown
from app.inventory.asked_times import asked_times
from app.inventory.store import bounds
from app.inventory.times import NOW, Times
from app.maps import file_parts, layers, marks, run_service, service, store
from app.maps.figure import Figure
from app.maps.ground import GROUND_CLASSES
from app.maps.page_service import BRAND, CITY, MAP_TITLE
from app.maps.squares import Square, square_around
from app.maps.version_store import sources_at
from app.web.bundle import bundle

LIMIT_BYTES = 50_000_000
#: The ground is thinned, zoom by zoom, until it takes no more than this.
GROUND_BYTES = 14_000_000
GROUND_ZOOMS = (20, 15, 14, 13, 12, 10)
#: A class with more rows than this is not drawn up to find that it is too large; a row takes about so many bytes.
TRY_ROWS = 150_000
ROW_BYTES = 250
#: Called as `report(done, total, text)`.
Report = Callable[[float, float | None, str], None]


@dataclass(slots=True)
class File:
    """A file in the making: JSON texts by element id, and how large each layer is."""

    data: dict[str, str] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, layer: str, key: str, text: str) -> None:
        """Put a JSON text in and count it to its layer."""
        safe = html_safe(text)
        self.data[key] = safe
        self.sizes[layer] = self.sizes.get(layer, 0) + len(safe.encode())


def html_safe(text: str) -> str:
    """JSON text that may stand inside HTML: what could end its element, or start one, is escaped."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _silent(_done: float, _total: float | None, _text: str) -> None:
    pass


def write_map(
    db: Database,
    catalogue: Catalogue,
    target: str | None,
    path: Path,
    *,
    lang: Lang = "zh",
    without: Sequence[str] = (),
    as_of: str | None = None,
    known_at: str | None = None,
    reason: str | None = None,
    report: Report = _silent,
) -> dict[str, Any]:
    """Write a class's map, a run's (by UUID) or with None that of all classes: `{"file", "bytes", "layers"}`.

    `as_of` (a day) and `known_at` (a change number or a moment) choose the versions that are drawn. What is restricted
    leaves with a `reason` alone; without one it is left out. That the file was written is noted.

    Raises:
        NotFound: No class or run of that name.
        BadInput: The file would be over 50 MB (the hint says what to leave out), or cannot be written there; a time
            cannot be read, or is given for a run; the reason is too short.
        Forbidden: What is asked for is restricted as a whole, and no reason is given.
    """
    for class_id in without:
        service.get_class(catalogue, class_id)
    _check_place(path)
    leaving = _leaving(db, catalogue, target, reason)
    shown = leaving.catalogue
    level = lower(db.scope.level, shown.level)
    with within(replace(db.scope, level=level)), db.read(timeout_s=600) as conn:
        times = asked_times(conn, as_of, known_at)
        told = marks.file_marks(db.settings, lang)
        figure, file = _draw(conn, shown, target, lang, [name for name in without if name in shown.classes], times,
                             report, told)  # fmt: skip
    text = _html(figure, file)
    size = len(text.encode())
    _check_size(size, file.sizes)
    _write(path, text)
    note_export(db, target or "city", "html", leaving)
    return {"file": str(path), "bytes": size, "layers": file.sizes}


def _leaving(db: Database, catalogue: Catalogue, target: str | None, reason: str | None) -> Leaving:
    """What may leave in a map of a class, of a run or of all classes; raises as `write_map`."""
    if target is None or target in catalogue.classes:
        return leave(catalogue, None if target is None else [target], reason)
    with db.read() as conn:
        held = get_run(conn, target, areas=False)["inputs"].get("held") or {}
    # Behind a run's figures lie the classes themselves: without a reason what of them is restricted stays.
    leaving = leave_run(catalogue, reason, held=held.get("level") == "restricted")
    behind = leave(catalogue, None, reason)
    return replace(
        leaving, catalogue=behind.catalogue, restricted={**behind.restricted, **leaving.restricted}
    )


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the file shows: its title, the city, the layers' options, the run where it is a run's map.

    `start` is where a class opens that is drawn close by only, `extent` what holds all of it.
    """

    title: str
    town: service.City
    views: list[dict[str, Any]]
    run: dict[str, Any] | None = None
    start: dict[str, Any] | None = None
    extent: list[list[float]] | None = None
    times: Times = NOW
    #: What a run was asked for beyond its policy.
    about: list[str] = field(default_factory=list)


def _draw(
    conn: Connection,
    catalogue: Catalogue,
    target: str | None,
    lang: Lang,
    without: Sequence[str],
    times: Times,
    report: Report,
    told: Mapping[str, Any],
) -> tuple[Figure, File]:
    held = service.versions(conn, catalogue)
    is_class = target is None or target in service.shown_classes(catalogue)
    plan = (_class_plan if is_class else _run_plan)(conn, catalogue, target or "", held, lang, times)
    times = plan.times
    plan = replace(plan, views=[view for view in plan.views if view["id"] not in without])
    _check_counts(plan.views)
    file = File()
    ids = [*GROUND_CLASSES, *(view["id"] for view in plan.views)]
    square = _square(conn, catalogue, ids, held, times)
    steps = len(plan.views) + 1
    report(0, steps, "")
    _add_ground(conn, catalogue, square, lang, file, times)
    for done, view in enumerate(plan.views, 1):
        report(done, steps, view["title"])
        _add_layer(conn, catalogue, view, square, lang, file, times)
    if plan.run:
        _add_run(conn, catalogue, plan.run, lang, file)
    return _figure(plan, lang, told), file


def _class_plan(
    conn: Connection, catalogue: Catalogue, target: str, held: Mapping[str, int], lang: Lang, times: Times
) -> _Plan:
    on = frozenset({target}) if target else frozenset(layers.ON_AT_START)
    views = service.layer_views(conn, catalogue, held, lang, on, times)
    if target:
        views = [view for view in views if view["id"] == target]
    cls = catalogue.get_class(target) if target else None
    return _Plan(
        cls.title.in_(lang) if cls else MAP_TITLE[lang],
        service.city(conn, catalogue, held, lang, times),
        [view for view in views if view["count"]],
        start=service.start_view(conn, catalogue, cls, held[cls.id], times) if cls else None,
        extent=service.extent_view(conn, cls, held[cls.id], times) if cls else None,
        times=times,
    )


def _run_plan(
    conn: Connection, catalogue: Catalogue, target: str, held: Mapping[str, int], lang: Lang, times: Times
) -> _Plan:
    if not is_run_id(target):
        raise unknown("class or run", target, service.shown_classes(catalogue))
    if not times.now:
        raise BadInput("A run is of the day in its inputs.", "Leave the time out.")
    run = get_run(conn, target)
    times = run_service.run_times(run)
    policy = with_editions(conn, catalogue).policies.get(run["policy"]["id"])
    views = run_service.supply_layers(conn, catalogue, policy, held, lang, times)
    view = run_service.run_view(conn, run, policy, lang) | {"run": run["run"]}
    town = service.city(conn, catalogue, held, lang)
    about = [words[lang] for words in run_words(run)]
    return _Plan(run_service.run_title(run, lang), town, views, view, times=times, about=about)


def is_run_id(text: str) -> bool:
    """Whether a text is a UUID, as runs are named."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _square(
    conn: Connection, catalogue: Catalogue, class_ids: Sequence[str], held: Mapping[str, int], times: Times
) -> Square:
    filled = [catalogue.classes[class_id] for class_id in dict.fromkeys(class_ids) if held[class_id]]
    box = bounds(conn, filled, times) if filled else None
    return square_around(box or (-0.01, -0.01, 0.01, 0.01))


def _add_ground(
    conn: Connection, catalogue: Catalogue, square: Square, lang: Lang, file: File, times: Times
) -> None:
    """The ground in as much detail as its share of the file allows."""
    for zoom in GROUND_ZOOMS:
        members = file_parts.ground_members(sources_at(catalogue, times), square, zoom, lang)
        text = store.square_json(conn, square, members)
        if len(text) <= GROUND_BYTES or zoom == GROUND_ZOOMS[-1]:
            file.add("ground", "data-ground", text)
            return


def _add_layer(
    conn: Connection,
    catalogue: Catalogue,
    view: dict[str, Any],
    square: Square,
    lang: Lang,
    file: File,
    times: Times,
) -> None:
    sources, cls = sources_at(catalogue, times), catalogue.get_class(view["id"])
    members = file_parts.class_members(cls, sources, square, lang)
    key = f"data-{cls.id}"
    file.add(cls.id, key, store.square_json(conn, square, members))
    names = store.area_names(conn, sources["districts"], lang)
    rows = store.all_features(conn, cls, sources[cls.id])
    details = [service.detail(cls, row, names, lang) | {"id": row["id"]} for row in rows]
    file.add(cls.id, f"{key}-details", service.json_text(as_columns(details)))
    view |= {"data": key, "fields": layers.fields_view(cls, lang)}
    del view["tiles"], view["feature"], view["mark"]


def as_columns(details: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Feature details by column: `{"columns": {...}, "values": {...}}`, each a list, or `{of, at}` where values recur.

    Row i of `at` is the place in `of`, -1 for an unknown value. A fifth of the size of one object a feature.
    """
    keys = dict.fromkeys(key for detail in details for key in detail if key != "values")
    names = dict.fromkeys(name for detail in details for name in detail["values"])
    return {
        "columns": {key: _column([detail.get(key) for detail in details]) for key in keys},
        "values": {name: _column([detail["values"].get(name) for detail in details]) for name in names},
    }


def _column(values: list[Any]) -> Any:
    # by type too: 1, 1.0 and True are one key of a dictionary
    places: dict[tuple[type, Any], int] = {}
    at = [-1 if value is None else places.setdefault((type(value), value), len(places)) for value in values]
    if len(places) * 2 > len(values):
        return values
    return {"of": [value for _, value in places], "at": at}


def _add_run(conn: Connection, catalogue: Catalogue, view: dict[str, Any], lang: Lang, file: File) -> None:
    run = view["run"]
    areas = run_service.areas_data(conn, catalogue, run, lang)
    file.add("run", "data-run-areas", service.json_text(areas))
    figures = run_service.figures_by_group(conn, run)
    classes = run_service.classes_data(figures, lambda asked: limits_of_groups(asked["groups"]))
    file.add("run", "data-run-classes", service.json_text(classes))
    for mode in view["modes"]:
        for tier in view["tiers"]:
            gaps = run_service.gaps_data(conn, catalogue, run, mode, tier["id"], lang)
            file.add("run", f"data-run-gaps-{mode}-{tier['id']}", service.json_text(gaps))
    view["data"] = "data-run"


def _figure(plan: _Plan, lang: Lang, told: Mapping[str, Any]) -> Figure:
    name = plan.town.name or CITY[lang]
    page = service.page_view(plan.town, lang, plan.title, name, "", plan.times)
    del page["home"], page["other_lang"]
    if not (plan.run and plan.times.now):
        # in a file even the present becomes a day of the past
        page["time"] = service.time_view(plan.times) | {"now": False}
    page |= {"start": plan.start, "extent": plan.extent, "about": plan.about, "marks": told}
    figure = Figure(f"{plan.title} · {name} · {BRAND[lang]}", lang, page | {"offline": True})
    figure.add_layers("background", [{"id": "ground", "data": "data-ground"}])
    figure.add_layers("layer", plan.views)
    figure.add_layers("run", [plan.run] if plan.run else [])
    return figure


def _html(figure: Figure, file: File) -> str:
    style = bundle("map.css").text
    scripts = [bundle("map.js").text, figure.script_text()]
    policy = (
        f"default-src 'none'; script-src {' '.join(_hash(text) for text in scripts)}; style-src {_hash(style)}; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return figure.file_html(style, scripts, file.data, policy)


def _hash(text: str) -> str:
    """A CSP source that allows exactly this script or style (CSP 3 §2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _check_counts(views: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what cannot fit before it is drawn up."""
    large = {view["id"]: view["count"] * ROW_BYTES for view in views if view["count"] > TRY_ROWS}
    if sum(large.values()) > LIMIT_BYTES:
        raise _too_large(sum(large.values()), large)


def _check_size(size: int, sizes: Mapping[str, int]) -> None:
    if size > LIMIT_BYTES:
        raise _too_large(size, {name: part for name, part in sizes.items() if name not in {"ground", "run"}})


def _too_large(size: int, sizes: Mapping[str, int]) -> BadInput:
    """Names the largest layers, as many as must go."""
    over, leave = size - LIMIT_BYTES, list[str]()
    for name in sorted(sizes, key=lambda name: -sizes[name]):
        if over > 0:
            leave.append(name)
            over -= sizes[name]
    told = ", ".join(f"{name} {sizes[name] / 1e6:.0f} MB" for name in leave)
    return BadInput(
        f"The file would hold about {size / 1e6:.0f} MB; a single file may hold {LIMIT_BYTES / 1e6:.0f} MB.",
        f"Leave out the largest layers ({told}): --without {','.join(leave)}; or open the map from the server.",
    )


def _check_place(path: Path) -> None:
    if path.suffix.lower() not in {".html", ".htm"}:
        raise BadInput(f"A map is an HTML file, not '{path.name}'.", "Name it like map.html.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise BadInput(
            f"The file '{path}' cannot be written: its folder is not there.", "Make the folder first."
        )


def _write(path: Path, text: str) -> None:
    """Write beside, then rename: a full disk or a stop leaves the old file as it was."""
    try:
        handle, name = tempfile.mkstemp(prefix=".chengtu-", suffix=".html", dir=path.absolute().parent)
    except PermissionError:
        raise BadInput(f"The file '{path}' cannot be written: its folder is not yours to write in.") from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
