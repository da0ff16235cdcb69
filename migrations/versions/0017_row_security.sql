-- Who sees and writes which rows and fields is decided here, by the role and the settings of the transaction
-- (app/database/scope.py): level of sensitivity, areas, party. A mistake in the service cannot show a row beyond them.

-- What only the administrator may do. ---------------------------------------------------------------------------------
RESET ROLE;

-- The settings that policies ask are set by SET LOCAL alone: no expression inside a query can widen them.
DO $$
BEGIN
    REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN NULL;  -- a managed server guards its own functions
END
$$;

DO $$
BEGIN
    GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint), pg_catalog.pg_advisory_xact_lock(integer, integer)
        TO chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
EXCEPTION WHEN insufficient_privilege THEN NULL;
END
$$;

-- Row-level security keeps an index only for operators that tell nothing of rows they are not to show.
DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN
        SELECT p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace AND NOT p.proleakproof
            AND p.proname IN ('ts_match_vq', 'range_contains_elem', 'range_overlaps')
        ORDER BY 1
    LOOP
        EXECUTE format('ALTER FUNCTION %s LEAKPROOF', one);
    END LOOP;
EXCEPTION WHEN insufficient_privilege THEN NULL;  -- `chengtu check` prints the statements
END
$$;

-- The rest belongs to the owner. --------------------------------------------------------------------------------------
SET LOCAL ROLE chengtu_owner;

-- What is new is open to the service and to nobody else until it says so.
ALTER DEFAULT PRIVILEGES IN SCHEMA city REVOKE SELECT ON TABLES FROM chengtu_engine;
ALTER DEFAULT PRIVILEGES IN SCHEMA local REVOKE SELECT ON TABLES FROM chengtu_engine;
REVOKE ALL ON city.local_ddl FROM chengtu_engine;
GRANT USAGE ON SCHEMA city, local TO
    chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal,
    chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;

-- The settings of the transaction. Codes stand between U+001F, * is everywhere; what is not set is nowhere. ------------
CREATE FUNCTION city.scope_areas() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE current_setting('chengtu.areas', true) WHEN '*' THEN NULL
        ELSE coalesce(string_to_array(nullif(current_setting('chengtu.areas', true), ''), E'\x1f'), '{}') END
$$;
COMMENT ON FUNCTION city.scope_areas() IS 'Codes of the areas whose features are seen; null: all';

CREATE FUNCTION city.scope_edits() RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE current_setting('chengtu.edits', true) WHEN '*' THEN NULL
        ELSE coalesce(string_to_array(nullif(current_setting('chengtu.edits', true), ''), E'\x1f'), '{}') END
$$;
COMMENT ON FUNCTION city.scope_edits() IS 'Codes of the areas in which features are written; null: all';

CREATE FUNCTION city.scope_party() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(current_setting('chengtu.party', true), '')
$$;
COMMENT ON FUNCTION city.scope_party() IS 'The party whose own features alone are seen and written; null: all';

CREATE FUNCTION city.scope_who() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(current_setting('chengtu.who', true), '')
$$;
COMMENT ON FUNCTION city.scope_who() IS 'Who asks; null: nobody by name';

-- The guard of each class. ---------------------------------------------------------------------------------------------
CREATE TABLE city.guards (
    schema text NOT NULL CHECK (schema IN ('city', 'local')),
    class_id text NOT NULL,
    level text NOT NULL CHECK (level IN ('public', 'internal', 'restricted')),
    row_field text,
    row_values text[] NOT NULL DEFAULT '{}',
    internal_fields text[] NOT NULL DEFAULT '{}',
    restricted_fields text[] NOT NULL DEFAULT '{}',
    owner_fields text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (schema, class_id)
);
COMMENT ON TABLE city.guards IS 'How sensitive the rows and fields of each class are, as its policies and grants are made';
COMMENT ON COLUMN city.guards.row_field IS 'Rows whose field has one of row_values, or no value, are restricted';
COMMENT ON COLUMN city.guards.owner_fields IS 'A contractor sees and writes the rows whose field is its name';
REVOKE INSERT, UPDATE, DELETE ON city.guards FROM chengtu_rw;
GRANT SELECT ON city.guards TO chengtu_engine,
    chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal,
    chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;

