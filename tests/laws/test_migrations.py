"""Revisions after 0019 hold to what docs/upgrading.md says: nobody waits long, what reads a whole table says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database import migrate
from tests.laws.code import ROOT

#: The last revision from before the rules.
BEFORE = "0019"
FOLDER = ROOT / "migrations" / "versions"
REVISIONS = sorted(path for path in FOLDER.glob("[0-9]*.sql") if path.name[:4] > BEFORE)

#: What no revision may say.
NEVER = {
    r"\b(BEGIN|START TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT)\s*(WORK|TRANSACTION)?\s*;": "one transaction for all",
    r"\bCONCURRENTLY\b": "it cannot be done in a transaction",
    r"\block_timeout\b": "one limit holds for all",
    r"\bVACUUM\b": "it stops readers",
    r"^\s*CLUSTER\b": "it stops readers",
    r"\bLOCK TABLE\b": "it stops readers",
}
#: What reads or writes a whole table.
SLOW = (
    r"ALTER COLUMN\s+\S+\s+(SET DATA )?TYPE\b",
    r"GENERATED ALWAYS AS \(",
    r"ADD COLUMN[^,;]*DEFAULT[^,;]*\b(gen_random_uuid|clock_timestamp|random|nextval)\b",
    r"ALTER COLUMN\s+\S+\s+SET NOT NULL",
    r"ADD (CONSTRAINT \S+ )?(CHECK|FOREIGN KEY)(?![^;]*NOT VALID)",
)
#: What the release before may still use.
GONE = r"\b(DROP (TABLE|COLUMN|VIEW|TYPE|SCHEMA)|RENAME (TO|COLUMN|CONSTRAINT)?)\b"
_BODY = re.compile(r"(\$\w*\$).*?\1", re.DOTALL)
_MADE = re.compile(r"CREATE (?:UNLOGGED |TEMP )?TABLE (?:IF NOT EXISTS )?([\w.]+)", re.IGNORECASE)


def statements(text: str) -> Iterator[str]:
    """The statements of a file, with the comments before them; bodies of functions left out: they are run later."""
    plain = _BODY.sub("$$ $$", text)
    yield from (part for part in re.split(r";\s*\n", plain) if part.strip())


def faults(text: str) -> list[str]:
    """What in a revision's SQL breaks the rules."""
    made = {name.lower() for name in _MADE.findall(text)}
    found = []
    for statement in statements(text):
        code = re.sub(r"--[^\n]*", "", statement)
        shown = " ".join(code.split())[:80]
        for pattern, why in NEVER.items():
            if re.search(pattern, f"{code};", re.IGNORECASE | re.MULTILINE):
                found.append(f"{shown}: {why}")
        if "-- slow:" not in statement and _is_slow(code, made):
            found.append(f"{shown}: it goes through a whole table: say `-- slow: …`")
        if "-- gone:" not in statement and re.search(GONE, code, re.IGNORECASE):
            found.append(f"{shown}: the release before may use it: say `-- gone: …`")
    return found


def _is_slow(code: str, made: set[str]) -> bool:
    target = re.search(
        r"(?:ALTER TABLE (?:IF EXISTS )?(?:ONLY )?|CREATE (?:UNIQUE )?INDEX [\w ]*? ?ON (?:ONLY )?"
        r"|^\s*UPDATE (?:ONLY )?)([\w.]+)",
        code, re.IGNORECASE | re.MULTILINE,
    )  # fmt: skip
    if target is None or target[1].lower() in made:
        return False
    is_whole = re.search(r"CREATE (UNIQUE )?INDEX|^\s*UPDATE\b", code, re.IGNORECASE | re.MULTILINE)
    return bool(is_whole) or any(re.search(pattern, code, re.IGNORECASE) for pattern in SLOW)


@pytest.mark.parametrize("path", REVISIONS, ids=lambda path: path.stem)
def test_a_revision_keeps_nobody_waiting_or_says_so(path: Path):
    assert faults(path.read_text(encoding="utf-8")) == []


def test_the_rules_see_what_they_are_for():
    bad = (
        "ALTER TABLE city.toilets ALTER COLUMN stalls TYPE bigint;\n",
        "ALTER TABLE city.toilets ADD COLUMN a int GENERATED ALWAYS AS (stalls * 2) STORED;\n",
        "ALTER TABLE city.toilets ALTER COLUMN stalls SET NOT NULL;\n",
        "ALTER TABLE city.toilets ADD CONSTRAINT few CHECK (stalls < 9);\n",
        "ALTER TABLE city.toilets DROP COLUMN stalls;\n",
        "ALTER TABLE city.toilets RENAME TO wc;\n",
        "CREATE INDEX toilets_stalls ON city.toilets (stalls);\n",
        "UPDATE city.toilets SET stalls = 1;\n",
        "LOCK TABLE city.toilets;\n",
        "CREATE INDEX CONCURRENTLY a ON city.toilets (stalls);\n",
        "SET LOCAL lock_timeout = '1min';\n",
        "COMMIT;\n",
    )
    assert [text for text in bad if not faults(text)] == []
    good = (
        "CREATE TABLE city.new (id bigint PRIMARY KEY);\nCREATE INDEX new_id ON city.new (id);\n",
        "ALTER TABLE city.toilets ADD COLUMN note text;\n",
        "ALTER TABLE city.toilets ADD CONSTRAINT few CHECK (stalls < 9) NOT VALID;\n",
        "-- slow: 4 s for a million rows\nCREATE INDEX toilets_stalls ON city.toilets (stalls);\n",
        "-- gone: since 0.9\nALTER TABLE city.toilets DROP COLUMN stalls;\n",
        "CREATE FUNCTION city.f() RETURNS void LANGUAGE sql AS $$ UPDATE city.toilets SET stalls = 1; $$;\n",
    )
    assert {text: faults(text) for text in good if faults(text)} == {}


def test_nobody_waits_longer_than_a_second_for_a_migration():
    assert migrate.LOCK_MS <= 1000
    source = Path(migrate.__file__).read_text(encoding="utf-8")
    assert 'f"SET LOCAL lock_timeout = {LOCK_MS}"' in source
    assert source.index("SET LOCAL lock_timeout = {LOCK_MS}") < source.index(
        "_run_revisions(connection, to)\n"
    )
