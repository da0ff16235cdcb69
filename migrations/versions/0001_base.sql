-- What only the administrator may do. ---------------------------------------------------------------------------------
RESET ROLE;
CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;

-- Nobody leaves objects where a function call could pick them up.
DO $$
BEGIN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'CREATE on schema public could not be revoked: ask the administrator';
END
$$;

-- Row-level security keeps the spatial index only when the operator behind && is known not to leak.
DO $$
BEGIN
    ALTER FUNCTION public.geometry_overlaps(public.geometry, public.geometry) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN NULL;  -- `chengtu check` prints the statement
END
$$;

-- Functions that read files, run SQL given as text, wait, signal others or keep large objects: nothing of ours calls
-- them, so that an injected call cannot either. Superusers keep them (pg_dump uses some).
DO $$
DECLARE
    one regprocedure;
BEGIN
    FOR one IN
        SELECT p.oid::regprocedure
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('pg_catalog', 'public')
          AND p.prokind IN ('f', 'w')
          AND (p.proname ~ '^(pg_read_|pg_ls_|pg_stat_file|pg_sleep|pg_terminate_backend|pg_cancel_backend|pg_reload_conf)'
               OR p.proname ~ '^(pg_rotate_logfile|pg_logfile_rotate|pg_export_snapshot|pg_log_backend_memory_contexts)'
               OR p.proname ~ '^(pg_create_|pg_drop_|pg_logical_|pg_replication_|pg_promote|pg_switch_wal)'
               OR p.proname ~ '^(lo_|loread$|lowrite$|dblink)'
               OR p.proname ~ '^(query|table|schema|database|cursor)_to_xml'
               OR p.proname ~ '^(pg_advisory_|pg_try_advisory_)'
               OR p.proname IN ('ts_stat', 'ts_rewrite', 'st_estimatedextent', 'st_findextent'))
        ORDER BY 1
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
    END LOOP;
    -- Writers take turns by class; migrations take turns.
    GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_xact_lock(bigint) TO chengtu_rw, chengtu_owner;
    GRANT EXECUTE ON FUNCTION pg_catalog.pg_advisory_xact_lock(integer, integer) TO chengtu_rw, chengtu_owner;
EXCEPTION WHEN insufficient_privilege THEN NULL;  -- a managed server guards its own functions
END
$$;

-- The rest belongs to the owner. --------------------------------------------------------------------------------------
SET LOCAL ROLE chengtu_owner;

GRANT USAGE ON SCHEMA city TO chengtu_ro, chengtu_rw, chengtu_engine;
GRANT SELECT ON city.alembic_version TO chengtu_ro, chengtu_rw, chengtu_engine;
ALTER DEFAULT PRIVILEGES IN SCHEMA city GRANT SELECT ON TABLES TO chengtu_ro, chengtu_rw, chengtu_engine;
ALTER DEFAULT PRIVILEGES IN SCHEMA city GRANT INSERT, UPDATE, DELETE ON TABLES TO chengtu_rw;
ALTER DEFAULT PRIVILEGES IN SCHEMA city GRANT USAGE ON SEQUENCES TO chengtu_rw;

CREATE TABLE city.settings (
    key text PRIMARY KEY,
    value text NOT NULL
);
COMMENT ON TABLE city.settings IS 'What is fixed for this city: metric_crs, sample, …';

CREATE TABLE city.changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL,
    why text NOT NULL,
    import_id uuid,
    classes text[] NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE city.changes IS 'One row a write; its id is the change number that every row version bears';
CREATE INDEX changes_import_id ON city.changes (import_id) WHERE import_id IS NOT NULL;