-- The policies and grants of one table by the guard of its class.
CREATE FUNCTION city.guard_table(target regclass, kept city.guards) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    visible constant text := '((SELECT city.scope_areas()) IS NULL OR areas_touched && (SELECT city.scope_areas()))';
    -- Areas decide what everybody else sees and writes: only who writes to the whole city draws them.
    written constant text := CASE WHEN kept.schema = 'city' AND kept.class_id IN ('districts', 'grid_cells')
        THEN '((SELECT city.scope_edits()) IS NULL)' ELSE '((SELECT city.scope_edits()) IS NULL'
        ' OR string_to_array(area_path, ''/'') && (SELECT city.scope_edits()))' END;
    levels text[] := (ARRAY['public', 'internal', 'restricted'])
        [array_position(ARRAY['public', 'internal', 'restricted'], kept.level) : ];
    shown text := CASE WHEN kept.row_field IS NOT NULL THEN
        format('coalesce(%I <> ALL (%L::text[]), false)', kept.row_field, kept.row_values) END;
    own text := '((SELECT city.scope_party()) IS NULL' || coalesce((
        SELECT string_agg(format(' OR %I = (SELECT city.scope_party())', field), '' ORDER BY field)
        FROM unnest(kept.owner_fields) field), '') || ')';
    whole text[] := CASE WHEN kept.row_field IS NULL THEN levels ELSE '{restricted}' END;
    partly text[] := CASE WHEN kept.row_field IS NULL THEN '{}' ELSE array_remove(levels, 'restricted') END;
    every constant text := 'chengtu_ro, chengtu_rw, chengtu_engine, chengtu_see_all_public, chengtu_see_all_internal, '
        'chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, '
        'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted';
    item record;
BEGIN
    FOR item IN SELECT polname FROM pg_policy WHERE polrelid = target LOOP
        EXECUTE format('DROP POLICY %I ON %s', item.polname, target);
    END LOOP;
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, %s', target, every);
    EXECUTE format('GRANT SELECT ON %s TO chengtu_ro, chengtu_see_restricted', target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO chengtu_rw, '
        'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted', target);
    PERFORM city.guard_columns(target, 'chengtu_see_public, chengtu_see_all_public',
        kept.internal_fields || kept.restricted_fields);
    PERFORM city.guard_columns(target, 'chengtu_engine, chengtu_see_internal, chengtu_see_all_internal',
        kept.restricted_fields);
    EXECUTE format('CREATE POLICY whole ON %s TO chengtu_owner, chengtu_rw USING (true) WITH CHECK (true)', target);
    EXECUTE format('CREATE POLICY read ON %s FOR SELECT TO chengtu_ro%s USING (true)', target,
        city.guard_roles(', ', 'chengtu_see_all_', whole));
    EXECUTE format('CREATE POLICY see ON %s FOR SELECT TO %s%s USING (%s AND %s)', target,
        city.guard_roles('', 'chengtu_see_', whole), city.guard_roles(', ', 'chengtu_edit_', whole), visible, own);
    EXECUTE format('CREATE POLICY edit ON %s TO %s USING (%s AND %s)', target,
        city.guard_roles('', 'chengtu_edit_', whole), written, own);
    IF partly <> '{}' THEN
        EXECUTE format('CREATE POLICY read_open ON %s FOR SELECT TO %s USING (%s)', target,
            city.guard_roles('', 'chengtu_see_all_', partly), shown);
        EXECUTE format('CREATE POLICY see_open ON %s FOR SELECT TO %s%s USING (%s AND %s AND %s)', target,
            city.guard_roles('', 'chengtu_see_', partly), city.guard_roles(', ', 'chengtu_edit_', partly),
            visible, own, shown);
        EXECUTE format('CREATE POLICY edit_open ON %s TO %s USING (%s AND %s AND %s)', target,
            city.guard_roles('', 'chengtu_edit_', partly), written, own, shown);
    END IF;
