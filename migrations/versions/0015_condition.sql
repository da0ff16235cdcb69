-- Made by `make revision` from the difference between the revision before and the catalogue.
ALTER TABLE city."alleys"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_alleys_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.alleys.condition IS '完好状况 / Condition';

ALTER TABLE city."alleys_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.alleys_history.condition IS '完好状况 / Condition';

ALTER TABLE city."barriers"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_barriers_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.barriers.condition IS '完好状况 / Condition';

ALTER TABLE city."barriers_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.barriers_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.bike_bays.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.bike_bays_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.bridges.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.bridges_history.condition IS '完好状况 / Condition';

ALTER TABLE city."buildings"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_buildings_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.buildings.condition IS '完好状况 / Condition';

ALTER TABLE city."buildings_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.buildings_history.condition IS '完好状况 / Condition';

ALTER TABLE city."built_up_areas"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_built_up_areas_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.built_up_areas.condition IS '完好状况 / Condition';

ALTER TABLE city."built_up_areas_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.built_up_areas_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.bus_shelters.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.bus_shelters_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.construction_sites.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.construction_sites_history.condition IS '完好状况 / Condition';

ALTER TABLE city."districts"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_districts_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.districts.condition IS '完好状况 / Condition';

ALTER TABLE city."districts_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.districts_history.condition IS '完好状况 / Condition';

ALTER TABLE city."estate_programmes"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_estate_programmes_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.estate_programmes.condition IS '完好状况 / Condition';

ALTER TABLE city."estate_programmes_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.estate_programmes_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.filling_stations.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.filling_stations_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.flower_beds.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.flower_beds_history.condition IS '完好状况 / Condition';

ALTER TABLE city."gas_devices"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_gas_devices_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.gas_devices.condition IS '完好状况 / Condition';

ALTER TABLE city."gas_devices_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.gas_devices_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.green_facilities.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.green_facilities_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.green_spaces.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.green_spaces_history.condition IS '完好状况 / Condition';

ALTER TABLE city."greenway_nodes"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_greenway_nodes_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.greenway_nodes.condition IS '完好状况 / Condition';

ALTER TABLE city."greenway_nodes_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.greenway_nodes_history.condition IS '完好状况 / Condition';

ALTER TABLE city."greenways"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_greenways_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.greenways.condition IS '完好状况 / Condition';

ALTER TABLE city."greenways_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.greenways_history.condition IS '完好状况 / Condition';

ALTER TABLE city."grid_cells"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_grid_cells_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.grid_cells.condition IS '完好状况 / Condition';

ALTER TABLE city."grid_cells_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.grid_cells_history.condition IS '完好状况 / Condition';

ALTER TABLE city."historic_districts"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_historic_districts_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.historic_districts.condition IS '完好状况 / Condition';

ALTER TABLE city."historic_districts_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.historic_districts_history.condition IS '完好状况 / Condition';

ALTER TABLE city."hoardings"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_hoardings_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.hoardings.condition IS '完好状况 / Condition';

ALTER TABLE city."hoardings_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.hoardings_history.condition IS '完好状况 / Condition';

ALTER TABLE city."illegal_constructions"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_illegal_constructions_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.illegal_constructions.condition IS '完好状况 / Condition';

ALTER TABLE city."illegal_constructions_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.illegal_constructions_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.manholes.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.manholes_history.condition IS '完好状况 / Condition';

ALTER TABLE city."markets"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_markets_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.markets.condition IS '完好状况 / Condition';

ALTER TABLE city."markets_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.markets_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.monitoring_points.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.monitoring_points_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.monuments.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.monuments_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.outdoor_advertisements.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.outdoor_advertisements_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.overhead_lines.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.overhead_lines_history.condition IS '完好状况 / Condition';

ALTER TABLE city."park_gates"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_park_gates_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.park_gates.condition IS '完好状况 / Condition';

ALTER TABLE city."park_gates_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.park_gates_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.parking_lots.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.parking_lots_history.condition IS '完好状况 / Condition';

ALTER TABLE city."parks"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_parks_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.parks.condition IS '完好状况 / Condition';

ALTER TABLE city."parks_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.parks_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.pipe_nodes.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.pipe_nodes_history.condition IS '完好状况 / Condition';

