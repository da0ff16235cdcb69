"""The catalogue of the database as a whole: what bears rows of features is guarded, and nothing goes around it."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from app.database.roles import EDIT, ENGINE, GROUPS, OWNER, READER, SEE, SEE_ALL, WRITER

#: Who sees or writes a part.
SCOPED = (ENGINE, *SEE, *SEE_ALL, *EDIT)
#: Tables with a class or a shape that hold nothing of any row.
OPEN = {"guards": "how classes are guarded"}
#: Tables beside classes that hold rows of some people or areas.
GUARDED = {
    "search_entries", "search_codes", "photos", "reports", "assessments", "jobs", "imports", "import_rejects",
    "settings", "coverage_areas", "coverage_gaps", "coverage_units", "coverage_differences",
}  # fmt: skip
#: Tables beside classes of which roles that see or write a part may read anything at all.
SHARED = GUARDED | {"guards", "alembic_version", "changes", "policy_editions", "coverage_runs"}
#: Functions that run with the owner's rights, and what they do for whoever calls them.
DEFINER = {
    "analyze_class(text,text)": "tells the planner",
    "analyze_search()": "tells the planner",
    "tidy_search()": "puts an index in order",
    "load_begin(text,text)": "first loads: the whole city's writer alone",
    "load_index(text,text,text)": "first loads",
    "load_finish(text,text,text,bigint)": "first loads",
    "load_drop(text,text,text)": "first loads",
    "is_empty(text,text)": "whether a class never held anything",
    "whole_areas(text)": "borders of districts and grid cells, by which features are located",
    "import_origins()": "sources and licences of what was imported",
    "whole_districts()": "borders and names of districts, by which files are understood",
    "taken_codes(text,text,text[])": "which of some codes are borne by any feature: none can be given twice",
    "touched_versions(text,text,bigint,bigint[],bigint)": "how many versions a restore would touch",
    "note(text,text,jsonb,text)": "adds to the audit",
    "note_once(text,text,jsonb,interval,text)": "adds to the audit, unless it stands there already",
    **{
        f"audit_{name}()": "trigger of the audit"
        for name in ("chain", "change", "row", "grant", "session", "import")
    },
}
#: Whoever calls these could open what is closed.
OWN = ("guard(", "guard_table(", "guard_columns(", "guard_roles(", "guard_version(", "guard_shows(", "load_")


def ask(conn, query: str, **values: object) -> list[tuple[object, ...]]:
    return [tuple(row) for row in conn.execute(text(query), values)]


TABLES = (
    "SELECT n.nspname, c.relname, c.relrowsecurity AND c.relforcerowsecurity FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('city', 'local') AND c.relkind IN ('r', 'p') "
)


def test_every_table_with_rows_of_features_is_guarded_even_from_its_owner(read_conn, catalogue):
    bearing = ask(
        read_conn,
        TABLES
        + "AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attnum > 0 "
        "AND (a.atttypid = 'public.geometry'::regtype OR a.attname IN ('class_id', 'class', 'feature_id')))",
    )
    open_to_all = {name for _, name, guarded in bearing if not guarded}
    assert open_to_all <= OPEN.keys(), "guard the table by policies, or say here why it needs none"
    classes = {name for cls in catalogue.classes.values() for name in (cls.id, f"{cls.id}_history")}
    assert classes <= {name for _, name, _ in bearing}
    found = {name: guarded for _, name, guarded in ask(read_conn, TABLES)}
    assert [name for name in GUARDED if not found[name]] == []


def test_no_guarded_table_is_without_a_policy_for_the_service(read_conn):
    lacking = ask(
        read_conn,
        "SELECT c.relname FROM pg_class c WHERE c.relrowsecurity AND c.relnamespace = 'city'::regnamespace "
        "AND NOT EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'city' AND p.tablename = c.relname "
        "AND p.policyname = 'whole')",
    )
    assert {name for (name,) in lacking} <= {"audit", "audit_head"}


def test_no_view_shows_rows_by_the_rights_of_its_owner(read_conn):
    views = ask(
        read_conn,
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN ('city', 'local') AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT "
        "coalesce('security_invoker=true' = ANY (c.reloptions) OR 'security_invoker=on' = ANY (c.reloptions), false))",
    )
    assert views == []


def test_functions_with_the_owners_rights_are_known_and_fixed_to_their_schema(read_conn, catalogue):
    rows = ask(
        read_conn,
        "SELECT n.nspname, p.proname || '(' || replace(pg_get_function_identity_arguments(p.oid), ' ', '') || ')', "
        "p.oid::regprocedure::text, EXISTS (SELECT FROM unnest(p.proconfig) set WHERE set LIKE 'search_path=%'), "
        "has_function_privilege('public', p.oid, 'EXECUTE') FROM pg_proc p "
        "JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('city', 'local', 'public') AND p.prosecdef "
        "AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')",
    )
    # data versions, which tell nothing of any row; whether who asks sees a feature as it stands
    versions = {f"version_of_{name}()" for name in catalogue.classes}
    versions |= {f"shows_{name}(bigint)" for name in catalogue.classes}
    names = {signature.removeprefix("city.") for _, _, signature, _, _ in rows}
    assert names - versions - DEFINER.keys() == set(), "say here what it does for whoever calls it"
    assert versions | DEFINER.keys() <= names
    assert [row[2] for row in rows if not row[3] or row[4]] == []


def test_the_service_logs_in_as_nobody_who_is_above_the_policies(read_conn):
    rows = ask(
        read_conn,
        "SELECT r.rolname, r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication, "
        "r.rolcanlogin, r.rolinherit, EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) FROM pg_roles r "
        "WHERE r.rolname = session_user OR r.rolname = ANY (:groups)",
        groups=list(GROUPS),
    )
    assert len(rows) == len(GROUPS) + 1
    assert [row for row in rows if row[1]] == []
    assert {row[0] for row in rows if row[4]} == {OWNER}
    (login,) = [row for row in rows if row[2]]
    assert login[3] is False, "outside its transactions the login may do nothing"
    memberships = ask(
        read_conn,
        "SELECT g.rolname FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid "
        "JOIN pg_roles u ON u.oid = m.member WHERE u.rolname = ANY (:groups)",
        groups=list(GROUPS),
    )
    assert memberships == [], "a role that is in another has the policies of both"


@pytest.mark.parametrize("role", SCOPED)
def test_who_sees_a_part_has_no_right_on_any_table_that_is_not_shared(read_conn, catalogue, role):
    classes = {name for cls in catalogue.classes.values() for name in (cls.id, f"{cls.id}_history")}
    rows = ask(
        read_conn,
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN ('city', 'local') AND c.relkind = 'r' "
        "AND (has_any_column_privilege(:role, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') "
        "OR has_table_privilege(:role, c.oid, 'DELETE, TRUNCATE, TRIGGER'))",
        role=role,
    )
    extra = {str(name) for (name,) in rows} - classes - SHARED
    assert {name for name in extra if not name.startswith(("assessments", "audit"))} == set()
    assert not extra & {
        "people",
        "grants",
        "sessions",
        "access_keys",
        "parties",
        "login_states",
        "login_failures",
        "audit",
    }


@pytest.mark.parametrize("role", [READER, WRITER, *SCOPED])
def test_nobody_of_the_service_can_widen_what_is_seen_from_within_a_query(read_conn, role):
    may = "has_function_privilege(:role, p.oid, 'EXECUTE')"
    (allowed,) = ask(
        read_conn, f"SELECT bool_or({may}) FROM pg_proc p WHERE proname = 'set_config'", role=role
    )
    assert allowed == (False,)
    rows = ask(
        read_conn,
        f"SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.pronamespace = 'city'::regnamespace AND {may}",
        role=role,
    )
    callable_ = {str(name).removeprefix("city.") for (name,) in rows}
    opening = {name for name in callable_ if name.startswith(OWN)}
    assert opening == ({name for name in DEFINER if name.startswith("load_")} if role == WRITER else set())


@pytest.mark.parametrize("role", [*SEE, *SEE_ALL, ENGINE, READER])
def test_readers_write_no_table(read_conn, role):
    rows = ask(
        read_conn,
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname IN ('city', 'local') AND c.relkind = 'r' "
        "AND (has_any_column_privilege(:role, c.oid, 'INSERT, UPDATE') "
        "OR has_table_privilege(:role, c.oid, 'DELETE, TRUNCATE'))",
        role=role,
    )
    assert rows == []
