-- What each session was read to be, from when on: one row where a read differs from the one before. `at` is when the read was
-- sent, `recorded_at` when its result was being committed, from where on people see it.
CREATE TABLE session_changes (
    instance bigint NOT NULL CONSTRAINT session_changes_instance_fkey REFERENCES instances ON DELETE CASCADE,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    reading text NOT NULL,
    CONSTRAINT session_changes_pkey PRIMARY KEY (instance, at)
);
-- For letting old rows go; costs an insert next to nothing.
CREATE INDEX session_changes_at ON session_changes USING brin (at) WITH (pages_per_range = 16);
GRANT SELECT, INSERT, DELETE ON session_changes TO rollcall_app;

-- By trigger, so that what the last release writes beside this one is noted as well.
CREATE FUNCTION note_session_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO session_changes (instance, at, recorded_at, reading)
    VALUES (NEW.instance, NEW.read_at, clock_timestamp(), NEW.reading)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE TRIGGER observed_states_note_change AFTER UPDATE OF reading ON observed_states
    FOR EACH ROW
    WHEN (NEW.reading IS DISTINCT FROM OLD.reading AND NEW.reading IS NOT NULL AND NEW.read_at IS NOT NULL)
    EXECUTE FUNCTION note_session_change();

-- What is known today is where the history begins.
INSERT INTO session_changes (instance, at, recorded_at, reading)
SELECT instance, least(coalesce(reading_since, read_at), read_at), read_at, reading
FROM observed_states
WHERE reading IS NOT NULL
  AND read_at IS NOT NULL;

-- Commands of a span of time, for figures about a day.
CREATE INDEX commands_intended ON commands USING brin (intended_at) WITH (pages_per_range = 16);
