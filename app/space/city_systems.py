"""A city's own coordinate systems (城市坐标系): declared under a name, with parameters that nothing ever shows.

In China the parameters of such systems, and those of Beijing 1954 and Xian 1980, are state secrets. They stand in one
private file (`CHENGTU_CRS_FILE`) or secret (`CHENGTU_CRS_SYSTEMS`) and in the memory of the process that transforms.
What leaves it is the name and a fingerprint: an HMAC under the file's own key, so that nobody can find the parameters
by trying.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml

from app.catalogue.model import Title
from app.errors import BadDeclaration, BadInput
from app.settings import Settings
from app.space.city_definition import Array, Steps, make_steps

_NAME = re.compile(r"[a-z][a-z0-9_-]{1,39}")
_LABEL = re.compile(r"([a-z][a-z0-9_-]{1,39}) \(fingerprint ([0-9a-f]{12})\)")
_TAKEN = ("epsg", "esri", "crs84", "ogc", "gcj02", "bd09")
_ENTRIES = frozenset({"title", "definition", "parameters"})
MIN_KEY = 32
MAX_BYTES = 1_000_000
_HOW = "docs/crs.md says how a city declares its own system."


class CitySystem:
    """One declared system. Its parameters are in `_steps` alone, which neither text nor pickle ever holds."""

    __slots__ = ("_steps", "fingerprint", "name", "title")

    def __init__(self, name: str, title: Title, fingerprint: str, steps: Steps) -> None:
        self.name = name
        self.title = title
        self.fingerprint = fingerprint
        self._steps = steps

    @property
    def label(self) -> str:
        """What reports, records and files say of it."""
        return f"{self.name} (fingerprint {self.fingerprint})"

    @property
    def wkt(self) -> str:
        """A local CRS for files: name and fingerprint, and not one parameter."""
        return (
            f'LOCAL_CS["{self.label}",LOCAL_DATUM["{self.name}",32767],UNIT["metre",1],'
            'AXIS["Easting",EAST],AXIS["Northing",NORTH]]'
        )

    def to_lonlat(self, east: Array, north: Array) -> tuple[Array, Array]:
        """East, north (n,) in metres → lon, lat (n,) on CGCS2000."""
        return self._steps.to_lonlat(east, north)

    def from_lonlat(self, lon: Array, lat: Array) -> tuple[Array, Array]:
        """Lon, lat (n,) on CGCS2000 → east, north (n,) in metres."""
        return self._steps.from_lonlat(lon, lat)

    def __repr__(self) -> str:
        return f"<city system {self.label}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A city's coordinate system is not written anywhere, nor sent to another process.")


@dataclass(frozen=True, slots=True)
class CitySystems:
    """The declared systems by name."""

    by_name: Mapping[str, CitySystem]

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the declaration."""
        return tuple(self.by_name)

    def find(self, text: str) -> CitySystem | None:
        """The system of a name, or of a label that a file carries; None for every other text.

        Raises:
        ------
        BadInput
            A label with another fingerprint: the file was written with other parameters than are declared now.
        """
        label = _LABEL.fullmatch(text.strip())
        system = self.by_name.get(label[1] if label else text.strip().lower())
        if label is None or (system is not None and system.fingerprint == label[2]):
            return system
        known = "is declared with other parameters" if system is not None else "is not declared"
        raise BadInput(
            f"The file is in the city system '{label[1]}' (fingerprint {label[2]}), which {known} here.",
            "Declare it as it was where the file was written, or name the system with --crs.",
        )


NO_SYSTEMS = CitySystems({})


def load_city_systems(settings: Settings) -> CitySystems:
    """The systems of `CHENGTU_CRS_FILE` or `CHENGTU_CRS_SYSTEMS`; none where neither is set.

    Raises:
    ------
    BadDeclaration
        The file is missing or can be read by others, or a declaration cannot be used; no value of it is quoted.
    """
    if settings.crs_file is not None:
        path = settings.crs_file.expanduser()
        return _parse(_read_private(path), f"the file {path}")
    if settings.crs_systems is not None:
        return _parse(settings.crs_systems.get_secret_value(), "CHENGTU_CRS_SYSTEMS")
    return NO_SYSTEMS


def _read_private(path: Path) -> str:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                raise BadDeclaration(
                    f"{path} holds secret parameters and can be read by others (mode {stat.S_IMODE(mode):04o}).",
                    f"Run: chmod 600 {path}",
                )
            content = file.read(MAX_BYTES)
    except OSError as error:
        raise BadDeclaration(
            f"{path} cannot be read: {error.strerror}.", "Correct CHENGTU_CRS_FILE."
        ) from None
    return content.decode("utf-8", "replace")


def _parse(text: str, where: str) -> CitySystems:
    root = _load_yaml(text, where)
    key = root.get("key") if isinstance(root, dict) else None
    systems = root.get("systems") if isinstance(root, dict) else None
    if not isinstance(systems, dict) or not systems:
        raise BadDeclaration(f"In {where} there are no `systems`.", _HOW)
    if not isinstance(key, str) or len(key) < MIN_KEY or len(set(key)) < 8:
        raise BadDeclaration(
            f"In {where} there is no `key` of at least {MIN_KEY} random characters for the fingerprints.",
            "Add a line made by: echo \"key: '$(openssl rand -hex 32)'\"",
        )
    made = [_make(i, name, entry, key, where) for i, (name, entry) in enumerate(systems.items(), start=1)]
    return CitySystems({system.name: system for system in made})


def _load_yaml(text: str, where: str) -> Any:
    line = None
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        # The parser's own words quote the line, and with it the parameters.
        line = error.problem_mark.line + 1 if error.problem_mark else None
    except yaml.YAMLError:
        pass
    raise BadDeclaration(f"In {where}{f', line {line},' if line else ''} the text is no valid YAML.", _HOW)


def _make(number: int, name: Any, entry: Any, key: str, where: str) -> CitySystem:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or name.startswith(_TAKEN):
        raise BadDeclaration(
            f"In {where} the name of system {number} cannot be used.",
            "A name is of a-z, 0-9, '-' and '_', begins with a letter and is no word such as epsg, gcj02, bd09.",
        )
    place = f"In {where} the system '{name}'"
    if (
        not isinstance(entry, dict)
        or not set(entry) <= _ENTRIES
        or not isinstance(entry.get("definition"), str)
    ):
        raise BadDeclaration(
            f"{place} needs `title`, `definition` (text), perhaps `parameters`, no more.", _HOW
        )
    title = entry.get("title")
    if not isinstance(title, dict) or not all(isinstance(title.get(lang), str) for lang in ("zh", "en")):
        raise BadDeclaration(f"{place} needs a `title` with `zh` and `en`.", _HOW)
    definition, parameters = " ".join(entry["definition"].split()), entry.get("parameters")
    steps = make_steps(definition, parameters, place)
    content = json.dumps([definition, parameters], sort_keys=True, ensure_ascii=False, default=str)
    digest = hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()
    return CitySystem(name, Title(title["zh"], title["en"]), digest[:12], steps)