END $$;

-- The roles of some levels, in a list; who sees all areas at the level restricted is chengtu_ro, the engine sees up to
-- the level internal.
CREATE FUNCTION city.guard_roles(before text, stem text, levels text[]) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(before || string_agg(role, ', '), '') FROM (
        SELECT stem || level AS role FROM unnest(levels) level WHERE stem <> 'chengtu_see_all_' OR level <> 'restricted'
        UNION ALL SELECT 'chengtu_engine' WHERE stem = 'chengtu_see_all_' AND 'internal' = ANY (levels)) roles
$$;

-- All columns to some roles but those that are hidden from them.
CREATE FUNCTION city.guard_columns(target regclass, roles text, hidden text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    columns text := (SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = target AND attnum > 0 AND NOT attisdropped AND attname <> ALL (hidden));
BEGIN
    EXECUTE format('GRANT SELECT%s ON %s TO %s',
        CASE WHEN hidden = '{}' THEN '' ELSE format(' (%s)', columns) END, target, roles);
END $$;

-- The data version of a class: `version_of_<class>()`. Everything that is kept is kept by it, and it tells nothing of any
-- row. Asked before most reads: a function of its own keeps its plan, and no policy stands between it and the indexes.
CREATE FUNCTION city.guard_version(schema text, class_id text, roles text) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := format('%I.%I()', schema, 'version_of_' || class_id);
    body text := format('BEGIN
    -- A change may write nothing but a past state of the world, so the history counts too.
    RETURN greatest((SELECT max(change_id) FROM %1$I.%2$I), (SELECT max(change_id) FROM %1$I.%3$I),
        (SELECT max(until_change) FROM %1$I.%3$I),
        (SELECT value::bigint FROM city.settings WHERE key = %4$L), 0);
END', schema, class_id, class_id || '_history', 'areas_change.' || class_id);
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION %s RETURNS bigint LANGUAGE plpgsql STABLE SECURITY DEFINER '
        'SET search_path = pg_catalog, pg_temp AS %L', name, body);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', name, roles);
END $$;

-- How a class is guarded from now on: its table, its history, the numbers of its rows.
CREATE FUNCTION city.guard(schema text, class_id text, level text, row_field text, row_values text[],
        internal_fields text[], restricted_fields text[], owner_fields text[]) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    kept city.guards;
    numbers text := pg_get_serial_sequence(format('%I.%I', guard.schema, guard.class_id), 'id');
BEGIN
    INSERT INTO city.guards (schema, class_id, level, row_field, row_values, internal_fields, restricted_fields, owner_fields)
    VALUES (guard.schema, guard.class_id, guard.level, guard.row_field, guard.row_values, guard.internal_fields,
        guard.restricted_fields, guard.owner_fields)
    ON CONFLICT (schema, class_id) DO UPDATE SET level = excluded.level, row_field = excluded.row_field,
        row_values = excluded.row_values, internal_fields = excluded.internal_fields,
        restricted_fields = excluded.restricted_fields, owner_fields = excluded.owner_fields
    RETURNING * INTO kept;
    PERFORM city.guard_table(format('%I.%I', guard.schema, guard.class_id)::regclass, kept);
    PERFORM city.guard_table(format('%I.%I', guard.schema, guard.class_id || '_history')::regclass, kept);
    EXECUTE format('GRANT USAGE ON SEQUENCE %s TO chengtu_rw, chengtu_edit_public, chengtu_edit_internal, '
        'chengtu_edit_restricted', numbers);
    PERFORM city.guard_version(guard.schema, guard.class_id, 'chengtu_ro, chengtu_rw, chengtu_engine, '
        'chengtu_see_all_public, chengtu_see_all_internal, chengtu_see_public, chengtu_see_internal, '
        'chengtu_see_restricted, chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted');
END $$;

REVOKE ALL ON FUNCTION city.guard(text, text, text, text, text[], text[], text[], text[]),
    city.guard_table(regclass, city.guards), city.guard_roles(text, text, text[]),
    city.guard_columns(regclass, text, text[]), city.guard_version(text, text, text) FROM PUBLIC;

-- What is asked of a class as a whole, whoever asks. -------------------------------------------------------------------
-- Whether a class never held anything: who sees none of its rows may not take it for empty.
CREATE FUNCTION city.is_empty(schema text, class_id text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held boolean;
BEGIN
    IF schema NOT IN ('city', 'local') THEN
        RAISE invalid_schema_name;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %1$I.%2$I) OR EXISTS (SELECT FROM %1$I.%3$I)',
        schema, class_id, class_id || '_history') INTO held;
    RETURN NOT held;
