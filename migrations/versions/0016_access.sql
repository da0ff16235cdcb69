-- People, the parties they belong to, what they and keys may do and where, and how they are known again.
-- Only the service itself reads these tables (chengtu_ro, chengtu_rw); no role that a request's scope takes does.

CREATE TABLE city.parties (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
    kind text NOT NULL CHECK (kind IN ('office', 'squad', 'contractor', 'assessor')),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE city.parties IS 'Offices, squads, contractors (own assets only) and assessors (read and score, never edit)';

CREATE TABLE city.people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    title text CHECK (length(title) BETWEEN 1 AND 100),
    party_id bigint REFERENCES city.parties (id),
    level text NOT NULL DEFAULT 'internal' CHECK (level IN ('public', 'internal', 'restricted')),
    password_hash text CHECK (password_hash LIKE '$argon2id$%'),
    password_once boolean NOT NULL DEFAULT false,
    password_at timestamptz,
    oidc_issuer text,
    oidc_subject text,
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    disabled_at timestamptz,
    CONSTRAINT people_oidc_key UNIQUE (oidc_issuer, oidc_subject),
    CONSTRAINT people_oidc_check CHECK ((oidc_issuer IS NULL) = (oidc_subject IS NULL))
);
COMMENT ON COLUMN city.people.name IS 'By which one logs in; two that differ in case alone are the same';
COMMENT ON COLUMN city.people.level IS 'Clearance: up to which sensitivity classes, rows and fields are shown';
COMMENT ON COLUMN city.people.password_once IS 'Somebody else knows the password: it opens nothing until it is changed';
COMMENT ON COLUMN city.people.granted_at IS 'When what this person may do was changed last';
CREATE UNIQUE INDEX people_name_key ON city.people (lower(name));
CREATE INDEX people_party ON city.people (party_id) WHERE party_id IS NOT NULL;

ALTER TABLE city.access_keys
    ADD COLUMN level text NOT NULL DEFAULT 'internal' CHECK (level IN ('public', 'internal', 'restricted')),
    ADD COLUMN party_id bigint REFERENCES city.parties (id),
    ADD COLUMN last_used_at timestamptz,
    ADD COLUMN granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN made_by text;
COMMENT ON COLUMN city.access_keys.last_used_at IS 'To the minute';

CREATE TABLE city.grants (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id bigint REFERENCES city.people (id),
    key_id bigint REFERENCES city.access_keys (id),
    role text NOT NULL
        CHECK (role IN ('viewer', 'field', 'editor', 'planner', 'assessor', 'auditor', 'system', 'security')),
    area text CHECK (area <> '' AND area <> '*'),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by text NOT NULL,
    CONSTRAINT grants_whose CHECK (num_nonnulls(person_id, key_id) = 1),
    -- Who administers sees no feature of any area.
    CONSTRAINT grants_administration_area CHECK (role NOT IN ('auditor', 'system', 'security') OR area IS NULL)
);
COMMENT ON TABLE city.grants IS 'What a person or a key may do (role) and where (code of an area; null: the whole city)';
CREATE UNIQUE INDEX grants_person_key ON city.grants (person_id, role, coalesce(area, '')) WHERE person_id IS NOT NULL;
CREATE UNIQUE INDEX grants_key_key ON city.grants (key_id, role, coalesce(area, '')) WHERE key_id IS NOT NULL;

-- System, security and audit administration exclude each other and every other role. Whoever grants touches the row of the
-- person or key first, so that of two grants at the same time one waits for the other (or fails, in a snapshot).
CREATE FUNCTION city.grants_exclude() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held text;
BEGIN
    UPDATE city.people SET granted_at = clock_timestamp() WHERE id = NEW.person_id;
    UPDATE city.access_keys SET granted_at = clock_timestamp() WHERE id = NEW.key_id;
    SELECT g.role INTO held FROM city.grants g
        WHERE (g.person_id = NEW.person_id OR g.key_id = NEW.key_id) AND g.id <> NEW.id AND g.role <> NEW.role
            AND (g.role IN ('auditor', 'system', 'security') OR NEW.role IN ('auditor', 'system', 'security'))
        LIMIT 1;
    IF held IS NOT NULL THEN
        RAISE check_violation USING MESSAGE = format('Nobody may be both %s and %s.', held, NEW.role),
            CONSTRAINT = 'grants_exclude', SCHEMA = 'city', TABLE = 'grants';
    END IF;
    RETURN NEW;
END $$;
REVOKE EXECUTE ON FUNCTION city.grants_exclude() FROM PUBLIC;
CREATE TRIGGER grants_exclude BEFORE INSERT OR UPDATE ON city.grants
    FOR EACH ROW EXECUTE FUNCTION city.grants_exclude();

-- The keys of today.
INSERT INTO city.grants (key_id, role, area, made_by)
    SELECT id, 'field', nullif(nullif(area, ''), '*'), 'migration' FROM city.access_keys;
ALTER TABLE city.access_keys DROP COLUMN scopes, DROP COLUMN area;

CREATE TABLE city.sessions (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    person_id bigint NOT NULL REFERENCES city.people (id) ON DELETE CASCADE,
    csrf bytea NOT NULL CHECK (octet_length(csrf) = 32),
    means text NOT NULL CHECK (means IN ('password', 'oidc')),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    agent text CHECK (length(agent) <= 300)
);
COMMENT ON TABLE city.sessions IS 'Who is logged in; of the token in the cookie only its SHA-256 is kept';
CREATE INDEX sessions_person ON city.sessions (person_id);
CREATE INDEX sessions_expires ON city.sessions (expires_at);

-- Logins at a provider that have begun: what the answer must bear, by the SHA-256 of the state sent along.
CREATE TABLE city.login_states (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    browser bytea NOT NULL CHECK (octet_length(browser) = 32),
    nonce text NOT NULL,
    verifier text NOT NULL,
    next text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX login_states_expires ON city.login_states (expires_at);

-- Failed logins by name and by address, so that all processes wait together. What was typed as a name may have been a
-- password: only its hash is kept.
CREATE TABLE city.login_failures (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    failures integer NOT NULL CHECK (failures > 0),
    last_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz
);
CREATE INDEX login_failures_last ON city.login_failures (last_at);

REVOKE ALL ON city.parties, city.people, city.grants, city.access_keys, city.sessions, city.login_states, city.login_failures
    FROM chengtu_engine;
