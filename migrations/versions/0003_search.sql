CREATE TABLE city.search_entries (
    class text NOT NULL,
    id bigint NOT NULL,
    sensitivity text NOT NULL,
    weight smallint NOT NULL,
    sampled boolean NOT NULL,
    keys text NOT NULL,
    place public.geometry(Point, 4326) NOT NULL,
    words tsvector NOT NULL,
    PRIMARY KEY (class, id)
);
COMMENT ON TABLE city.search_entries IS 'What a feature with a name or address is found by; made by the service';
COMMENT ON COLUMN city.search_entries.weight IS 'Larger features, then classes that stand first, come first';
COMMENT ON COLUMN city.search_entries.sampled IS 'Large features and one in twenty of the others: asked first';
COMMENT ON COLUMN city.search_entries.keys IS 'Names as they are compared: Chinese, English, pinyin, initials';
COMMENT ON COLUMN city.search_entries.words IS 'Pairs of characters, words, pinyin, initials, and tags';
-- A word that half of all names hold has enough in the sample; one that the sample lacks is rare in the rest.
CREATE INDEX search_entries_sample ON city.search_entries USING gin (words) WHERE sampled;
CREATE INDEX search_entries_rest ON city.search_entries USING gin (words) WHERE NOT sampled;

CREATE TABLE city.search_codes (
    class text NOT NULL,
    id bigint NOT NULL,
    field text NOT NULL,
    sensitivity text NOT NULL,
    code text NOT NULL,
    PRIMARY KEY (class, id, field)
);
COMMENT ON TABLE city.search_codes IS 'Codes of features beside their key, without blanks and punctuation';
CREATE INDEX search_codes_code ON city.search_codes (code text_pattern_ops);

-- Analysis knows no names.
REVOKE ALL ON city.search_entries, city.search_codes FROM chengtu_engine;

-- After many entries: what waits beside the index goes into it; only the owner may do so.
CREATE FUNCTION city.tidy_search() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM gin_clean_pending_list('city.search_entries_sample');
    PERFORM gin_clean_pending_list('city.search_entries_rest');
END $$;
REVOKE ALL ON FUNCTION city.tidy_search() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION city.tidy_search() TO chengtu_rw;

-- The planner is told in a transaction of its own: other writers would wait for it until the end of a long load.
CREATE FUNCTION city.analyze_search() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    ANALYZE city.search_entries (class, id, sensitivity, sampled), city.search_codes;
END $$;
REVOKE ALL ON FUNCTION city.analyze_search() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION city.analyze_search() TO chengtu_rw;