END $$;

-- Whether who asks sees any version of a feature.
CREATE FUNCTION city.sees(class_id text, feature_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema text := (SELECT g.schema FROM city.guards g WHERE g.class_id = sees.class_id ORDER BY g.schema LIMIT 1);
    seen boolean;
BEGIN
    IF schema IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %1$I.%2$I WHERE id = $1) OR EXISTS (SELECT FROM %1$I.%3$I WHERE id = $1)',
        schema, class_id, class_id || '_history') INTO seen USING feature_id;
    RETURN seen;
END $$;

-- The codes of all areas at home in those that are seen.
CREATE FUNCTION city.seen_areas() RETURNS SETOF text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    codes text[] := city.scope_areas();
BEGIN
    RETURN QUERY SELECT code FROM city.districts WHERE codes IS NULL OR string_to_array(area_path, '/') && codes
        UNION ALL SELECT code FROM city.grid_cells WHERE codes IS NULL OR string_to_array(area_path, '/') && codes
        UNION ALL SELECT unnest(codes);
END $$;

-- All whole areas, by which a feature is located: where it lies does not depend on who wrote it.
CREATE FUNCTION city.whole_areas(class_id text) RETURNS TABLE (code text, level text, parent text, shape public.geometry)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    IF whole_areas.class_id = 'districts' THEN
        RETURN QUERY SELECT code, level, parent, geom FROM city.districts WHERE NOT incomplete AND level IS NOT NULL;
    ELSIF whole_areas.class_id = 'grid_cells' THEN
        RETURN QUERY SELECT code, 'grid', community, geom FROM city.grid_cells WHERE NOT incomplete;
    ELSE
        RAISE invalid_parameter_value;
    END IF;
END $$;

-- Where data came from, and by which licence, is told to everybody who sees a row of it.
CREATE FUNCTION city.import_origins() RETURNS TABLE (id uuid, classes text[], source text, licence text,
        attribution text, at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT id, classes, source, licence, attribution, at FROM city.imports WHERE coalesce(source, licence, attribution) IS NOT NULL
$$;

DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN
        SELECT p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'city'::regnamespace AND p.proname IN ('scope_areas', 'scope_edits', 'scope_party',
            'scope_who', 'is_empty', 'sees', 'seen_areas',
            'whole_areas', 'import_origins')
        ORDER BY 1
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO chengtu_ro, chengtu_rw, chengtu_engine, '
            'chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, '
            'chengtu_see_all_public, chengtu_see_all_internal, '
            'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted', one);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION city.tidy_search(), city.analyze_search(), city.analyze_class(text, text)
    TO chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;

-- What everybody may read: the record of changes, what is fixed for the city, policies, runs as wholes. -----------------
GRANT SELECT ON city.alembic_version, city.settings, city.changes, city.policy_editions, city.coverage_runs TO
    chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal,
    chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
