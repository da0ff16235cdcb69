-- A first load goes into a table beside the empty one, is indexed when it is whole, and takes its place: readers see the
-- empty class until the commit and wait only for that. Only the owner may do so; a writer asks for it by class.

CREATE FUNCTION city.load_begin(schema text, class_id text) RETURNS TABLE (loading text, last_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old regclass;
    held boolean;
BEGIN
    IF schema NOT IN ('city', 'local') THEN
        RAISE invalid_schema_name;
    END IF;
    old := format('%I.%I', schema, class_id)::regclass;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I) OR EXISTS (SELECT FROM %I.%I)',
        schema, class_id, schema, class_id || '_history') INTO held;
    -- What a copy of the table would not have, or what would keep the table from being replaced.
    IF held
        OR EXISTS (SELECT FROM pg_class WHERE oid = old AND (relrowsecurity OR relhasrules OR relhassubclass OR relispartition))
        OR EXISTS (SELECT FROM pg_policy WHERE polrelid = old)
        OR EXISTS (SELECT FROM pg_trigger WHERE tgrelid = old)
        OR EXISTS (SELECT FROM pg_constraint WHERE confrelid = old OR (conrelid = old AND contype NOT IN ('c', 'p', 'u')))
        OR EXISTS (SELECT FROM pg_attribute WHERE attrelid = old AND attacl IS NOT NULL)
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

-- The rights on one table as they are on another, and the same for the sequences of their ids.
CREATE FUNCTION city.load_grants(old regclass, new regclass) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    pair record;
    given record;
BEGIN
    FOR pair IN SELECT old AS source, new AS target, 'TABLE' AS kind UNION ALL
        SELECT pg_get_serial_sequence(old::text, 'id')::regclass, pg_get_serial_sequence(new::text, 'id')::regclass, 'SEQUENCE'
    LOOP
        FOR given IN SELECT DISTINCT a.grantee FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid = pair.target AND a.grantee <> c.relowner
        LOOP
            EXECUTE format('REVOKE ALL ON %s %s FROM %s', pair.kind, pair.target,
                CASE WHEN given.grantee = 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END);
        END LOOP;
        FOR given IN SELECT a.grantee, a.privilege_type, a.is_grantable FROM pg_class c, aclexplode(c.relacl) a
            WHERE c.oid = pair.source AND a.grantee <> c.relowner
        LOOP
            EXECUTE format('GRANT %s ON %s %s TO %s%s', given.privilege_type, pair.kind, pair.target,
                CASE WHEN given.grantee = 0 THEN 'PUBLIC' ELSE given.grantee::regrole::text END,
                CASE WHEN given.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
        END LOOP;
    END LOOP;
END $$;

-- The indexes of a class, by name: what a table that is loaded gets, in this order.
CREATE FUNCTION city.load_indexes(old regclass) RETURNS TABLE (place bigint, name name, definition text, key text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT row_number() OVER (ORDER BY i.relname), i.relname,
        substring(pg_get_indexdef(i.oid) FROM ' USING .*$'), pg_get_constraintdef(k.oid)
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.conrelid = old
    WHERE x.indrelid = old
$$;

CREATE FUNCTION city.load_index(schema text, class_id text, loading text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    item record;
BEGIN
    PERFORM city.load_check(schema, class_id, loading);
    FOR item IN SELECT * FROM city.load_indexes(format('%I.%I', schema, class_id)::regclass) ORDER BY place LOOP
        IF item.key IS NOT NULL THEN
            EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', schema, loading, loading || '_' || item.place, item.key);
        ELSE
            EXECUTE format('CREATE INDEX %I ON %I.%I%s', loading || '_' || item.place, schema, loading, item.definition);
        END IF;
    END LOOP;
    EXECUTE format('ANALYZE %I.%I (id, code, geom, area_path, min_zoom, change_id)', schema, loading);
END $$;

CREATE FUNCTION city.load_check(schema text, class_id text, loading text) RETURNS void
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- The table of this very transaction, and no other one.
    IF schema NOT IN ('city', 'local')
        OR loading IS DISTINCT FROM format('%s_load_%s', left(class_id, 30), pg_current_xact_id_if_assigned()) THEN
        RAISE invalid_parameter_value;
    END IF;
END $$;

-- False: the class is not empty any more, or readers held it for too long; nothing was done.
CREATE FUNCTION city.load_finish(schema text, class_id text, loading text, last_id bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '700ms' AS $$
DECLARE
    held boolean;
    item record;
    sequence text;
    comment text;
    names name[];
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
    RETURN true;
END $$;

REVOKE ALL ON FUNCTION city.load_begin(text, text), city.load_grants(regclass, regclass), city.load_indexes(regclass),
    city.load_index(text, text, text), city.load_check(text, text, text),
    city.load_finish(text, text, text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION city.load_begin(text, text), city.load_index(text, text, text),
    city.load_finish(text, text, text, bigint) TO chengtu_rw;
-- A load that did not take the class's place leaves no table behind.
CREATE FUNCTION city.load_drop(schema text, class_id text, loading text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM city.load_check(schema, class_id, loading);
    EXECUTE format('DROP TABLE %I.%I', schema, loading);
END $$;
REVOKE ALL ON FUNCTION city.load_drop(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION city.load_drop(text, text, text) TO chengtu_rw;

-- Every import is on record from its first moment on, in whatever state it ended; those recorded before are done. ------
ALTER TABLE city.imports
    ADD COLUMN state text NOT NULL DEFAULT 'done' CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
    ADD COLUMN who text,
    ADD COLUMN started_at timestamptz,
    ADD COLUMN finished_at timestamptz,
    ADD COLUMN error jsonb,
    ADD COLUMN job uuid;
COMMENT ON COLUMN city.imports.state IS 'running without its advisory lock is interrupted; only what is done gave rows';
UPDATE city.imports SET finished_at = at;
CREATE INDEX imports_running ON city.imports (id) WHERE state = 'running';

CREATE TABLE city.import_rejects (
    import_id uuid NOT NULL REFERENCES city.imports (id) ON DELETE CASCADE,
    name text NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (import_id, name)
);
COMMENT ON TABLE city.import_rejects IS 'Refused rows as a file to be mended and imported again';

ALTER TABLE city.jobs ADD COLUMN idempotency_key text;
CREATE UNIQUE INDEX jobs_idempotency_key ON city.jobs (kind, idempotency_key);
COMMENT ON COLUMN city.jobs.idempotency_key IS 'Given by who asked for the job: asking again gives the same job';

-- Loads that tell of other days write the history straight: its shapes are guarded as those of the current rows are. --
DO $$
DECLARE
    rule record;
BEGIN
    FOR rule IN SELECT n.nspname AS schema, c.relname AS class_id, right(k.conname, 8) AS checksum,
            pg_get_constraintdef(k.oid) AS definition
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('city', 'local') AND k.contype = 'c'
            AND k.conname ~ ('^ck_' || c.relname || '_geom_(filled|bounds|finite|type)_[0-9a-f]{8}$')
            AND to_regclass(format('%I.%I', n.nspname, c.relname || '_history')) IS NOT NULL
        ORDER BY 1, 2, k.conname
    LOOP
        EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', rule.schema, rule.class_id || '_history',
            'ck_' || rule.class_id || '_history_' || rule.checksum, rule.definition);
    END LOOP;
END $$;
