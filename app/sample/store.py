"""What the database says about the sample: the settings that mark it, and whether there is another city in it."""

from __future__ import annotations

from sqlalchemy import Connection

from app.inventory.changes import METRIC_CRS, find_setting, set_setting

SAMPLE, SIZE = "sample", "sample_size"


def find_size(conn: Connection) -> str | None:
    """The size of the sample that the database holds, None where it holds none."""
    return find_setting(conn, SIZE)


def holds_city(conn: Connection) -> bool:
    """Whether anything was loaded yet: the first load fixes the metric CRS."""
    return find_setting(conn, METRIC_CRS) is not None


def mark(conn: Connection, size: str, note: str) -> None:
    """Mark the database as a sample, so that every page, print and export says so (`note`)."""
    set_setting(conn, SIZE, size)
    set_setting(conn, SAMPLE, note)