GRANT INSERT ON city.changes TO chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
GRANT INSERT, UPDATE, DELETE ON city.settings TO chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
DO $$
BEGIN
    EXECUTE format('GRANT USAGE ON SEQUENCE %s TO chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted',
        pg_get_serial_sequence('city.changes', 'id'));
END $$;
ALTER TABLE city.settings ENABLE ROW LEVEL SECURITY;
ALTER TABLE city.settings FORCE ROW LEVEL SECURITY;
CREATE POLICY whole ON city.settings TO chengtu_owner, chengtu_rw USING (true) WITH CHECK (true);
CREATE POLICY read ON city.settings FOR SELECT USING (true);
-- An edit notes what is to be made anew, and no more.
CREATE POLICY edit ON city.settings TO chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted
    USING (starts_with(key, 'search.') OR starts_with(key, 'areas_pending.') OR starts_with(key, 'areas_change.'));

-- What features are found by. ------------------------------------------------------------------------------------------
ALTER TABLE city.search_entries ADD COLUMN areas_touched text[] NOT NULL DEFAULT '{}';
ALTER TABLE city.search_codes ADD COLUMN areas_touched text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN city.search_entries.areas_touched IS 'As those of the feature';
COMMENT ON COLUMN city.search_codes.areas_touched IS 'As those of the feature';
COMMENT ON COLUMN city.search_entries.sensitivity IS 'Of the feature: that of its class, or restricted by a value';
COMMENT ON COLUMN city.search_codes.sensitivity IS 'Of the feature: that of its class, or restricted by a value';
-- Those kept know neither areas nor the sensitivity of rows: the service makes them anew.
DELETE FROM city.search_entries;
DELETE FROM city.search_codes;
UPDATE city.settings SET value = '' WHERE starts_with(key, 'search.');

DO $$
DECLARE
    target text;
    item record;
    everywhere constant text := '((SELECT city.scope_areas()) IS NULL OR areas_touched && (SELECT city.scope_areas()))';
    own constant text := '((SELECT city.scope_party()) IS NULL OR city.sees(class, id))';
    written constant text := '((SELECT city.scope_edits()) IS NULL OR areas_touched && (SELECT city.scope_edits()))';
BEGIN
    FOREACH target IN ARRAY ARRAY['city.search_entries', 'city.search_codes'] LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
        EXECUTE format('CREATE POLICY whole ON %s TO chengtu_owner, chengtu_rw USING (true) WITH CHECK (true)', target);
        EXECUTE format('CREATE POLICY read ON %s FOR SELECT TO chengtu_ro USING (true)', target);
        EXECUTE format('GRANT SELECT ON %s TO chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, '
            'chengtu_see_all_public, chengtu_see_all_internal', target);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO '
            'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted', target);
        FOR item IN SELECT * FROM (VALUES ('public', 'sensitivity = ''public'''),
            ('internal', 'sensitivity <> ''restricted'''), ('restricted', 'true')) level (name, rule)
        LOOP
            IF item.name <> 'restricted' THEN
                EXECUTE format('CREATE POLICY see_all_%1$s ON %2$s FOR SELECT TO chengtu_see_all_%1$s USING (%3$s)',
                    item.name, target, item.rule);
            END IF;
            EXECUTE format('CREATE POLICY see_%1$s ON %2$s FOR SELECT TO chengtu_see_%1$s, chengtu_edit_%1$s '
                'USING (%3$s AND %4$s AND %5$s)', item.name, target, item.rule, everywhere, own);
            EXECUTE format('CREATE POLICY edit_%1$s ON %2$s TO chengtu_edit_%1$s USING (%3$s AND %4$s) '
                'WITH CHECK (%3$s AND %4$s)', item.name, target, item.rule, written);
        END LOOP;
    END LOOP;
