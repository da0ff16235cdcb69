-- Runs of policies that are counted rather than reached: their features that have or lack something.

ALTER TABLE city.coverage_gaps DROP CONSTRAINT coverage_gaps_mode_check;
ALTER TABLE city.coverage_gaps ADD CONSTRAINT coverage_gaps_mode_check CHECK (mode IN ('straight', 'walk', 'count'));
ALTER TABLE city.coverage_units DROP CONSTRAINT coverage_units_mode_check;
ALTER TABLE city.coverage_units ADD CONSTRAINT coverage_units_mode_check CHECK (mode IN ('straight', 'walk', 'count'));
ALTER TABLE city.coverage_units DROP CONSTRAINT coverage_units_kind_check;
ALTER TABLE city.coverage_units ADD CONSTRAINT coverage_units_kind_check CHECK (kind IN ('land', 'people', 'feature'));
COMMENT ON COLUMN city.coverage_units.served_share IS 'Share that is served; of a feature 1 where it has what is asked for, else 0';