CREATE TABLE city.imports (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    path text NOT NULL,
    format text NOT NULL,
    sha256 text,
    crs text,
    encoding text,
    source text,
    licence text,
    attribution text,
    classes text[] NOT NULL DEFAULT '{}',
    extent public.geometry(Polygon, 4326),
    report jsonb,
    change_id bigint REFERENCES city.changes (id) DEFERRABLE INITIALLY DEFERRED,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN city.imports.extent IS 'Frame of the data that the file declares, if it declares one';
CREATE INDEX imports_at ON city.imports (at DESC, id);
CREATE INDEX imports_sha256 ON city.imports (sha256);
CREATE INDEX imports_extent ON city.imports USING gist (extent);

CREATE TABLE city.jobs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    kind text NOT NULL,
    request jsonb NOT NULL DEFAULT '{}',
    who text NOT NULL,
    state text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    progress double precision CHECK (progress BETWEEN 0 AND 1),
    message text,
    result jsonb,
    error jsonb,
    cancel boolean NOT NULL DEFAULT false,
    attempts smallint NOT NULL DEFAULT 0,
    worker uuid,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    heartbeat_at timestamptz,
    finished_at timestamptz,
    CHECK ((state = 'running') = (worker IS NOT NULL))
);
COMMENT ON COLUMN city.jobs.worker IS 'The one run that holds the job: only it may finish it';
CREATE INDEX jobs_queued ON city.jobs (created_at, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON city.jobs (heartbeat_at) WHERE state = 'running';
CREATE INDEX jobs_created_at ON city.jobs (created_at DESC, id);

CREATE TABLE city.coverage_runs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    policy_id text NOT NULL,
    policy_version text NOT NULL,
    policy_text text NOT NULL,
    modes text[] NOT NULL,
    area text,
    name text,
    inputs jsonb NOT NULL,
    results jsonb NOT NULL,
    areas jsonb NOT NULL,
    saved boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX coverage_runs_policy ON city.coverage_runs (policy_id, created_at DESC);
CREATE INDEX coverage_runs_created_at ON city.coverage_runs (created_at DESC, id);

CREATE TABLE city.coverage_areas (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run uuid NOT NULL REFERENCES city.coverage_runs (id) ON DELETE CASCADE,
    mode text NOT NULL CHECK (mode IN ('straight', 'walk')),
    tier text NOT NULL,
    level text NOT NULL,
    code text NOT NULL,
    name text,
    name_zh text,
    name_en text,
    share_of_land double precision,
    share_of_people double precision,
    people double precision,
    people_served double precision,
    people_outside_data double precision,
    land_m2 double precision,
    land_served_m2 double precision,
    target double precision,
    met boolean,
    reason text,
    geom public.geometry(MultiPolygon, 4326)
);
COMMENT ON COLUMN city.coverage_areas.reason IS 'Why a figure is null';
CREATE INDEX coverage_areas_run ON city.coverage_areas (run, id);
CREATE INDEX coverage_areas_geom ON city.coverage_areas USING gist (geom);

CREATE TABLE city.coverage_gaps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run uuid NOT NULL REFERENCES city.coverage_runs (id) ON DELETE CASCADE,
    mode text NOT NULL CHECK (mode IN ('straight', 'walk')),
    tier text NOT NULL,
    code text,
    name text,
    area_path text NOT NULL DEFAULT '',
    people double precision,
    area_m2 double precision,
    nearest_m double precision,
    nearest_code text,
    geom public.geometry(MultiPolygon, 4326)
);
COMMENT ON COLUMN city.coverage_gaps.nearest_m IS 'Metres to the nearest facility; null where none can be reached';
CREATE INDEX coverage_gaps_run ON city.coverage_gaps (run, id);
CREATE INDEX coverage_gaps_geom ON city.coverage_gaps USING gist (geom);

CREATE TABLE city.coverage_units (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run uuid NOT NULL REFERENCES city.coverage_runs (id) ON DELETE CASCADE,
    mode text NOT NULL CHECK (mode IN ('straight', 'walk')),
    tier text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('land', 'people')),
    code text,
    name text,
    area_path text NOT NULL DEFAULT '',
    people double precision,
    area_m2 double precision,
    served_share double precision,
    distance_m double precision,
    minutes double precision,
    geom public.geometry(Geometry, 4326)
);
COMMENT ON COLUMN city.coverage_units.distance_m IS 'Metres to the nearest facility; null where none can be reached';
CREATE INDEX coverage_units_run ON city.coverage_units (run, id);
CREATE INDEX coverage_units_geom ON city.coverage_units USING gist (geom);