END $$;

-- What people on the spot told: seen with the feature. ------------------------------------------------------------------
DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['city.photos', 'city.reports'] LOOP
        EXECUTE format('REVOKE ALL ON %s FROM chengtu_engine', target);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
        EXECUTE format('CREATE POLICY whole ON %s TO chengtu_owner, chengtu_rw USING (true) WITH CHECK (true)', target);
        EXECUTE format('CREATE POLICY read ON %s FOR SELECT TO chengtu_ro USING (true)', target);
        EXECUTE format('GRANT SELECT ON %s TO chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, '
            'chengtu_see_all_public, chengtu_see_all_internal', target);
        EXECUTE format('GRANT SELECT, INSERT ON %s TO '
            'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted', target);
        EXECUTE format('CREATE POLICY see ON %s FOR SELECT TO chengtu_see_public, chengtu_see_internal, '
            'chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal, '
            'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted '
            'USING (city.sees(class_id, feature_id))', target);
        EXECUTE format('CREATE POLICY add ON %s FOR INSERT TO chengtu_edit_public, chengtu_edit_internal, '
            'chengtu_edit_restricted WITH CHECK (city.sees(class_id, feature_id))', target);
    END LOOP;
END $$;

-- What runs tell of areas and places: of one's own areas; a contractor has none. -----------------------------------------
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT * FROM (VALUES
        ('city.coverage_areas', 'code IN (SELECT city.seen_areas())'),
        ('city.coverage_gaps', 'string_to_array(area_path, ''/'') && (SELECT city.scope_areas())'),
        ('city.coverage_units', 'string_to_array(area_path, ''/'') && (SELECT city.scope_areas())'),
        ('city.coverage_differences', 'string_to_array(area_path, ''/'') && (SELECT city.scope_areas())'))
        target (name, rule)
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, '
            'chengtu_see_all_public, chengtu_see_all_internal, '
            'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted', item.name);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', item.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', item.name);
        EXECUTE format('CREATE POLICY whole ON %s TO chengtu_owner, chengtu_rw USING (true) WITH CHECK (true)', item.name);
        EXECUTE format('CREATE POLICY read ON %s FOR SELECT TO chengtu_ro, chengtu_engine, chengtu_see_all_public, '
            'chengtu_see_all_internal USING (true)', item.name);
        EXECUTE format('CREATE POLICY see ON %s FOR SELECT TO chengtu_see_public, chengtu_see_internal, '
            'chengtu_see_restricted, chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted '
            'USING ((SELECT city.scope_party()) IS NULL AND ((SELECT city.scope_areas()) IS NULL OR %s))',
            item.name, item.rule);
    END LOOP;
END $$;