ALTER TABLE city."pipes"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_pipes_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.pipes.condition IS '完好状况 / Condition';

ALTER TABLE city."pipes_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.pipes_history.condition IS '完好状况 / Condition';

ALTER TABLE city."planting_sections"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_planting_sections_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.planting_sections.condition IS '完好状况 / Condition';

ALTER TABLE city."planting_sections_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.planting_sections_history.condition IS '完好状况 / Condition';

ALTER TABLE city."population_cells"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_population_cells_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.population_cells.condition IS '完好状况 / Condition';

ALTER TABLE city."population_cells_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.population_cells_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.public_properties.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.public_properties_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.public_signs.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.public_signs_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.pumping_stations.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.pumping_stations_history.condition IS '完好状况 / Condition';

ALTER TABLE city."residential_areas"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_residential_areas_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.residential_areas.condition IS '完好状况 / Condition';

ALTER TABLE city."residential_areas_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.residential_areas_history.condition IS '完好状况 / Condition';

ALTER TABLE city."residential_gates"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_residential_gates_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.residential_gates.condition IS '完好状况 / Condition';

ALTER TABLE city."residential_gates_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.residential_gates_history.condition IS '完好状况 / Condition';

ALTER TABLE city."responsibility_areas"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_responsibility_areas_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.responsibility_areas.condition IS '完好状况 / Condition';

ALTER TABLE city."responsibility_areas_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.responsibility_areas_history.condition IS '完好状况 / Condition';

ALTER TABLE city."road_cavities"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_road_cavities_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.road_cavities.condition IS '完好状况 / Condition';

ALTER TABLE city."road_cavities_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.road_cavities_history.condition IS '完好状况 / Condition';

ALTER TABLE city."road_works"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_road_works_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.road_works.condition IS '完好状况 / Condition';

ALTER TABLE city."road_works_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.road_works_history.condition IS '完好状况 / Condition';

ALTER TABLE city."sewage_plants"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_sewage_plants_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.sewage_plants.condition IS '完好状况 / Condition';

ALTER TABLE city."sewage_plants_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.sewage_plants_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.shop_signs.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.shop_signs_history.condition IS '完好状况 / Condition';

ALTER TABLE city."sorting_centres"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_sorting_centres_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.sorting_centres.condition IS '完好状况 / Condition';

ALTER TABLE city."sorting_centres_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.sorting_centres_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.street_furniture.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.street_furniture_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.street_lights.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.street_lights_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.street_trees.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.street_trees_history.condition IS '完好状况 / Condition';

ALTER TABLE city."streets"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_streets_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.streets.condition IS '完好状况 / Condition';

ALTER TABLE city."streets_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.streets_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.toilets.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.toilets_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.traffic_facilities.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.traffic_facilities_history.condition IS '完好状况 / Condition';

ALTER TABLE city."transfer_stations"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_transfer_stations_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.transfer_stations.condition IS '完好状况 / Condition';

ALTER TABLE city."transfer_stations_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.transfer_stations_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.tunnels.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.tunnels_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.utility_boxes.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.utility_boxes_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.utility_poles.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.utility_poles_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.waste_bins.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.waste_bins_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.waste_kiosks.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.waste_kiosks_history.condition IS '完好状况 / Condition';

ALTER TABLE city."waste_plants"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_waste_plants_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.waste_plants.condition IS '完好状况 / Condition';

ALTER TABLE city."waste_plants_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.waste_plants_history.condition IS '完好状况 / Condition';

ALTER TABLE city."water_bodies"
    ADD COLUMN condition TEXT,
    ADD CONSTRAINT "ck_water_bodies_condition_b1ba33a3" CHECK ("condition" IN ('good', 'damaged', 'lost', 'abandoned', 'removed'));

COMMENT ON COLUMN city.water_bodies.condition IS '完好状况 / Condition';

ALTER TABLE city."water_bodies_history"
    ADD COLUMN condition TEXT;

COMMENT ON COLUMN city.water_bodies_history.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.waterside_facilities.condition IS '完好状况 / Condition';

COMMENT ON COLUMN city.waterside_facilities_history.condition IS '完好状况 / Condition';
