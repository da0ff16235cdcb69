-- A city's own classes lie beside the built-in ones, open to the same roles; tables in `city` get own columns (x_…).
CREATE SCHEMA local;
GRANT USAGE ON SCHEMA local TO chengtu_ro, chengtu_rw, chengtu_engine;
ALTER DEFAULT PRIVILEGES IN SCHEMA local GRANT SELECT ON TABLES TO chengtu_ro, chengtu_rw, chengtu_engine;
ALTER DEFAULT PRIVILEGES IN SCHEMA local GRANT INSERT, UPDATE, DELETE ON TABLES TO chengtu_rw;
ALTER DEFAULT PRIVILEGES IN SCHEMA local GRANT USAGE ON SEQUENCES TO chengtu_rw;

CREATE TABLE city.local_ddl (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    file text NOT NULL,
    statements text NOT NULL
);
COMMENT ON TABLE city.local_ddl IS 'Statements run for the classes and fields that the city declared itself';
REVOKE INSERT, UPDATE, DELETE ON city.local_ddl FROM chengtu_rw;
