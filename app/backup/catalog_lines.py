"""The query that tells all of a database that is no row, a line each: a copy must have it as well. Pure text."""

from __future__ import annotations

#: What begins the lines about what is not the city's own: functions of PostgreSQL and PostGIS, by their version.
OUTSIDE = "outside "


def _rights(acl: str, kind: str, owner: str) -> str:
    """Who but the owner may do what: by name, whoever granted it."""
    return (
        "coalesce((SELECT string_agg(coalesce(r.rolname, 'PUBLIC') || ':' || e.privilege_type || "
        "CASE WHEN e.is_grantable THEN '*' ELSE '' END, ' ' "
        'ORDER BY r.rolname COLLATE "C" NULLS FIRST, e.privilege_type) '
        f"FROM aclexplode(coalesce({acl}, acldefault('{kind}', {owner}))) e LEFT JOIN pg_roles r ON r.oid = e.grantee "
        f"WHERE e.grantee <> {owner}), '-')"
    )


_OWN = "IN ('city', 'local')"
_ROLES = (
    "(SELECT string_agg(coalesce(r.rolname, 'PUBLIC'), ' ' ORDER BY r.rolname COLLATE \"C\") "
    "FROM unnest(p.polroles) held LEFT JOIN pg_roles r ON r.oid = held)"
)

LINES = " UNION ALL ".join(
    (
        (
            "SELECT concat_ws(' ', 'schema', n.nspname, n.nspowner::regrole, "
            f"{_rights('n.nspacl', 'n', 'n.nspowner')}) FROM pg_namespace n WHERE n.nspname {_OWN}"
        ),
        (
            "SELECT concat_ws(' ', CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, n.nspname, c.relname, "
            "c.relkind, c.relowner::regrole, 'rows', c.relrowsecurity, c.relforcerowsecurity, c.relpersistence, "
            "c.reloptions, "
            f"CASE c.relkind WHEN 'S' THEN {_rights('c.relacl', 's', 'c.relowner')} "
            f"ELSE {_rights('c.relacl', 'r', 'c.relowner')} END, "
            "md5(coalesce(obj_description(c.oid, 'pg_class'), ''))) "
            f"FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname {_OWN} "
            "AND c.relkind IN ('r', 'S', 'v', 'm')"
        ),
        (
            "SELECT concat_ws(' ', 'column', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), "
            "a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), "
            f"CASE WHEN a.attacl IS NOT NULL THEN {_rights('a.attacl', 'c', 'c.relowner')} END, "
            "md5(coalesce(col_description(c.oid, a.attnum), ''))) "
            "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
            f"WHERE n.nspname {_OWN} AND c.relkind IN ('r', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped"
        ),
        (
            "SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid) FROM pg_index i "
            "JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname {_OWN}"
        ),
        (
            "SELECT concat_ws(' ', 'constraint', n.nspname, r.relname, c.conname, pg_get_constraintdef(c.oid), "
            "c.convalidated) FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid "
            f"JOIN pg_namespace n ON n.oid = r.relnamespace WHERE n.nspname {_OWN}"
        ),
        (
            "SELECT concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid), t.tgenabled) FROM pg_trigger t "
            "JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
            f"WHERE n.nspname {_OWN} AND NOT t.tgisinternal"
        ),
        (
            "SELECT concat_ws(' ', 'policy', n.nspname, c.relname, p.polname, p.polcmd, p.polpermissive, "
            f"{_ROLES}, 'using', pg_get_expr(p.polqual, p.polrelid), 'check', pg_get_expr(p.polwithcheck, p.polrelid)) "
            "FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        ),
        (
            "SELECT concat_ws(' ', 'function', f.oid::regprocedure, f.proowner::regrole, f.proleakproof, "
            f"md5(pg_get_functiondef(f.oid)), {_rights('f.proacl', 'f', 'f.proowner')}) "
            f"FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE n.nspname {_OWN} AND f.prokind <> 'a'"
        ),
        (
            "SELECT concat_ws(' ', 'default', d.defaclrole::regrole, d.defaclnamespace::regnamespace, d.defaclobjtype, "
            f"{_rights('d.defaclacl', 'r', 'd.defaclrole')}) FROM pg_default_acl d"
        ),
        # PostgreSQL's own functions: those that not everybody may call, and those that are known not to leak.
        (
            f"SELECT concat_ws(' ', '{OUTSIDE.strip()}', 'function', f.oid::regprocedure, f.proleakproof, "
            f"{_rights('f.proacl', 'f', 'f.proowner')}) FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace "
            "WHERE n.nspname IN ('pg_catalog', 'public') AND f.prokind IN ('f', 'w') AND (f.proleakproof "
            "OR NOT EXISTS (SELECT FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) e "
            "WHERE e.grantee = 0))"
        ),
    )
)
