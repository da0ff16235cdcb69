"""What maps read FROM: a class's table as it is now, or its versions of another time, with the same columns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import FromClause, text

from app.catalogue.model import Catalogue
from app.inventory.tables import project
from app.inventory.times import NOW, Times, versions

#: Class id → what its rows are read from.
Sources = Mapping[str, FromClause]
#: A value bound by name as psycopg takes it, with the type it is cast to.
_BOUND = re.compile(r"%\((\w+)\)s(?:::(\w+))?")


def sources_at(catalogue: Catalogue, times: Times = NOW) -> Sources:
    """What to read every class from at a time."""
    return project(catalogue).current if times.now else _Versions(catalogue, times)


class _Versions(Mapping[str, FromClause]):
    """Made as they are asked for, each once: the columns of two subqueries are not those of one."""

    def __init__(self, catalogue: Catalogue, times: Times) -> None:
        self._catalogue, self._times = catalogue, times
        self._made: dict[str, FromClause] = {}

    def __getitem__(self, class_id: str) -> FromClause:
        if class_id not in self._made:
            self._made[class_id] = self._make(class_id)
        return self._made[class_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._catalogue.classes)

    def __len__(self) -> int:
        return len(self._catalogue.classes)

    def _make(self, class_id: str) -> FromClause:
        every, open_only = project(self._catalogue).current[class_id].c, self._catalogue.open_only
        # Who sees the public part alone may not read what nobody declared.
        columns = [column for column in every if not (open_only and column.name == "extra")]
        names = [column.name for column in columns]
        written = versions(self._catalogue.classes[class_id], names, self._times)
        query = text(f"SELECT * FROM {_BOUND.sub(_sqlalchemy, written)} v")
        bound = {found[1]: self._times.values[found[1]] for found in _BOUND.finditer(written)}
        return (
            query.bindparams(**bound).columns(**{column.name: column.type for column in columns}).subquery()
        )


def _sqlalchemy(found: re.Match[str]) -> str:
    name, kind = found.groups()
    return f"CAST(:{name} AS {kind})" if kind else f":{name}"
