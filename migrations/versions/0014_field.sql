-- Keys by which other machines than the server's own may ask: what each may do (`scopes`), where (`area`), until when.

CREATE TABLE city.access_keys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 bytea NOT NULL UNIQUE CHECK (octet_length(sha256) = 32),
    hint text NOT NULL,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    area text,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON TABLE city.access_keys IS 'The key itself is shown once and never stored: only its SHA-256 is';
COMMENT ON COLUMN city.access_keys.hint IS 'The first characters of the key, by which a person tells it from others';
COMMENT ON COLUMN city.access_keys.area IS 'Code of the district that the key is bound to; null: the whole city';

-- Photos belong to a feature and to the change that they came with: no restore takes them away.

CREATE TABLE city.photos (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    class_id text NOT NULL,
    feature_id bigint NOT NULL,
    change_id bigint NOT NULL REFERENCES city.changes (id) DEFERRABLE INITIALLY DEFERRED,
    media_type text NOT NULL CHECK (media_type = 'image/jpeg'),
    width integer NOT NULL CHECK (width > 0),
    height integer NOT NULL CHECK (height > 0),
    taken_at timestamptz,
    geom public.geometry(Point, 4326),
    accuracy_m double precision CHECK (accuracy_m >= 0),
    note text CHECK (length(note) <= 2000),
    body bytea NOT NULL CHECK (octet_length(body) <= 307200)
);
COMMENT ON COLUMN city.photos.geom IS 'Where the photo was taken; its file holds no such data any more';
CREATE INDEX photos_feature ON city.photos (class_id, feature_id, change_id);
CREATE INDEX photos_change ON city.photos (change_id);
-- Packed already: TOAST would only try to pack it once more.
ALTER TABLE city.photos ALTER COLUMN body SET STORAGE EXTERNAL;

-- A report from the street stands in the record though it leaves every field as it was.

CREATE TABLE city.reports (
    change_id bigint PRIMARY KEY REFERENCES city.changes (id) DEFERRABLE INITIALLY DEFERRED,
    class_id text NOT NULL,
    feature_id bigint NOT NULL,
    state text NOT NULL,
    note text CHECK (length(note) <= 2000),
    seen_at timestamptz,
    geom public.geometry(Point, 4326),
    accuracy_m double precision CHECK (accuracy_m >= 0)
);
COMMENT ON COLUMN city.reports.state IS 'What was said of the feature: in_service, closed, damaged, missing';
CREATE INDEX reports_feature ON city.reports (class_id, feature_id, change_id);
