-- What is asked of the whole city, whoever writes in a part of it. -------------------------------------------------------
-- The ground of the city and its areas by name: what lies on it does not depend on who asks.
CREATE FUNCTION city.whole_districts() RETURNS TABLE (code text, division_code text, name_zh text, name_en text,
        level text, shape public.geometry)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT code, division_code, name_zh, name_en, level, geom FROM city.districts
    WHERE level IN ('city', 'district', 'subdistrict') AND NOT incomplete
$$;

-- Those of some codes that a feature bears, on whatever day, seen or not: another one cannot bear them.
CREATE FUNCTION city.taken_codes(schema text, class_id text, codes text[]) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM city.guards g WHERE g.schema = taken_codes.schema AND g.class_id = taken_codes.class_id) THEN
        RAISE invalid_schema_name;
    END IF;
    RETURN QUERY EXECUTE format('SELECT code FROM %1$I.%2$I WHERE code = ANY ($1) '
        'UNION SELECT code FROM %1$I.%3$I WHERE code = ANY ($1) AND until_change IS NULL',
        schema, class_id, class_id || '_history') USING codes;
END $$;

-- Of the features that were written or withdrawn after a change (or by some changes), the number of their versions that
-- are believed now or were believed at a change: who sees fewer of them cannot bring the features back.
CREATE FUNCTION city.touched_versions(schema text, class_id text, after bigint, only_by bigint[], at_change bigint)
    RETURNS TABLE (feature bigint, versions bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM city.guards g
            WHERE g.schema = touched_versions.schema AND g.class_id = touched_versions.class_id) THEN
        RAISE invalid_schema_name;
    END IF;
    RETURN QUERY EXECUTE format('WITH touched AS ('
        'SELECT id FROM %1$I.%2$I WHERE change_id > $1 OR change_id = ANY ($2) UNION '
        'SELECT id FROM %1$I.%3$I WHERE change_id > $1 OR until_change > $1 '
        'OR change_id = ANY ($2) OR until_change = ANY ($2)) '
        'SELECT id, count(*) FROM (SELECT id FROM %1$I.%2$I WHERE id IN (SELECT id FROM touched) UNION ALL '
        'SELECT id FROM %1$I.%3$I WHERE id IN (SELECT id FROM touched) '
        'AND (until_change IS NULL OR (change_id <= $3 AND until_change > $3))) v GROUP BY id',
        schema, class_id, class_id || '_history') USING after, only_by, at_change;
END $$;

DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN
        SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'city'::regnamespace
            AND p.proname IN ('whole_districts', 'taken_codes', 'touched_versions')
        ORDER BY 1
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO chengtu_ro, chengtu_rw, '
            'chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted', one);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION city.whole_districts() TO chengtu_see_public, chengtu_see_internal, chengtu_see_restricted,
    chengtu_see_all_public, chengtu_see_all_internal;

-- What third parties found of features: scored as they saw them, seen with the feature, never changed. -------------------
CREATE TABLE city.assessments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class_id text NOT NULL,
    feature_id bigint NOT NULL,
    change_id bigint NOT NULL REFERENCES city.changes (id),
    area_path text NOT NULL,
    who text NOT NULL,
    party text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    score smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    verdict text NOT NULL CHECK (verdict IN ('ok', 'fault', 'missing', 'unclear')),
    note text CHECK (length(note) <= 2000),
    geom public.geometry(Point, 4326),
    accuracy_m double precision CHECK (accuracy_m >= 0)
);
COMMENT ON TABLE city.assessments IS 'Scores of features by third parties, who read and never edit';
COMMENT ON COLUMN city.assessments.change_id IS 'The version of the feature that was assessed';
COMMENT ON COLUMN city.assessments.area_path IS 'Where the feature was at home then';
COMMENT ON COLUMN city.assessments.geom IS 'Where the assessor stood';
CREATE INDEX assessments_feature ON city.assessments (class_id, feature_id, id);
REVOKE ALL ON city.assessments FROM chengtu_engine;
REVOKE UPDATE, DELETE ON city.assessments FROM chengtu_rw;
ALTER TABLE city.assessments ENABLE ROW LEVEL SECURITY;
ALTER TABLE city.assessments FORCE ROW LEVEL SECURITY;
CREATE POLICY whole ON city.assessments TO chengtu_owner, chengtu_rw USING (true) WITH CHECK (true);
CREATE POLICY read ON city.assessments FOR SELECT TO chengtu_ro USING (true);
GRANT SELECT ON city.assessments TO chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_internal;
GRANT SELECT, INSERT ON city.assessments TO chengtu_edit_internal, chengtu_edit_restricted;
CREATE POLICY see ON city.assessments FOR SELECT TO chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_internal,
    chengtu_edit_internal, chengtu_edit_restricted USING (city.sees(class_id, feature_id));
-- In one's own name, of what one sees.
CREATE POLICY add ON city.assessments FOR INSERT TO chengtu_edit_internal, chengtu_edit_restricted
    WITH CHECK (who = (SELECT city.scope_who()) AND city.sees(class_id, feature_id));