-- Runs over restricted data hold what whoever asked saw of it: told to those who may see as much. ------------------------
ALTER TABLE city.coverage_runs ADD COLUMN held text GENERATED ALWAYS AS (inputs #>> '{held,level}') STORED;
COMMENT ON COLUMN city.coverage_runs.held IS 'Up to which sensitivity restricted data was read for it; null: none was';
ALTER TABLE city.coverage_runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE city.coverage_runs FORCE ROW LEVEL SECURITY;
CREATE POLICY whole ON city.coverage_runs TO chengtu_owner, chengtu_rw USING (true) WITH CHECK (true);
CREATE POLICY read ON city.coverage_runs FOR SELECT TO chengtu_ro, chengtu_engine, chengtu_see_restricted,
    chengtu_edit_restricted USING (true);
CREATE POLICY see_internal ON city.coverage_runs FOR SELECT TO chengtu_see_internal, chengtu_see_all_internal,
    chengtu_edit_internal USING (held IS NULL OR held <> 'restricted');
CREATE POLICY see_public ON city.coverage_runs FOR SELECT TO chengtu_see_public, chengtu_see_all_public,
    chengtu_edit_public USING (held IS NULL);
DO $$
DECLARE
    target text;
BEGIN
    FOREACH target IN ARRAY ARRAY['city.coverage_areas', 'city.coverage_gaps', 'city.coverage_units',
        'city.coverage_differences']
    LOOP
        EXECUTE format('CREATE POLICY held ON %s AS RESTRICTIVE FOR SELECT TO chengtu_see_public, '
            'chengtu_see_all_public, chengtu_edit_public, chengtu_see_internal, chengtu_see_all_internal, '
            'chengtu_edit_internal USING (run IN (SELECT r.id FROM city.coverage_runs r))', target);
    END LOOP;
END $$;

-- Long work and imports: whose they are. ---------------------------------------------------------------------------------
ALTER TABLE city.jobs ADD COLUMN scope jsonb;
COMMENT ON COLUMN city.jobs.scope IS 'What who asked for it sees and writes; null: everything';
GRANT SELECT ON city.jobs, city.imports, city.import_rejects TO
    chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal;
GRANT SELECT, INSERT, UPDATE ON city.jobs, city.imports TO
    chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
GRANT SELECT, INSERT, UPDATE, DELETE ON city.import_rejects TO
    chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
REVOKE ALL ON city.jobs, city.import_rejects FROM chengtu_engine;
DO $$
DECLARE
    item record;
BEGIN
    FOR item IN SELECT * FROM (VALUES
        -- What an edit leaves to the worker is the service's, and seen so that it is left once.
        ('city.jobs', 'who = (SELECT city.scope_who()) OR kind IN (''areas'', ''search'')',
            '(who = (SELECT city.scope_who()) AND (scope IS NOT NULL OR state <> ''queued''))'
            ' OR kind IN (''areas'', ''search'')',
            'who = (SELECT city.scope_who())'),
        ('city.imports', 'who = (SELECT city.scope_who())', 'who = (SELECT city.scope_who())',
            'who = (SELECT city.scope_who())'),
        ('city.import_rejects', 'EXISTS (SELECT FROM city.imports i WHERE i.id = import_id)',
            'EXISTS (SELECT FROM city.imports i WHERE i.id = import_id)',
            'EXISTS (SELECT FROM city.imports i WHERE i.id = import_id)')) target (name, seen, added, changed)
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', item.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', item.name);
        EXECUTE format('CREATE POLICY whole ON %s TO chengtu_owner, chengtu_rw USING (true) WITH CHECK (true)', item.name);
        -- The frames that imports declare say where the engine may trust the data.
        EXECUTE format('CREATE POLICY read ON %s FOR SELECT TO chengtu_ro, chengtu_engine USING (true)', item.name);
        EXECUTE format('CREATE POLICY see ON %s FOR SELECT TO chengtu_see_public, chengtu_see_internal, '
            'chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal, '
            'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted USING (%s)', item.name, item.seen);
        EXECUTE format('CREATE POLICY add ON %s FOR INSERT TO chengtu_edit_public, chengtu_edit_internal, '
            'chengtu_edit_restricted WITH CHECK (%s)', item.name, item.added);
        EXECUTE format('CREATE POLICY change ON %s FOR UPDATE TO chengtu_edit_public, chengtu_edit_internal, '
            'chengtu_edit_restricted USING (%s)', item.name, item.changed);
    END LOOP;
END $$;
CREATE POLICY remove ON city.import_rejects FOR DELETE TO chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted
    USING (EXISTS (SELECT FROM city.imports i WHERE i.id = import_id));

