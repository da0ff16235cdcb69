"""What was there before revision 0020 gets its owner and level: what is not known for sure is nobody's, and closed."""

from __future__ import annotations

import json
import uuid

import psycopg
import pytest

from app.database.migrate import migrate
from app.database.server import admin_parameters

#: Name of a run → its policy's text and inputs, and the level that it gets.
RUNS = {
    "open": ("supplies: [{class: toilets}]", {"versions": {"toilets": 1, "alleys": 1}}, "public"),
    "class": ("supplies: [{class: manholes}]", {"versions": {"toilets": 1, "manholes": 1}}, "internal"),
    "field": ("where: {chief: [x]}", {"versions": {"alleys": 1}}, "internal"),
    "based": ("based_on: toilet-300", {"versions": {"toilets": 1}}, "internal"),
    "held": ("", {"versions": {"toilets": 1}, "held": {"level": "restricted"}}, "restricted"),
    "closed": ("", {"versions": {"gas_devices": 1}}, "restricted"),
    "unknown class": ("", {"versions": {"no_more": 1}}, "restricted"),
    "unknown": ("", {}, "restricted"),
}


@pytest.mark.wide
def test_owners_and_levels_of_what_was_there(empty_settings):
    migrate(empty_settings, to="0019")
    jobs = {name: uuid.uuid4() for name in ("li", "phone", "edit", "server")}
    with psycopg.connect(**admin_parameters(empty_settings)) as admin:
        admin.execute("INSERT INTO city.people (name) VALUES ('li'), ('wang')")
        for name in ("li", "phone"):
            admin.execute(
                "INSERT INTO city.access_keys (sha256, hint, name, expires_at) "
                "VALUES (sha256(convert_to(%s, 'UTF8')), 'ck_aaaaa', %s, now() + interval '1 day')",
                [name, name],
            )
        made = (
            "INSERT INTO city.jobs (id, kind, request, who, scope, state, idempotency_key) "
            "VALUES (%s, %s, '{}', %s, %s, %s, %s)"
        )
        for name in ("li", "phone"):
            scope = json.dumps({"who": name})
            admin.execute(made, [jobs[name], "import", name, scope, "queued", f"{name}: k1"])
        admin.execute(made, [jobs["edit"], "edit", "wang", None, "done", "wang\x1fk2"])
        admin.execute(made, [jobs["server"], "coverage", "phone", None, "queued", None])
        admin.execute(
            "INSERT INTO city.imports (id, path, format, state, who, job) "
            "SELECT gen_random_uuid(), 'x', 'csv', 'running', who, id FROM city.jobs WHERE kind = 'import'"
        )
        for name, (text, inputs, _) in RUNS.items():
            admin.execute(
                "INSERT INTO city.coverage_runs (id, policy_id, policy_version, policy_text, modes, name, inputs, "
                "results, areas, saved) "
                "VALUES (gen_random_uuid(), 'x', '1', %s, '{straight}', %s, %s, '[]', '[]', true)",
                [text, name, json.dumps(inputs)],
            )
    migrate(empty_settings)
    with psycopg.connect(**admin_parameters(empty_settings)) as admin:
        phone, wang = (
            f"{kind}:{admin.execute(f'SELECT id FROM city.{table} WHERE name = %s', [name]).fetchone()[0]}"
            for kind, table, name in (("key", "access_keys", "phone"), ("user", "people", "wang"))
        )
        rows = admin.execute("SELECT id, owner, idempotency_key FROM city.jobs").fetchall()
        assert {row[0]: row[1:] for row in rows} == {
            jobs["li"]: (None, "li: k1"),  # a person and a key bear the name
            jobs["phone"]: (phone, f"{phone}\x1fk1"),
            jobs["edit"]: (wang, f"{wang}\x1fk2"),
            jobs["server"]: (None, None),
        }
        assert dict(admin.execute("SELECT who, owner FROM city.imports").fetchall()) == {
            "li": None,
            "phone": phone,
        }
        levels = "SELECT name, level FROM city.coverage_runs"
        assert dict(admin.execute(levels).fetchall()) == {name: run[2] for name, run in RUNS.items()}
        # A class that is closed closes its runs; none opens again.
        for level, expected in (("internal", "internal"), ("public", "internal")):
            admin.execute(f"UPDATE city.guards SET level = '{level}' WHERE class_id = 'toilets'")
            assert dict(admin.execute(levels).fetchall())["open"] == expected
        admin.execute(
            "UPDATE city.guards SET row_values = row_values || 'new'::text WHERE class_id = 'manholes'"
        )
        assert dict(admin.execute(levels).fetchall())["class"] == "restricted"
