"""A city as a Python object: what the commands do, as calls that give plain values, for notebooks and scripts."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.catalogue.class_names import find_class
from app.catalogue.loader import load_catalogue
from app.catalogue.model import Lang
from app.coverage import answer_service, service
from app.coverage.edition_service import with_editions
from app.coverage.engine import Engine
from app.coverage.levels import parse_levels
from app.coverage.policy_views import policy_view
from app.coverage.series import days_of, parse_span
from app.exports.leaving_service import export_noted, project_noted
from app.exports.project_service import ProjectWishes
from app.exports.service import WHOLE_CITY, Wishes
from app.exports.table_service import read_table
from app.ingest.options import ImportOptions
from app.ingest.reading_service import Importing
from app.ingest.sandbox import Limits
from app.ingest.service import import_with
from app.inventory import areas_job, history_store
from app.inventory.asked_times import asked_times
from app.inventory.batch import Change
from app.inventory.changes import get_metric_crs
from app.inventory.periods import today
from app.inventory.restore_service import undo_import
from app.inventory.store import class_counts
from app.inventory.summary import summary
from app.lazy import lazy_module
from app.maps.inline import InlineMap, with_own_leaflet
from app.sample.service import load
from app.settings import Settings
from app.space.city_systems import load_city_systems
from app.start import started_database

standalone = lazy_module("app.maps.standalone_service")

Rows = list[dict[str, Any]]


class City:
    """The database of one city, open until `close` or the end of a `with`.

    `home` is a data folder, whose own database is started where it does not run and stopped again at the end; `url` is
    a PostgreSQL server to use in place of that. With neither, CHENGTU_HOME and DATABASE_URL say it, as for commands.
    `who` stands in the history beside what is loaded. Each method is the command that it names, and gives what the
    command's `--json` prints; tables are rows that `pandas.DataFrame` takes.

    Every method raises errors of `app.errors` (`BadInput`, `NotFound`, `Conflict`, …), each one sentence and a hint.
    """

    def __init__(
        self, home: str | Path | None = None, url: str | None = None, *, who: str = "notebook"
    ) -> None:
        given: dict[str, Any] = {} if home is None else {"home": Path(home), "DATABASE_URL": None}
        self.settings = Settings(**(given if url is None else {**given, "DATABASE_URL": url}))
        self.catalogue = load_catalogue(self.settings.geodata, self.settings.local_path)
        self.who = who
        self._systems = load_city_systems(self.settings)
        self._opened = ExitStack()
        self._db = self._opened.enter_context(started_database(self.settings))
        self._engine = Engine(self._db, self.catalogue)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"City({str(self.settings.home)!r})"

    def close(self) -> None:
        """Close the connections, and stop the database if this object started it and nobody else uses it."""
        self._opened.close()

    # what is in it

    def load_sample(self, size: str = "town") -> Rows:
        """`chengtu sample load`: the drawn city of a size (town, city, metropolis) into an empty database.

        A row a class: `class` and how many rows were `read`, `loaded`, `rejected`, `unchanged`, `new`, `changed`.
        Loading the same size again changes nothing.
        """
        counts = load(self._db, self.catalogue, size)
        return [{"class": name, **found.as_dict()} for name, found in counts.items()]

    def load(
        self, path: str | Path, cls: str | None = None, *, rejects: str | Path | None = None, **options: Any
    ) -> Rows:
        """`chengtu import`: a file, or each file of a folder; the report of each (`classes`, `rejects`, `crs`, …).

        `cls` is the class of its rows, by id or name, where the file's name does not tell it; `rejects` a file for the
        rows that are refused. `options` are those of `ImportOptions`: crs, encoding, key, where, dry_run, strict, …
        """
        chosen = None if cls is None else find_class(self.catalogue, cls).id
        means = Importing(
            self._db, self.catalogue, self.who, metric_crs=self.settings.metric_crs,
            rejects=None if rejects is None else Path(rejects), limits=Limits.of(self.settings), systems=self._systems,
        )  # fmt: skip
        files: Rows = import_with(means, Path(path), ImportOptions(chosen, **options))["files"]
        return files

    def undo(self, import_id: str) -> dict[str, Any]:
        """`chengtu undo`: take an import back (the `import` of its report), so that all is as it was before."""
        with self._db.write(timeout_s=0) as conn:
            wanted = history_store.find_import(conn, import_id)
            done = undo_import(conn, self.catalogue, wanted, Change(self.who, "import taken back"))
        areas_job.recompute(self._db, self.catalogue)
        return done.as_dict()

    def classes(self, as_of: str | None = None) -> Rows:
        """The classes that hold anything (on a day, `2020-12-31`): `id`, `title`, `title_zh`, `geometry`, `rows`."""
        with self._db.read() as conn:
            counts = class_counts(conn, self.catalogue, asked_times(conn, as_of))
        return [
            {
                "id": cls.id,
                "title": cls.title.en,
                "title_zh": cls.title.zh,
                "geometry": cls.geometry,
                "rows": n,
            }
            for cls, n in ((self.catalogue.classes[name], n) for name, n in counts.items())
            if n
        ]

    def policies(self) -> Rows:
        """`chengtu policies`: every rule that can be measured, with `id`, `title` and `source`."""
        with self._db.read() as conn:
            known = with_editions(conn, self.catalogue).policies
        return [policy_view(policy, whole=False) for policy in known.values()]

    def summary(self, classes: Sequence[str] = (), area: str | None = None, as_of: str | None = None) -> Rows:
        """`chengtu summary`: of each class its `count`, `length_km` or `area_m2`, by kind, state, year and district."""
        chosen = [find_class(self.catalogue, name).id for name in classes]
        with self._db.read() as conn:
            times = asked_times(conn, as_of)
            rows: Rows = summary(conn, self.catalogue, area, classes=chosen, times=times)["classes"]
        return rows

    @property
    def metric_crs(self) -> str:
        """The system in metres that everything is measured in: an EPSG code or a PROJ text, for `to_crs`."""
        with self._db.read() as conn:
            return get_metric_crs(conn).definition

    def read(self, name: str, **wishes: Any) -> Any:
        """The rows of a class, or of a run's `part` (areas, gaps, units, differences), as a `pyarrow.Table`.

        `geopandas.GeoDataFrame.from_arrow` makes a frame of it. Coordinates are longitude and latitude (EPSG:4326)
        unless `crs` says otherwise; `as_of`, `known_at`, `area` and `filter` choose rows as in `chengtu export`.
        """
        return read_table(
            self._db, self.catalogue, self._named(name), Wishes(systems=self._systems, **wishes)
        )

    # what it is worth

    def coverage(
        self, policy: str, mode: str = "both", *, name: str | None = None, levels: str = "", **asked: Any
    ) -> dict[str, Any]:
        """`chengtu coverage`: who is served, saved as a run: `run` (its id), `results`, `areas`, `inputs`, ….

        `mode` is straight, walk or both. `asked` may hold `area`, `as_of`, `known_at` and `parameters`; a run with a
        `name` is kept, others are dropped after 30 days.
        """
        request = {
            "policy": policy,
            "mode": mode,
            "name": name,
            "levels": list(parse_levels(levels)),
            **asked,
        }
        return service.run(self._db, self._engine.answer, request)

    def series(self, policy: str, span: str, step: str = "year", **asked: Any) -> Rows:
        """`chengtu coverage --series`: the figures on many days (`2015..2025`), a row a day, tier and mode."""
        days = days_of(*parse_span(span), step, today=today())
        rows: Rows = answer_service.series(self._engine.answer, {**asked, "policy": policy}, days)["rows"]
        return rows

    def scenario(self, policy: str, patches: Sequence[Mapping[str, Any]], **asked: Any) -> dict[str, Any]:
        """`chengtu scenario`: `before`, `after`, `change`, `gains` and `losses` of changes that are not made."""
        scenario = {"name": "scenario", "patches": list(patches)}
        request = {"op": "scenario", "policy": policy, "mode": "both", **asked, "scenario": scenario}
        return self._engine.answer(request)

    def compare(self, first: str, second: str) -> dict[str, Any]:
        """`chengtu compare`: two runs side by side; `rows` have each figure with `_a` and `_b` and its change."""
        with self._db.read() as conn:
            runs = [service.find_run_id(conn, given) for given in (first, second)]
            return answer_service.compare_runs(conn, *runs)

    def compare_land(
        self, first: str, second: str, mode: str | None = None, tier: str | None = None
    ) -> dict[str, Any]:
        """The land that one of two runs serves alone, as GeoJSON with `change` gained or lost, and `totals`."""
        with self._db.read() as conn:
            runs = [service.find_run_id(conn, given) for given in (first, second)]
            asked = answer_service.land_request(conn, runs[0], runs[1], mode, tier)
        return self._engine.answer(asked)

    # what is taken away

    def map(self, name: str | None = None, *, lang: Lang | None = None, **chosen: Any) -> InlineMap:
        """`chengtu map`: of a class, a run or (without a name) everything; the last line of a cell shows it.

        `chosen` may hold `as_of`, `known_at` and `without` (classes to leave out).
        """
        target = None if name is None else self._named(name)
        with tempfile.TemporaryDirectory(prefix="chengtu-map-") as folder:
            path = Path(folder, "map.html")
            standalone.write_map(
                self._db, self.catalogue, target, path, lang=lang or self.settings.lang, **chosen
            )
            return InlineMap(path.read_text(encoding="utf-8"))

    def show(self, page: Any) -> InlineMap:
        """A `folium.Map` of yours, with the Leaflet of this machine in place of links to others."""
        return with_own_leaflet(page)

    def export(
        self, name: str | None, to: str | Path, *, reason: str | None = None, **wishes: Any
    ) -> dict[str, Any]:
        """`chengtu export`: a class, a run or (None) the whole city; the file's ending says the form.

        `wishes` are those of `Wishes`: area, filter, as_of, crs, part, profile, …. Result: `path`, `layers` (name →
        rows), `bytes` and what the form could not hold (`changed`). Restricted data leaves with a `reason` alone, which
        the audit record keeps; without one it is left out, which `left_out` tells.
        """
        chosen = WHOLE_CITY if name is None else self._named(name)
        wished = Wishes(systems=self._systems, **wishes)
        return export_noted(self._db, self.catalogue, chosen, Path(to), wished, reason)

    def project(self, to: str | Path, *, reason: str | None = None, **wishes: Any) -> dict[str, Any]:
        """`chengtu project`: a QGIS project (`city.qgz`) and the GeoPackage that it reads beside it.

        `wishes` are those of `ProjectWishes`: lang, as_of, known_at, runs; or connect="server" and its url, from which
        the layers read then. Result: `path`, `layers` (name → rows), `relations`, `bookmarks`, and `data` of that file.
        """
        wished = ProjectWishes(**{"lang": self.settings.lang, **wishes})
        return project_noted(self._db, self.catalogue, Path(to), wished, reason)

    def _named(self, name: str) -> str:
        with self._db.read() as conn:
            return service.find_class_or_run(conn, self.catalogue, name)