-- First loads (revision 0007) know guards: the table that takes a class's place is guarded as the class is. --------------
CREATE OR REPLACE FUNCTION city.load_begin(schema text, class_id text) RETURNS TABLE (loading text, last_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    old regclass;
    guarded boolean;
    held boolean;
BEGIN
    IF schema NOT IN ('city', 'local') THEN
        RAISE invalid_schema_name;
    END IF;
    old := format('%I.%I', schema, class_id)::regclass;
    guarded := EXISTS (SELECT FROM city.guards g WHERE g.schema = load_begin.schema AND g.class_id = load_begin.class_id);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I) OR EXISTS (SELECT FROM %I.%I)',
        schema, class_id, schema, class_id || '_history') INTO held;
    -- What a copy of the table would not have, or what would keep the table from being replaced.
    IF held
        OR EXISTS (SELECT FROM pg_class WHERE oid = old
            AND (relrowsecurity IS DISTINCT FROM guarded OR relhasrules OR relhassubclass OR relispartition))
        OR EXISTS (SELECT FROM pg_policy WHERE polrelid = old AND (NOT guarded
            OR polname NOT IN ('whole', 'read', 'see', 'edit', 'read_open', 'see_open', 'edit_open')))
        OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = old)
        OR EXISTS (SELECT FROM pg_constraint WHERE confrelid = old OR (conrelid = old AND contype NOT IN ('c', 'p', 'u')))
        OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = old AND attacl IS NOT NULL AND NOT guarded)
        OR EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = old)
        OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = old)
        OR EXISTS (SELECT FROM pg_depend WHERE refobjid = old AND deptype = 'n'
            AND classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass, 'pg_class'::regclass)) THEN
        RETURN;
    END IF;
    loading := format('%s_load_%s', left(class_id, 30), pg_current_xact_id());
    EXECUTE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES)', schema, loading, old);
    PERFORM city.load_grants(old, format('%I.%I', schema, loading)::regclass);
    SELECT coalesce(s.last_value, s.start_value - 1) INTO last_id FROM pg_sequences s
        WHERE format('%I.%I', s.schemaname, s.sequencename)::regclass
            = pg_get_serial_sequence(format('%I.%I', schema, class_id), 'id')::regclass;
    RETURN NEXT;
END $$;

CREATE OR REPLACE FUNCTION city.load_finish(schema text, class_id text, loading text, last_id bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '700ms' AS $$
DECLARE
    held boolean;
    item record;
    sequence text;
    comment text;
    names name[];
    kept city.guards;
BEGIN
    PERFORM city.load_check(schema, class_id, loading);
    BEGIN
        EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', schema, class_id);
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
        RETURN false;
    END;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I) OR EXISTS (SELECT FROM %I.%I)',
        schema, class_id, schema, class_id || '_history') INTO held;
    IF held THEN
        RETURN false;
    END IF;
    SELECT array_agg(i.name ORDER BY i.place) INTO names FROM city.load_indexes(format('%I.%I', schema, class_id)::regclass) i;
    SELECT c.relname INTO sequence FROM pg_class c
        WHERE c.oid = pg_get_serial_sequence(format('%I.%I', schema, class_id), 'id')::regclass;
    comment := obj_description(format('%I.%I', schema, class_id)::regclass, 'pg_class');
    EXECUTE format('DROP TABLE %I.%I', schema, class_id);
    EXECUTE format('ALTER TABLE %I.%I RENAME TO %I', schema, loading, class_id);
    EXECUTE format('ALTER SEQUENCE %s RENAME TO %I', pg_get_serial_sequence(format('%I.%I', schema, class_id), 'id'), sequence);
    PERFORM setval(format('%I.%I', schema, sequence)::regclass, greatest(last_id, 1), last_id > 0);
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', schema, class_id, comment);
    FOR item IN SELECT name, place FROM unnest(names) WITH ORDINALITY AS n (name, place) LOOP
        EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', schema, loading || '_' || item.place, item.name);
    END LOOP;
    SELECT * INTO kept FROM city.guards g
        WHERE g.schema = load_finish.schema AND g.class_id = load_finish.class_id;
    IF FOUND THEN
        PERFORM city.guard_table(format('%I.%I', schema, class_id)::regclass, kept);
    END IF;
    RETURN true;
END $$;
