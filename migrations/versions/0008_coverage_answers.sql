-- What a run tells beside its shares: values of other units, facilities by area, the nearest facility by name, the
-- difference between straight line and walk, histograms and equity.

ALTER TABLE city.coverage_runs ADD COLUMN details jsonb;
COMMENT ON COLUMN city.coverage_runs.details IS 'Histograms of distance, equity and the difference between modes; null in runs made before these were kept';

ALTER TABLE city.coverage_areas
    ADD COLUMN facilities integer,
    ADD COLUMN value double precision,
    ADD COLUMN unit text,
    ADD COLUMN measure text,
    ADD COLUMN target_is text;
ALTER TABLE city.coverage_areas DROP CONSTRAINT coverage_areas_mode_check;
ALTER TABLE city.coverage_areas ADD CONSTRAINT coverage_areas_mode_check CHECK (mode IN ('straight', 'walk', 'count'));
COMMENT ON COLUMN city.coverage_areas.mode IS 'How it was measured; count where nothing is reached, only counted';
COMMENT ON COLUMN city.coverage_areas.value IS 'The figure that the target judges, in unit';

ALTER TABLE city.coverage_gaps ADD COLUMN nearest_name text;

CREATE TABLE city.coverage_differences (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run uuid NOT NULL REFERENCES city.coverage_runs (id) ON DELETE CASCADE,
    tier text NOT NULL,
    cause text NOT NULL,
    code text,
    name text,
    area_path text NOT NULL DEFAULT '',
    people double precision,
    area_m2 double precision,
    straight_m double precision,
    walk_m double precision,
    detour double precision,
    nearest_code text,
    nearest_name text,
    geom public.geometry(MultiPolygon, 4326)
);
COMMENT ON TABLE city.coverage_differences IS 'What a straight line serves and a walk does not, with the likely cause';
COMMENT ON COLUMN city.coverage_differences.walk_m IS 'Metres walked to the nearest facility; null where none can be reached';
COMMENT ON COLUMN city.coverage_differences.detour IS 'Metres walked for each metre of the straight line';
CREATE INDEX coverage_differences_run ON city.coverage_differences (run, id);
CREATE INDEX coverage_differences_geom ON city.coverage_differences USING gist (geom);
