-- Made by `make revision` from the difference between the revision before and the catalogue.
ALTER TABLE city."districts"
    ADD COLUMN platform BOOLEAN;

COMMENT ON COLUMN city.districts.platform IS '智慧城管平台 / City-management platform';

ALTER TABLE city."districts_history"
    ADD COLUMN platform BOOLEAN;

COMMENT ON COLUMN city.districts_history.platform IS '智慧城管平台 / City-management platform';

ALTER TABLE city."streets"
    ADD COLUMN canopy_pct DOUBLE PRECISION,
    ADD CONSTRAINT "ck_streets_canopy_pct_a9917672" CHECK ("canopy_pct" >= 0 AND "canopy_pct" <= 100);

COMMENT ON COLUMN city.streets.canopy_pct IS '乔木覆盖率 / Tree canopy (%)';

ALTER TABLE city."streets_history"
    ADD COLUMN canopy_pct DOUBLE PRECISION;

COMMENT ON COLUMN city.streets_history.canopy_pct IS '乔木覆盖率 / Tree canopy (%)';

ALTER TABLE city."toilets"
    DROP CONSTRAINT "ck_toilets_kind_f964886e",
    ADD COLUMN counted BOOLEAN,
    ADD CONSTRAINT "ck_toilets_kind_93b725cd" CHECK ("kind" IN ('public', 'attached', 'mobile', 'social'));

COMMENT ON COLUMN city.toilets.counted IS '纳入公厕统计 / In the count of toilets';

ALTER TABLE city."toilets_history"
    ADD COLUMN counted BOOLEAN;

COMMENT ON COLUMN city.toilets_history.counted IS '纳入公厕统计 / In the count of toilets';

-- Policies that the city saves itself: each row is a version, the newest of an id is in force unless it is retired.
CREATE TABLE city.policy_editions (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    text text NOT NULL CHECK (octet_length(text) BETWEEN 1 AND 100000),
    retired boolean NOT NULL DEFAULT false,
    who text,
    why text,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (id, version)
);
COMMENT ON TABLE city.policy_editions IS 'Policies of the city''s own, version by version; a row is never changed';
COMMENT ON COLUMN city.policy_editions.retired IS 'Whether this version takes the policy out of use';
REVOKE UPDATE, DELETE ON city.policy_editions FROM chengtu_rw;
