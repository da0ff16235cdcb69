-- A feature that became restricted, or moved out of one's areas, is hidden with all that is told of it. -----------------
-- `shows_<class>()`: whether who asks sees a feature as it stands now; of one that is gone, as it stood last. It reads past
-- the policies (those of a history ask it, so that they cannot be asked again) and answers for the role of the
-- transaction alone.
CREATE FUNCTION city.guard_shows(kept city.guards) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text := format('%I.%I(bigint)', kept.schema, 'shows_' || kept.class_id);
    levels constant text[] := ARRAY['public', 'internal', 'restricted'];
    shown text := CASE WHEN kept.row_field IS NULL THEN 'true' ELSE
        format('(_level = 3 OR coalesce(%I <> ALL (%L::text[]), false))', kept.row_field, kept.row_values) END;
    own text := '(_party IS NULL' || coalesce((SELECT string_agg(format(' OR %I = _party', field), '' ORDER BY field)
        FROM unnest(kept.owner_fields) field), '') || ')';
    rule text;
BEGIN
    rule := format('coalesce((_everywhere OR ((_areas IS NULL OR areas_touched && _areas) AND %s)) AND %s, false)', own, shown);
    EXECUTE format($body$CREATE OR REPLACE FUNCTION %1$s RETURNS boolean
        LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $fn$
DECLARE
    _role constant text := current_setting('role');
    _everywhere constant boolean := _role IN ('chengtu_ro', 'chengtu_rw', 'chengtu_engine')
        OR starts_with(_role, 'chengtu_see_all_');
    _level constant integer := CASE WHEN _role LIKE '%%\_public' THEN 1
        WHEN _role LIKE '%%\_internal' OR _role = 'chengtu_engine' THEN 2 WHEN starts_with(_role, 'chengtu_') THEN 3 ELSE 0 END;
    _areas text[];
    _party text;
    _shown boolean;
BEGIN
    IF _level < %2$s THEN
        RETURN false;
    END IF;
    IF NOT _everywhere THEN
        -- As `scope_areas` and `scope_party` say, which take longer than the rest for each row of a history.
        _areas := CASE current_setting('chengtu.areas', true) WHEN '*' THEN NULL
            ELSE coalesce(string_to_array(nullif(current_setting('chengtu.areas', true), ''), E'\x1f'), '{}') END;
        _party := nullif(current_setting('chengtu.party', true), '');
    END IF;
    SELECT %3$s INTO _shown FROM %4$I.%5$I WHERE id = $1;
    IF FOUND THEN
        RETURN _shown;
    END IF;
    SELECT %3$s INTO _shown FROM %4$I.%6$I WHERE id = $1
        ORDER BY until_change IS NULL DESC, change_id DESC, upper(valid) DESC NULLS FIRST LIMIT 1;
    RETURN coalesce(_shown, false);
END $fn$
$body$, name, array_position(levels, kept.level), rule, kept.schema, kept.class_id, kept.class_id || '_history');
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO chengtu_ro, chengtu_rw, chengtu_engine, '
        'chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal, '
        'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted', name);
END $$;
REVOKE ALL ON FUNCTION city.guard_shows(city.guards) FROM PUBLIC;

