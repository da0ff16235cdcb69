"""Finds PostgreSQL server programs that come with PostGIS on this machine."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.errors import SetupFailed

#: Where packages put the versioned programs (Debian and Ubuntu, then Red Hat and SUSE).
PACKAGED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/lib/postgresql*/bin")
OLDEST = 13


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL version: `folder` holds `postgres` and `initdb`."""

    folder: Path
    major: int
    has_postgis: bool

    def program(self, name: str) -> str:
        """The full path of one program."""
        return str(self.folder / name)


def find_binaries(major: int | None = None, folders: Iterable[Path] | None = None) -> Binaries:
    """The newest programs with PostGIS, or those of version `major`; SetupFailed says what to install."""
    found = [
        _describe(folder) for folder in (_folders() if folders is None else folders) if _is_server(folder)
    ]
    usable = [item for item in found if item.major >= OLDEST and major in {None, item.major}]
    complete = [item for item in usable if item.has_postgis]
    if complete:
        return max(complete, key=lambda item: item.major)
    if usable:
        version = max(item.major for item in usable)
        raise SetupFailed(
            f"PostGIS is missing for PostgreSQL {version} on this machine.",
            f"Install it: apt install postgresql-{version}-postgis-3",
        )
    wanted = f"PostgreSQL {major}" if major else "PostgreSQL with PostGIS"
    package = f"postgresql-{major}-postgis-3" if major else "postgresql-postgis"
    raise SetupFailed(f"{wanted} is not installed on this machine.", f"Install it: apt install {package}")


def _folders() -> Iterator[Path]:
    for pattern in PACKAGED:
        yield from Path("/").glob(pattern.removeprefix("/"))
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _is_server(folder: Path) -> bool:
    return all((folder / name).is_file() for name in ("postgres", "initdb"))


def _describe(folder: Path) -> Binaries:
    major = _major(folder)
    return Binaries(folder, major, (_share(folder, major) / "extension" / "postgis.control").is_file())


def _major(folder: Path) -> int:
    """The version from the folder's name (Debian, Red Hat), else from the program itself (0: it does not run)."""
    named = re.search(r"(\d+)$", folder.parent.name)
    text = named.group(1) if named else _output([str(folder / "postgres"), "--version"])
    number = re.search(r"\d+", text)
    return int(number.group()) if number else 0


def _share(folder: Path, major: int) -> Path:
    debian = (
        folder.parents[3] / "share" / "postgresql" / str(major) if len(folder.parents) > 3 else Path("/-")
    )
    return (
        debian
        if debian.is_dir()
        else Path(_output([str(folder / "pg_config"), "--sharedir"]).strip() or "/-")
    )


def _output(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    except OSError:
        return ""
