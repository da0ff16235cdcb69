-- Cells are published as polygons or as their centres with numbers: both are places of people.

ALTER TABLE city.population_cells ALTER COLUMN geom TYPE public.geometry(Geometry, 4326);
ALTER TABLE city.population_cells
    ADD CONSTRAINT ck_population_cells_geom_type_5855473d CHECK (GeometryType(geom) IN ('POINT', 'MULTIPOLYGON')),
    DROP CONSTRAINT ck_population_cells_kind_c3698739,
    ADD CONSTRAINT ck_population_cells_kind_e9704ef2 CHECK ("kind" IN ('resident', 'registered', 'temporary', 'daytime', 'estimated'));

ALTER TABLE city.population_cells_history ALTER COLUMN geom TYPE public.geometry(Geometry, 4326);
ALTER TABLE city.population_cells_history
    ADD CONSTRAINT ck_population_cells_history_5855473d CHECK (GeometryType(geom) IN ('POINT', 'MULTIPOLYGON'));