-- As in revision 0017; a version of the history is seen and changed by who sees the feature, too.
CREATE OR REPLACE FUNCTION city.guard_table(target regclass, kept city.guards) RETURNS void
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
    -- Asked of each row last: what a version itself rules out costs no more than before.
    stands constant text := CASE WHEN (SELECT relname FROM pg_class WHERE oid = target) = kept.class_id || '_history'
        THEN format(' AND %I.%I(id)', kept.schema, 'shows_' || kept.class_id) ELSE '' END;
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
    EXECUTE format('CREATE POLICY see ON %s FOR SELECT TO %s%s USING (%s AND %s%s)', target,
        city.guard_roles('', 'chengtu_see_', whole), city.guard_roles(', ', 'chengtu_edit_', whole), visible, own, stands);
    EXECUTE format('CREATE POLICY edit ON %s TO %s USING (%s AND %s%s)'
        || CASE WHEN stands = '' THEN '' ELSE ' WITH CHECK (%3$s AND %4$s)' END, target,
        city.guard_roles('', 'chengtu_edit_', whole), written, own, stands);
    IF partly <> '{}' THEN
        EXECUTE format('CREATE POLICY read_open ON %s FOR SELECT TO %s USING (%s%s)', target,
            city.guard_roles('', 'chengtu_see_all_', partly), shown, stands);
        EXECUTE format('CREATE POLICY see_open ON %s FOR SELECT TO %s%s USING (%s AND %s AND %s%s)', target,
            city.guard_roles('', 'chengtu_see_', partly), city.guard_roles(', ', 'chengtu_edit_', partly),
            visible, own, shown, stands);
        EXECUTE format('CREATE POLICY edit_open ON %s TO %s USING (%s AND %s AND %s%s)'
            || CASE WHEN stands = '' THEN '' ELSE ' WITH CHECK (%3$s AND %4$s AND %5$s)' END, target,
            city.guard_roles('', 'chengtu_edit_', partly), written, own, shown, stands);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION city.guard(schema text, class_id text, level text, row_field text, row_values text[],
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
    PERFORM city.guard_shows(kept);
    PERFORM city.guard_table(format('%I.%I', guard.schema, guard.class_id)::regclass, kept);
    PERFORM city.guard_table(format('%I.%I', guard.schema, guard.class_id || '_history')::regclass, kept);
    EXECUTE format('GRANT USAGE ON SEQUENCE %s TO chengtu_rw, chengtu_edit_public, chengtu_edit_internal, '
        'chengtu_edit_restricted', numbers);
    PERFORM city.guard_version(guard.schema, guard.class_id, 'chengtu_ro, chengtu_rw, chengtu_engine, '
        'chengtu_see_all_public, chengtu_see_all_internal, chengtu_see_public, chengtu_see_internal, '
        'chengtu_see_restricted, chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted');
END $$;

DO $$
DECLARE
    kept city.guards;
BEGIN
    FOR kept IN SELECT * FROM city.guards ORDER BY schema, class_id LOOP
        PERFORM city.guard_shows(kept);
        PERFORM city.guard_table(format('%I.%I', kept.schema, kept.class_id || '_history')::regclass, kept);
    END LOOP;
END $$;

-- Whether who asks sees a feature as it stands: its photos, reports, assessments and search entries are seen with it.
CREATE OR REPLACE FUNCTION city.sees(class_id text, feature_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    schema text := (SELECT g.schema FROM city.guards g WHERE g.class_id = sees.class_id ORDER BY g.schema LIMIT 1);
    seen boolean;
BEGIN
    IF schema IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT %I.%I($1)', schema, 'shows_' || class_id) INTO seen USING feature_id;
    RETURN seen;
END $$;

-- What features are found by: a contractor writes the entries of its own alone. ------------------------------------------
DO $$
DECLARE
    target text;
    item record;
    own constant text := '((SELECT city.scope_party()) IS NULL OR city.sees(class, id))';
    written constant text := '((SELECT city.scope_edits()) IS NULL OR areas_touched && (SELECT city.scope_edits()))';
BEGIN
    FOREACH target IN ARRAY ARRAY['city.search_entries', 'city.search_codes'] LOOP
        FOR item IN SELECT * FROM (VALUES ('public', 'sensitivity = ''public'''),
            ('internal', 'sensitivity <> ''restricted'''), ('restricted', 'true')) level (name, rule)
        LOOP
            EXECUTE format('ALTER POLICY edit_%1$s ON %2$s USING (%3$s AND %4$s AND %5$s) WITH CHECK (%3$s AND %4$s AND %5$s)',
                item.name, target, item.rule, written, own);
        END LOOP;
    END LOOP;
END $$;

-- A run is told to those who may see all that it was made of. ----------------------------------------------------------
-- The level of a run: of what was read for whoever asked (`held`), of each class among its data versions, of each field of
-- those whose name stands in its policy (no policy reads the columns of files that no class declares). What is not known to
-- be open is restricted.
CREATE FUNCTION city.run_level(inputs jsonb, policy_text text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT (ARRAY['public', 'internal', 'restricted'])[max(least(rank, 3))] FROM (
        SELECT CASE WHEN jsonb_typeof(inputs -> 'versions') = 'object' THEN 1 ELSE 3 END AS rank
        UNION ALL SELECT coalesce(array_position(ARRAY['public', 'internal', 'restricted'], inputs #>> '{held,level}'), 3)
            WHERE inputs ? 'held'
        -- What the engine found of the policy; runs made before it did tell by their text alone.
        UNION ALL SELECT coalesce(array_position(ARRAY['public', 'internal', 'restricted'], inputs ->> 'sensitivity'), 3)
            WHERE inputs ? 'sensitivity'
        UNION ALL SELECT 2 WHERE NOT inputs ? 'sensitivity' AND policy_text ~ '\mbased_on\M'
        UNION ALL SELECT coalesce((
                SELECT max(greatest(array_position(ARRAY['public', 'internal', 'restricted'], g.level),
                    CASE WHEN EXISTS (SELECT FROM unnest(array_remove(g.internal_fields, 'extra')) field
                        WHERE policy_text ~ ('\m' || field || '\M')) THEN 2 END,
                    CASE WHEN EXISTS (SELECT FROM unnest(g.restricted_fields) field
                        WHERE policy_text ~ ('\m' || field || '\M')) THEN
                            CASE WHEN inputs ? 'held' THEN 2 ELSE 3 END END))
                FROM city.guards g WHERE g.class_id = used.class_id), 3)
            FROM jsonb_object_keys(CASE WHEN jsonb_typeof(inputs -> 'versions') = 'object' THEN inputs -> 'versions'
                ELSE '{}' END) used (class_id)) ranks
$$;
ALTER TABLE city.coverage_runs ADD COLUMN level text NOT NULL DEFAULT 'restricted'
    CHECK (level IN ('public', 'internal', 'restricted'));
COMMENT ON COLUMN city.coverage_runs.level IS 'Who may see as much is told of it: the highest level of what it was made of';
-- slow: one row a run: thousands at most
UPDATE city.coverage_runs SET level = city.run_level(inputs, policy_text);

CREATE FUNCTION city.set_run_level() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    NEW.level := city.run_level(NEW.inputs, NEW.policy_text);
    RETURN NEW;
END $$;
CREATE TRIGGER run_level BEFORE INSERT ON city.coverage_runs FOR EACH ROW EXECUTE FUNCTION city.set_run_level();

-- A class that is closed closes the runs made of it. A run never opens again: it may have read what is hidden now.
CREATE FUNCTION city.raise_run_levels() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE city.coverage_runs r SET level = (ARRAY['public', 'internal', 'restricted'])[greatest(
            array_position(ARRAY['public', 'internal', 'restricted'], r.level),
            array_position(ARRAY['public', 'internal', 'restricted'], city.run_level(r.inputs, r.policy_text)),
            CASE WHEN TG_OP = 'UPDATE' AND NEW.row_field IS NOT NULL AND (NEW.row_field IS DISTINCT FROM OLD.row_field
                OR NOT NEW.row_values <@ OLD.row_values) THEN 3 END)]
        WHERE r.inputs -> 'versions' ? NEW.class_id;
    RETURN NULL;
END $$;
CREATE TRIGGER run_levels AFTER INSERT OR UPDATE OF level, row_field, row_values, internal_fields, restricted_fields
    ON city.guards FOR EACH ROW EXECUTE FUNCTION city.raise_run_levels();
REVOKE ALL ON FUNCTION city.run_level(jsonb, text), city.set_run_level(), city.raise_run_levels() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION city.run_level(jsonb, text) TO chengtu_rw;

ALTER POLICY see_internal ON city.coverage_runs USING (level <> 'restricted');
ALTER POLICY see_public ON city.coverage_runs USING (level = 'public');

-- Whose long work, imports and keys of idempotency are: a person's or key's number, which names nobody else. -------------
CREATE FUNCTION city.scope_owner() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT nullif(current_setting('chengtu.owner', true), '')
$$;
COMMENT ON FUNCTION city.scope_owner() IS 'Who asks, as user:7 or key:5; null: nobody of these';
REVOKE ALL ON FUNCTION city.scope_owner() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION city.scope_owner() TO chengtu_ro, chengtu_rw, chengtu_engine,
    chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal,
    chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
ALTER TABLE city.jobs ADD COLUMN owner text DEFAULT city.scope_owner();
ALTER TABLE city.imports ADD COLUMN owner text DEFAULT city.scope_owner();
COMMENT ON COLUMN city.jobs.owner IS 'Whose it is: user:7 or key:5; null: the service''s; `who` is the name alone';
COMMENT ON COLUMN city.imports.owner IS 'Whose it is: user:7 or key:5; null: the service''s; `who` is the name alone';

-- What there is goes to who bears its name, where that is one person or key alone; else it is the service's.
-- slow: one row a job: tens of thousands at most
UPDATE city.jobs j SET owner = only_one.owner,
    idempotency_key = CASE
        WHEN kind = 'edit' AND starts_with(idempotency_key, who || E'\x1f')
            THEN only_one.owner || E'\x1f' || substr(idempotency_key, length(who) + 2)
        WHEN kind = 'import' AND starts_with(idempotency_key, who || ': ')
            THEN only_one.owner || E'\x1f' || substr(idempotency_key, length(who) + 3)
        ELSE idempotency_key END
    FROM (SELECT name, min(owner) AS owner FROM (
            SELECT name, 'user:' || id AS owner FROM city.people
            UNION ALL SELECT name, 'key:' || id FROM city.access_keys) named
        GROUP BY name HAVING count(*) = 1) only_one
    WHERE j.who = only_one.name AND (j.scope ->> 'who' = j.who OR j.kind = 'edit');
-- slow: one row an import: thousands at most
UPDATE city.imports i SET owner = j.owner FROM city.jobs j WHERE j.id = i.job AND j.owner IS NOT NULL;

-- The release before names no owner: until it is restarted, what it writes is by name, and seen by nobody afterwards.
DO $$
DECLARE
    own constant text := '(owner = (SELECT city.scope_owner())'
        ' OR (owner IS NULL AND (SELECT city.scope_owner()) IS NULL AND who = (SELECT city.scope_who())))';
BEGIN
    EXECUTE format('ALTER POLICY see ON city.jobs USING (%s OR kind IN (''areas'', ''search''))', own);
    EXECUTE format('ALTER POLICY add ON city.jobs WITH CHECK ((%s AND (scope IS NOT NULL OR state <> ''queued''))'
        ' OR kind IN (''areas'', ''search''))', own);
    EXECUTE format('ALTER POLICY change ON city.jobs USING (%s)', own);
    EXECUTE format('ALTER POLICY see ON city.imports USING (%s)', own);
    EXECUTE format('ALTER POLICY add ON city.imports WITH CHECK (%s)', own);
    EXECUTE format('ALTER POLICY change ON city.imports USING (%s)', own);
END $$;
