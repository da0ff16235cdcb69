-- Who did what: an entry for each event, numbered without a gap, whose hash covers all of it and the hash before. -------

CREATE TABLE city.audit (
    seq bigint PRIMARY KEY CHECK (seq > 0),
    at timestamptz NOT NULL,
    who text NOT NULL,
    kind text NOT NULL,
    address text,
    event text NOT NULL,
    object text,
    detail jsonb NOT NULL,
    previous bytea NOT NULL CHECK (octet_length(previous) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE city.audit IS 'Who did what; nobody changes an entry, and each bears the hash of the one before';
COMMENT ON COLUMN city.audit.kind IS 'How they came: user, key, open, nobody, command, job, service';
CREATE INDEX audit_at ON city.audit USING brin (at);
CREATE INDEX audit_who ON city.audit (who, seq);
CREATE INDEX audit_event ON city.audit (event, seq);
CREATE INDEX audit_object ON city.audit (object, seq);

-- The newest entry; whoever adds one holds this row, so that numbers follow the order of commit.
CREATE TABLE city.audit_head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO city.audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- What a transaction has noted: it takes its place in the chain when the transaction commits and not before, so that a
-- long import keeps nobody from being noted.
CREATE TABLE city.audit_waiting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL,
    kind text NOT NULL,
    address text,
    event text NOT NULL,
    object text,
    detail jsonb NOT NULL
);

-- What is noted once in a while only (a person reads a class all day).
CREATE TABLE city.audit_once (
    event text NOT NULL,
    object text NOT NULL,
    who text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (event, object, who, since)
);

REVOKE ALL ON city.audit, city.audit_head, city.audit_waiting, city.audit_once
    FROM PUBLIC, chengtu_ro, chengtu_rw, chengtu_engine,
    chengtu_see_public, chengtu_see_internal, chengtu_see_restricted, chengtu_see_all_public, chengtu_see_all_internal,
    chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
REVOKE ALL ON SEQUENCE city.audit_waiting_id_seq FROM PUBLIC, chengtu_rw;
GRANT SELECT ON city.audit TO chengtu_ro;

CREATE FUNCTION city.audit_refuse() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'The audit record is only added to.';
END $$;
CREATE TRIGGER audit_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON city.audit
    FOR EACH STATEMENT EXECUTE FUNCTION city.audit_refuse();

-- An entry as the text that is hashed: each value behind its length in bytes, so that no two entries have the same text.
-- `app/access/audit_chain.py` writes the same without asking the database.
CREATE FUNCTION city.audit_text(
    seq bigint, at timestamptz, who text, kind text, address text, event text, object text, detail jsonb, previous bytea
) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(coalesce(octet_length(convert_to(value, 'UTF8')) || ':' || value, '-'), ',' ORDER BY place)
    FROM unnest(ARRAY[seq::text, (extract(epoch FROM at) * 1000000)::bigint::text, who, kind, address, event, object,
        detail::text, encode(previous, 'hex')]) WITH ORDINALITY AS given (value, place)
$$;

CREATE FUNCTION city.audit_chain() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    last city.audit_head;
    made bytea;
BEGIN
    -- The lock first, then the number: one that was drawn before would not follow the order of commit.
    SELECT * INTO STRICT last FROM city.audit_head FOR UPDATE;
    last.seq := last.seq + 1;
    made := sha256(convert_to(city.audit_text(last.seq, NEW.at, NEW.who, NEW.kind, NEW.address, NEW.event, NEW.object,
        NEW.detail, last.hash), 'UTF8'));
    INSERT INTO city.audit (seq, at, who, kind, address, event, object, detail, previous, hash)
        VALUES (last.seq, NEW.at, NEW.who, NEW.kind, NEW.address, NEW.event, NEW.object, NEW.detail, last.hash, made);
    UPDATE city.audit_head SET seq = last.seq, hash = made;
    DELETE FROM city.audit_waiting WHERE id = NEW.id;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit_chain AFTER INSERT ON city.audit_waiting DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION city.audit_chain();

-- Who does it: whom the transaction's scope names, else who is given, else where the transaction comes from.
CREATE FUNCTION city.audit_who(given text) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT left(coalesce(nullif(current_setting('chengtu.who', true), ''), nullif(given, ''),
        nullif(nullif(current_setting('chengtu.origin', true), '')::jsonb ->> 'who', ''), 'service'), 200)
$$;

-- The one way to note something; in the transaction of what is noted, so that both are there or neither.
CREATE FUNCTION city.note(event text, object text, detail jsonb, given text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    origin jsonb := nullif(current_setting('chengtu.origin', true), '')::jsonb;
BEGIN
    INSERT INTO city.audit_waiting (who, kind, address, event, object, detail)
        VALUES (city.audit_who(given), left(coalesce(origin ->> 'kind', 'service'), 20), left(origin ->> 'address', 100),
            left(event, 60), left(object, 500), jsonb_strip_nulls(coalesce(detail, '{}')));
END $$;

-- The same at most once in a period by one person; says whether it was noted.
CREATE FUNCTION city.note_once(event text, object text, detail jsonb, period interval, given text DEFAULT NULL)
    RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO city.audit_once VALUES (left(event, 60), left(object, 500), city.audit_who(given),
        date_bin(period, clock_timestamp(), 'epoch')) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM city.audit_once WHERE since < clock_timestamp() - interval '2 days';
    PERFORM city.note(event, object, detail, given);
    RETURN true;
END $$;

-- Prunes what is older than `days` from the beginning on; the owner alone may. What was pruned is itself an entry.
CREATE FUNCTION city.audit_prune(days integer) RETURNS TABLE (until bigint, last_hash bytea, pruned bigint)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    young bigint;
BEGIN
    IF days IS NULL OR days < 180 THEN
        RAISE check_violation USING MESSAGE = 'The audit record is kept for at least 180 days.';
    END IF;
    PERFORM FROM city.audit_head FOR UPDATE;
    SELECT min(a.seq) INTO young FROM city.audit a WHERE a.at >= clock_timestamp() - make_interval(days => days);
    SELECT a.seq, a.hash INTO until, last_hash FROM city.audit a
        WHERE a.seq < coalesce(young, 9223372036854775807) ORDER BY a.seq DESC LIMIT 1;
    IF until IS NULL THEN
        RETURN;
    END IF;
    ALTER TABLE city.audit DISABLE TRIGGER audit_refuse;
    DELETE FROM city.audit a WHERE a.seq <= until;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    ALTER TABLE city.audit ENABLE TRIGGER audit_refuse;
    PERFORM city.note('audit.pruned', until::text, jsonb_build_object('until', until, 'hash', encode(last_hash, 'hex'),
        'entries', pruned, 'days', days));
    RETURN NEXT;
END $$;

-- What is noted by the tables themselves, so that no way of writing is forgotten. --------------------------------------

-- Of a change: its classes, its reason, and how many versions it wrote and withdrew of each; counted when it commits.
CREATE FUNCTION city.audit_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    class_id text;
    place text;
    written bigint;
    past bigint;
    withdrawn bigint;
    counts jsonb := '{}';
BEGIN
    FOREACH class_id IN ARRAY NEW.classes LOOP
        SELECT n.nspname INTO place FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('city', 'local') AND c.relname = class_id || '_history';
        CONTINUE WHEN place IS NULL;
        EXECUTE format('SELECT count(*) FROM %I.%I WHERE change_id = $1', place, class_id) INTO written USING NEW.id;
        EXECUTE format('SELECT count(*) FROM %I.%I WHERE change_id = $1 AND until_change IS NULL', place,
            class_id || '_history') INTO past USING NEW.id;
        EXECUTE format('SELECT count(*) FROM %I.%I WHERE until_change = $1', place, class_id || '_history')
            INTO withdrawn USING NEW.id;
        counts := counts || jsonb_build_object(class_id,
            jsonb_build_object('written', written + past, 'withdrawn', withdrawn));
    END LOOP;
    PERFORM city.note('changed', array_to_string(NEW.classes, ','), jsonb_build_object('change', NEW.id,
        'why', left(NEW.why, 500), 'import', NEW.import_id, 'versions', counts), NEW.who);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER audit_change AFTER INSERT ON city.changes DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION city.audit_change();

-- Of a row: the event's name is the first argument and `made`, `changed` or `removed`; then the column that names the row,
-- and those that are told. One behind `!` is secret: only that it changed is told.
CREATE FUNCTION city.audit_row() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN '{}' ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN '{}' ELSE to_jsonb(NEW) END;
    shown jsonb := CASE WHEN TG_OP = 'DELETE' THEN old_row ELSE new_row END;
    detail jsonb := '{}';
    given text;
    name text;
BEGIN
    FOREACH given IN ARRAY string_to_array(TG_ARGV[2], ',') LOOP
        name := ltrim(given, '!');
        CONTINUE WHEN (old_row -> name) IS NOT DISTINCT FROM (new_row -> name);
        CONTINUE WHEN TG_OP = 'INSERT' AND new_row -> name = 'null';
        IF given LIKE '!%' THEN
            detail := detail || jsonb_build_object(name, CASE TG_OP WHEN 'UPDATE' THEN 'changed' WHEN 'INSERT' THEN 'set' END);
        ELSIF TG_OP = 'UPDATE' THEN
            detail := detail || jsonb_build_object(name, jsonb_build_object(
                'before', left(old_row ->> name, 500), 'after', left(new_row ->> name, 500)));
        ELSE
            detail := detail || jsonb_build_object(name, left(shown ->> name, 500));
        END IF;
    END LOOP;
    IF TG_OP = 'UPDATE' AND detail = '{}' THEN
        RETURN NULL;
    END IF;
    PERFORM city.note(TG_ARGV[0] || CASE TG_OP WHEN 'INSERT' THEN '.made' WHEN 'UPDATE' THEN '.changed' ELSE '.removed' END,
        shown ->> TG_ARGV[1], detail, coalesce(shown ->> 'made_by', shown ->> 'who'));
    RETURN NULL;
END $$;

CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON city.parties FOR EACH ROW
    EXECUTE FUNCTION city.audit_row('party', 'name', 'name,kind');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON city.people FOR EACH ROW
    EXECUTE FUNCTION city.audit_row('person', 'name',
        'name,title,party_id,level,!password_hash,oidc_issuer,oidc_subject,disabled_at');
CREATE TRIGGER audit_row AFTER INSERT OR UPDATE OR DELETE ON city.access_keys FOR EACH ROW
    EXECUTE FUNCTION city.audit_row('key', 'hint', 'id,name,level,party_id,expires_at,revoked_at,made_by');
CREATE TRIGGER audit_row AFTER INSERT ON city.coverage_runs FOR EACH ROW
    EXECUTE FUNCTION city.audit_row('run', 'id', 'policy_id,policy_version,modes,area,name,saved');
CREATE TRIGGER audit_row AFTER INSERT ON city.policy_editions FOR EACH ROW
    EXECUTE FUNCTION city.audit_row('policy', 'id', 'id,version,retired,why');

-- Of a grant: whose it is, by name.
CREATE FUNCTION city.audit_grant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held city.grants := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    whose text;
BEGIN
    SELECT p.name INTO whose FROM city.people p WHERE p.id = held.person_id;
    IF whose IS NULL THEN
        SELECT k.hint || ' ' || k.name INTO whose FROM city.access_keys k WHERE k.id = held.key_id;
    END IF;
    PERFORM city.note(CASE TG_OP WHEN 'INSERT' THEN 'grant.made' WHEN 'UPDATE' THEN 'grant.changed' ELSE 'grant.removed' END,
        whose, jsonb_build_object('role', held.role, 'area', held.area, 'key', held.key_id), held.made_by);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_grant AFTER INSERT OR UPDATE OR DELETE ON city.grants FOR EACH ROW
    EXECUTE FUNCTION city.audit_grant();

-- Of a session: who has logged in and how; that it ended, and whether by its time.
CREATE FUNCTION city.audit_session() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    held city.sessions := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    whose text;
BEGIN
    SELECT p.name INTO whose FROM city.people p WHERE p.id = held.person_id;
    PERFORM city.note(CASE TG_OP WHEN 'INSERT' THEN 'login' ELSE 'logout' END, whose, jsonb_build_object('means', held.means,
        'agent', held.agent, 'expired', CASE WHEN TG_OP = 'DELETE' THEN held.expires_at < clock_timestamp() END), whose);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_session AFTER INSERT OR DELETE ON city.sessions FOR EACH ROW
    EXECUTE FUNCTION city.audit_session();

-- Of an import: its file, by name and hash, and how it ended.
CREATE FUNCTION city.audit_import() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.state = OLD.state THEN
        RETURN NULL;
    END IF;
    PERFORM city.note('import.' || NEW.state, NEW.id::text, jsonb_build_object('file',
        left(regexp_replace(NEW.path, '^.*/', ''), 200), 'format', NEW.format, 'sha256', NEW.sha256, 'classes', NEW.classes,
        'change', NEW.change_id, 'error', left(NEW.error ->> 'message', 500)), NEW.who);
    RETURN NULL;
END $$;
CREATE TRIGGER audit_import AFTER INSERT OR UPDATE ON city.imports FOR EACH ROW EXECUTE FUNCTION city.audit_import();

REVOKE EXECUTE ON FUNCTION
    city.audit_refuse(), city.audit_chain(), city.audit_change(), city.audit_row(), city.audit_grant(),
    city.audit_session(), city.audit_import(), city.audit_prune(integer), city.audit_who(text),
    city.audit_text(bigint, timestamptz, text, text, text, text, text, jsonb, bytea),
    city.note(text, text, jsonb, text), city.note_once(text, text, jsonb, interval, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION city.note(text, text, jsonb, text), city.note_once(text, text, jsonb, interval, text)
    TO chengtu_rw, chengtu_edit_public, chengtu_edit_internal, chengtu_edit_restricted;
