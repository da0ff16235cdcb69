ALTER TABLE city.imports ADD COLUMN undone_by bigint REFERENCES city.changes (id) DEFERRABLE INITIALLY DEFERRED;
COMMENT ON COLUMN city.imports.undone_by IS 'Change that took the import back';

DROP FUNCTION IF EXISTS city.analyze_class(text);

CREATE OR REPLACE FUNCTION city.analyze_class(schema text, class_id text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF schema NOT IN ('city', 'local') THEN
        RAISE invalid_schema_name;
    END IF;
    EXECUTE format('ANALYZE %I.%I (id, code, geom, area_path, min_zoom, change_id)', schema, class_id);
    EXECUTE format('ANALYZE %I.%I (id, code, geom, valid, change_id, until_change)', schema, class_id || '_history');
END $$;

REVOKE ALL ON FUNCTION city.analyze_class(text, text) FROM PUBLIC;

GRANT EXECUTE ON FUNCTION city.analyze_class(text, text) TO chengtu_rw;

ALTER TABLE city.bridges_history DROP CONSTRAINT pk_bridges_history;
ALTER TABLE city.bridges_history ADD CONSTRAINT pk_bridges_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_bridges_history_geom;
CREATE INDEX ix_bridges_history_geom ON city.bridges_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_bridges_history_id ON city.bridges_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_bridges_history_until_change;
CREATE INDEX ix_bridges_history_until_change ON city.bridges_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_bridges_valid ON city.bridges USING gist (valid);
CREATE INDEX ix_bridges_history_valid ON city.bridges_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_bridges_history_geom_z12 ON city.bridges_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_bridges_history_change_id ON city.bridges_history (change_id);

ALTER TABLE city.buildings_history DROP CONSTRAINT pk_buildings_history;
ALTER TABLE city.buildings_history ADD CONSTRAINT pk_buildings_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_buildings_history_geom;
CREATE INDEX ix_buildings_history_geom ON city.buildings_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_buildings_history_id ON city.buildings_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_buildings_history_until_change;
CREATE INDEX ix_buildings_history_until_change ON city.buildings_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_buildings_valid ON city.buildings USING gist (valid);
CREATE INDEX ix_buildings_history_valid ON city.buildings_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_buildings_history_geom_z12 ON city.buildings_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_buildings_history_change_id ON city.buildings_history (change_id);

ALTER TABLE city.built_up_areas_history DROP CONSTRAINT pk_built_up_areas_history;
ALTER TABLE city.built_up_areas_history ADD CONSTRAINT pk_built_up_areas_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_built_up_areas_history_geom;
CREATE INDEX ix_built_up_areas_history_geom ON city.built_up_areas_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_built_up_areas_history_id ON city.built_up_areas_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_built_up_areas_history_until_change;
CREATE INDEX ix_built_up_areas_history_until_change ON city.built_up_areas_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_built_up_areas_valid ON city.built_up_areas USING gist (valid);
CREATE INDEX ix_built_up_areas_history_valid ON city.built_up_areas_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_built_up_areas_history_geom_z12 ON city.built_up_areas_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_built_up_areas_history_change_id ON city.built_up_areas_history (change_id);

ALTER TABLE city.districts_history DROP CONSTRAINT pk_districts_history;
ALTER TABLE city.districts_history ADD CONSTRAINT pk_districts_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_districts_history_geom;
CREATE INDEX ix_districts_history_geom ON city.districts_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_districts_history_id ON city.districts_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_districts_history_until_change;
CREATE INDEX ix_districts_history_until_change ON city.districts_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_districts_valid ON city.districts USING gist (valid);
CREATE INDEX ix_districts_history_valid ON city.districts_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_districts_history_geom_z12 ON city.districts_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_districts_history_change_id ON city.districts_history (change_id);

ALTER TABLE city.green_spaces_history DROP CONSTRAINT pk_green_spaces_history;
ALTER TABLE city.green_spaces_history ADD CONSTRAINT pk_green_spaces_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_green_spaces_history_geom;
CREATE INDEX ix_green_spaces_history_geom ON city.green_spaces_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_green_spaces_history_id ON city.green_spaces_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_green_spaces_history_until_change;
CREATE INDEX ix_green_spaces_history_until_change ON city.green_spaces_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_green_spaces_valid ON city.green_spaces USING gist (valid);
CREATE INDEX ix_green_spaces_history_valid ON city.green_spaces_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_green_spaces_history_geom_z12 ON city.green_spaces_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_green_spaces_history_change_id ON city.green_spaces_history (change_id);

ALTER TABLE city.greenways_history DROP CONSTRAINT pk_greenways_history;
ALTER TABLE city.greenways_history ADD CONSTRAINT pk_greenways_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_greenways_history_geom;
CREATE INDEX ix_greenways_history_geom ON city.greenways_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_greenways_history_id ON city.greenways_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_greenways_history_until_change;
CREATE INDEX ix_greenways_history_until_change ON city.greenways_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_greenways_valid ON city.greenways USING gist (valid);
CREATE INDEX ix_greenways_history_valid ON city.greenways_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_greenways_history_geom_z12 ON city.greenways_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_greenways_history_change_id ON city.greenways_history (change_id);

ALTER TABLE city.grid_cells_history DROP CONSTRAINT pk_grid_cells_history;
ALTER TABLE city.grid_cells_history ADD CONSTRAINT pk_grid_cells_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_grid_cells_history_geom;
CREATE INDEX ix_grid_cells_history_geom ON city.grid_cells_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_grid_cells_history_id ON city.grid_cells_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_grid_cells_history_until_change;
CREATE INDEX ix_grid_cells_history_until_change ON city.grid_cells_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_grid_cells_valid ON city.grid_cells USING gist (valid);
CREATE INDEX ix_grid_cells_history_valid ON city.grid_cells_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_grid_cells_history_geom_z12 ON city.grid_cells_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_grid_cells_history_change_id ON city.grid_cells_history (change_id);

ALTER TABLE city.manholes_history DROP CONSTRAINT pk_manholes_history;
ALTER TABLE city.manholes_history ADD CONSTRAINT pk_manholes_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_manholes_history_geom;
CREATE INDEX ix_manholes_history_geom ON city.manholes_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_manholes_history_id ON city.manholes_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_manholes_history_until_change;
CREATE INDEX ix_manholes_history_until_change ON city.manholes_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_manholes_valid ON city.manholes USING gist (valid);
CREATE INDEX ix_manholes_history_valid ON city.manholes_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_manholes_history_geom_z12 ON city.manholes_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_manholes_history_change_id ON city.manholes_history (change_id);

ALTER TABLE city.markets_history DROP CONSTRAINT pk_markets_history;
ALTER TABLE city.markets_history ADD CONSTRAINT pk_markets_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_markets_history_geom;
CREATE INDEX ix_markets_history_geom ON city.markets_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_markets_history_id ON city.markets_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_markets_history_until_change;
CREATE INDEX ix_markets_history_until_change ON city.markets_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_markets_valid ON city.markets USING gist (valid);
CREATE INDEX ix_markets_history_valid ON city.markets_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_markets_history_geom_z12 ON city.markets_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_markets_history_change_id ON city.markets_history (change_id);

ALTER TABLE city.park_gates_history DROP CONSTRAINT pk_park_gates_history;
ALTER TABLE city.park_gates_history ADD CONSTRAINT pk_park_gates_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_park_gates_history_geom;
CREATE INDEX ix_park_gates_history_geom ON city.park_gates_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_park_gates_history_id ON city.park_gates_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_park_gates_history_until_change;
CREATE INDEX ix_park_gates_history_until_change ON city.park_gates_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_park_gates_valid ON city.park_gates USING gist (valid);
CREATE INDEX ix_park_gates_history_valid ON city.park_gates_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_park_gates_history_geom_z12 ON city.park_gates_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_park_gates_history_change_id ON city.park_gates_history (change_id);

ALTER TABLE city.parking_lots_history DROP CONSTRAINT pk_parking_lots_history;
ALTER TABLE city.parking_lots_history ADD CONSTRAINT pk_parking_lots_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_parking_lots_history_geom;
CREATE INDEX ix_parking_lots_history_geom ON city.parking_lots_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_parking_lots_history_id ON city.parking_lots_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_parking_lots_history_until_change;
CREATE INDEX ix_parking_lots_history_until_change ON city.parking_lots_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_parking_lots_valid ON city.parking_lots USING gist (valid);
CREATE INDEX ix_parking_lots_history_valid ON city.parking_lots_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_parking_lots_history_geom_z12 ON city.parking_lots_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_parking_lots_history_change_id ON city.parking_lots_history (change_id);

ALTER TABLE city.parks_history DROP CONSTRAINT pk_parks_history;
ALTER TABLE city.parks_history ADD CONSTRAINT pk_parks_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_parks_history_geom;
CREATE INDEX ix_parks_history_geom ON city.parks_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_parks_history_id ON city.parks_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_parks_history_until_change;
CREATE INDEX ix_parks_history_until_change ON city.parks_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_parks_valid ON city.parks USING gist (valid);
CREATE INDEX ix_parks_history_valid ON city.parks_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_parks_history_geom_z12 ON city.parks_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_parks_history_change_id ON city.parks_history (change_id);

ALTER TABLE city.pipe_nodes_history DROP CONSTRAINT pk_pipe_nodes_history;
ALTER TABLE city.pipe_nodes_history ADD CONSTRAINT pk_pipe_nodes_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_pipe_nodes_history_geom;
CREATE INDEX ix_pipe_nodes_history_geom ON city.pipe_nodes_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_pipe_nodes_history_id ON city.pipe_nodes_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_pipe_nodes_history_until_change;
CREATE INDEX ix_pipe_nodes_history_until_change ON city.pipe_nodes_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_pipe_nodes_valid ON city.pipe_nodes USING gist (valid);
CREATE INDEX ix_pipe_nodes_history_valid ON city.pipe_nodes_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_pipe_nodes_history_geom_z12 ON city.pipe_nodes_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_pipe_nodes_history_change_id ON city.pipe_nodes_history (change_id);

ALTER TABLE city.pipes_history DROP CONSTRAINT pk_pipes_history;
ALTER TABLE city.pipes_history ADD CONSTRAINT pk_pipes_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_pipes_history_geom;
CREATE INDEX ix_pipes_history_geom ON city.pipes_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_pipes_history_id ON city.pipes_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_pipes_history_until_change;
CREATE INDEX ix_pipes_history_until_change ON city.pipes_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_pipes_valid ON city.pipes USING gist (valid);
CREATE INDEX ix_pipes_history_valid ON city.pipes_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_pipes_history_geom_z12 ON city.pipes_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_pipes_history_change_id ON city.pipes_history (change_id);

ALTER TABLE city.population_cells_history DROP CONSTRAINT pk_population_cells_history;
ALTER TABLE city.population_cells_history ADD CONSTRAINT pk_population_cells_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_population_cells_history_geom;
CREATE INDEX ix_population_cells_history_geom ON city.population_cells_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_population_cells_history_id ON city.population_cells_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_population_cells_history_until_change;
CREATE INDEX ix_population_cells_history_until_change ON city.population_cells_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_population_cells_valid ON city.population_cells USING gist (valid);
CREATE INDEX ix_population_cells_history_valid ON city.population_cells_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_population_cells_history_geom_z12 ON city.population_cells_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_population_cells_history_change_id ON city.population_cells_history (change_id);

ALTER TABLE city.residential_areas_history DROP CONSTRAINT pk_residential_areas_history;
ALTER TABLE city.residential_areas_history ADD CONSTRAINT pk_residential_areas_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_residential_areas_history_geom;
CREATE INDEX ix_residential_areas_history_geom ON city.residential_areas_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_residential_areas_history_id ON city.residential_areas_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_residential_areas_history_until_change;
CREATE INDEX ix_residential_areas_history_until_change ON city.residential_areas_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_residential_areas_valid ON city.residential_areas USING gist (valid);
CREATE INDEX ix_residential_areas_history_valid ON city.residential_areas_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_residential_areas_history_geom_z12 ON city.residential_areas_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_residential_areas_history_change_id ON city.residential_areas_history (change_id);

ALTER TABLE city.residential_gates_history DROP CONSTRAINT pk_residential_gates_history;
ALTER TABLE city.residential_gates_history ADD CONSTRAINT pk_residential_gates_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_residential_gates_history_geom;
CREATE INDEX ix_residential_gates_history_geom ON city.residential_gates_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_residential_gates_history_id ON city.residential_gates_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_residential_gates_history_until_change;
CREATE INDEX ix_residential_gates_history_until_change ON city.residential_gates_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_residential_gates_valid ON city.residential_gates USING gist (valid);
CREATE INDEX ix_residential_gates_history_valid ON city.residential_gates_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_residential_gates_history_geom_z12 ON city.residential_gates_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_residential_gates_history_change_id ON city.residential_gates_history (change_id);

ALTER TABLE city.street_lights_history DROP CONSTRAINT pk_street_lights_history;
ALTER TABLE city.street_lights_history ADD CONSTRAINT pk_street_lights_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_street_lights_history_geom;
CREATE INDEX ix_street_lights_history_geom ON city.street_lights_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_street_lights_history_id ON city.street_lights_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_street_lights_history_until_change;
CREATE INDEX ix_street_lights_history_until_change ON city.street_lights_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_street_lights_valid ON city.street_lights USING gist (valid);
CREATE INDEX ix_street_lights_history_valid ON city.street_lights_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_street_lights_history_geom_z12 ON city.street_lights_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_street_lights_history_change_id ON city.street_lights_history (change_id);

ALTER TABLE city.street_trees_history DROP CONSTRAINT pk_street_trees_history;
ALTER TABLE city.street_trees_history ADD CONSTRAINT pk_street_trees_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_street_trees_history_geom;
CREATE INDEX ix_street_trees_history_geom ON city.street_trees_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_street_trees_history_id ON city.street_trees_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_street_trees_history_until_change;
CREATE INDEX ix_street_trees_history_until_change ON city.street_trees_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_street_trees_valid ON city.street_trees USING gist (valid);
CREATE INDEX ix_street_trees_history_valid ON city.street_trees_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_street_trees_history_geom_z12 ON city.street_trees_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_street_trees_history_change_id ON city.street_trees_history (change_id);

ALTER TABLE city.streets_history DROP CONSTRAINT pk_streets_history;
ALTER TABLE city.streets_history ADD CONSTRAINT pk_streets_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_streets_history_geom;
CREATE INDEX ix_streets_history_geom ON city.streets_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_streets_history_id ON city.streets_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_streets_history_until_change;
CREATE INDEX ix_streets_history_until_change ON city.streets_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_streets_valid ON city.streets USING gist (valid);
CREATE INDEX ix_streets_history_valid ON city.streets_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_streets_history_geom_z12 ON city.streets_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_streets_history_change_id ON city.streets_history (change_id);

ALTER TABLE city.toilets_history DROP CONSTRAINT pk_toilets_history;
ALTER TABLE city.toilets_history ADD CONSTRAINT pk_toilets_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_toilets_history_geom;
CREATE INDEX ix_toilets_history_geom ON city.toilets_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_toilets_history_id ON city.toilets_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_toilets_history_until_change;
CREATE INDEX ix_toilets_history_until_change ON city.toilets_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_toilets_valid ON city.toilets USING gist (valid);
CREATE INDEX ix_toilets_history_valid ON city.toilets_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_toilets_history_geom_z12 ON city.toilets_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_toilets_history_change_id ON city.toilets_history (change_id);

ALTER TABLE city.tunnels_history DROP CONSTRAINT pk_tunnels_history;
ALTER TABLE city.tunnels_history ADD CONSTRAINT pk_tunnels_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_tunnels_history_geom;
CREATE INDEX ix_tunnels_history_geom ON city.tunnels_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_tunnels_history_id ON city.tunnels_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_tunnels_history_until_change;
CREATE INDEX ix_tunnels_history_until_change ON city.tunnels_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_tunnels_valid ON city.tunnels USING gist (valid);
CREATE INDEX ix_tunnels_history_valid ON city.tunnels_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_tunnels_history_geom_z12 ON city.tunnels_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_tunnels_history_change_id ON city.tunnels_history (change_id);

ALTER TABLE city.water_bodies_history DROP CONSTRAINT pk_water_bodies_history;
ALTER TABLE city.water_bodies_history ADD CONSTRAINT pk_water_bodies_history PRIMARY KEY (id, change_id, valid);
DROP INDEX city.ix_water_bodies_history_geom;
CREATE INDEX ix_water_bodies_history_geom ON city.water_bodies_history USING gist (geom, valid) WHERE until_change IS NULL;
CREATE INDEX ix_water_bodies_history_id ON city.water_bodies_history (id) WHERE until_change IS NULL;
DROP INDEX city.ix_water_bodies_history_until_change;
CREATE INDEX ix_water_bodies_history_until_change ON city.water_bodies_history (until_change) WHERE until_change IS NOT NULL;
CREATE INDEX ix_water_bodies_valid ON city.water_bodies USING gist (valid);
CREATE INDEX ix_water_bodies_history_valid ON city.water_bodies_history USING gist (valid) WHERE until_change IS NULL;
CREATE INDEX ix_water_bodies_history_geom_z12 ON city.water_bodies_history USING gist (geom, valid)
    WHERE until_change IS NULL AND min_zoom <= 12;
CREATE INDEX ix_water_bodies_history_change_id ON city.water_bodies_history (change_id);
