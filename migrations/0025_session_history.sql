-- What the picture of a day is true by: whose a session was when, and when nobody looked.

-- Whose each session was, from when to when; open while it is. Kept as long as the changes of sessions are.
CREATE TABLE session_owners (
    instance bigint NOT NULL,
    agent bigint NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz,
    CONSTRAINT session_owners_pkey PRIMARY KEY (instance, from_at)
);
CREATE INDEX session_owners_of_agent ON session_owners (agent, from_at);
CREATE INDEX session_owners_ended ON session_owners (to_at) WHERE to_at IS NOT NULL;

-- Stretches without a successful read that are longer than a read counts; instance 0 for those in which no replica was there.
CREATE TABLE look_gaps (
    instance bigint NOT NULL,
    from_at timestamptz NOT NULL,
    to_at timestamptz NOT NULL,
    CONSTRAINT look_gaps_pkey PRIMARY KEY (instance, from_at)
);
CREATE INDEX look_gaps_ended ON look_gaps USING brin (to_at) WITH (pages_per_range = 16);

-- When a replica was there last of those whose rows are gone; one row.
CREATE TABLE replica_presence (
    is_only boolean CONSTRAINT replica_presence_pkey PRIMARY KEY DEFAULT true
        CONSTRAINT replica_presence_check CHECK (is_only),
    seen_at timestamptz
);
INSERT INTO replica_presence (seen_at) VALUES (NULL);

GRANT SELECT, INSERT, UPDATE, DELETE ON session_owners TO rollcall_app;
GRANT SELECT, INSERT, DELETE ON look_gaps TO rollcall_app;
GRANT SELECT, UPDATE ON replica_presence TO rollcall_app;

-- By triggers, so that what the last release does beside this one is noted as well.
CREATE FUNCTION note_session_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE session_owners SET to_at = now() WHERE instance = OLD.instance AND to_at IS NULL;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.agent IS NOT NULL THEN
        INSERT INTO session_owners (instance, agent, from_at)
        VALUES (NEW.instance, NEW.agent, now())
        ON CONFLICT (instance, from_at) DO UPDATE
        SET agent = excluded.agent,
            to_at = NULL;
    END IF;
    RETURN NULL;
END
$$;

-- Since when who has a session has it nobody noted; commands for another are from before. What changes meanwhile is mended below.
INSERT INTO session_owners (instance, agent, from_at)
SELECT x.instance, x.agent, greatest(a.created_at, x.created_at, (
    SELECT max(c.intended_at) FROM commands c WHERE c.instance = x.instance AND c.agent IS DISTINCT FROM x.agent
))
FROM instances x
JOIN agents a ON a.agent = x.agent;

-- Changes stay for whoever had the session: no longer than there is such a person, or the session.
CREATE OR REPLACE FUNCTION forget_session_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM session_changes s
    USING gone g
    WHERE s.instance = g.instance
      AND NOT EXISTS (SELECT FROM instances x WHERE x.instance = g.instance)
      AND NOT EXISTS (SELECT FROM session_owners o WHERE o.instance = g.instance);
    DELETE FROM look_gaps s
    USING gone g
    WHERE s.instance = g.instance
      AND NOT EXISTS (SELECT FROM instances x WHERE x.instance = g.instance)
      AND NOT EXISTS (SELECT FROM session_owners o WHERE o.instance = g.instance);
    RETURN NULL;
END
$$;
CREATE TRIGGER session_owners_forget_changes AFTER DELETE ON session_owners
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT
    EXECUTE FUNCTION forget_session_changes();

-- How long a read counts, whatever it found and whatever was desired: as whoever notes it says, in seconds, else the default.
CREATE FUNCTION look_lifetime() RETURNS interval LANGUAGE sql STABLE AS $$
    SELECT make_interval(secs => coalesce(nullif(current_setting('rollcall.look_lifetime', true), ''), '180')::float8)
$$;

-- A read that finds what was found before. Tables that were empty when a plan was made are looked into by their keys all the same.
CREATE FUNCTION note_look_gap() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    lifetime interval := look_lifetime();
    since timestamptz;
BEGIN
    IF NEW.looked_at - OLD.looked_at <= lifetime THEN RETURN NULL; END IF;
    SELECT o.read_at INTO since FROM observed_states o WHERE o.instance = NEW.instance;
    since := greatest(OLD.looked_at, since);
    IF NEW.looked_at - since > lifetime THEN
        INSERT INTO look_gaps (instance, from_at, to_at) VALUES (NEW.instance, since, NEW.looked_at) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

-- A read that is written with what it found.
CREATE FUNCTION note_read_gap() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    lifetime interval := look_lifetime();
    since timestamptz;
BEGIN
    IF NEW.read_at - OLD.read_at <= lifetime THEN RETURN NULL; END IF;
    SELECT greatest(OLD.read_at, least(l.looked_at, NEW.read_at)) INTO since FROM looks l WHERE l.instance = NEW.instance;
    since := coalesce(since, OLD.read_at);
    IF NEW.read_at - since > lifetime THEN
        INSERT INTO look_gaps (instance, from_at, to_at) VALUES (NEW.instance, since, NEW.read_at) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

-- The first heartbeat after a while without any: Rollcall, or the database, was away. It is what tells of a time from which the
-- looks are lost, since those are not logged.
CREATE FUNCTION note_absence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz := greatest((SELECT max(r.seen_at) FROM replicas r), (SELECT p.seen_at FROM replica_presence p));
BEGIN
    IF NEW.seen_at - since > interval '30 seconds' THEN
        INSERT INTO look_gaps (instance, from_at, to_at) VALUES (0, since, NEW.seen_at) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END
$$;
CREATE FUNCTION note_presence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE replica_presence SET seen_at = greatest(seen_at, OLD.seen_at);
    RETURN NULL;
END
$$;

-- Tables that are always being written, all at the very end and at once, as one change that keeps nobody waiting for long: a table
-- that is held while another is waited for keeps those waiting who hold the other.
DO $migration$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            LOCK TABLE agents, instances, observed_states, looks, replicas IN SHARE ROW EXCLUSIVE MODE;
            DELETE FROM session_owners o WHERE NOT EXISTS (SELECT FROM agents a WHERE a.agent = o.agent);
            UPDATE session_owners o
            SET to_at = now()
            WHERE o.to_at IS NULL
              AND NOT EXISTS (SELECT FROM instances x WHERE x.instance = o.instance AND x.agent = o.agent);
            INSERT INTO session_owners (instance, agent, from_at)
            SELECT x.instance, x.agent, clock_timestamp()
            FROM instances x
            WHERE x.agent IS NOT NULL
              AND NOT EXISTS (
                SELECT FROM session_owners o WHERE o.instance = x.instance AND o.agent = x.agent AND o.to_at IS NULL
              );
            ALTER TABLE session_owners ADD CONSTRAINT session_owners_agent_fkey
                FOREIGN KEY (agent) REFERENCES agents ON DELETE CASCADE;
            CREATE TRIGGER instances_note_owner AFTER INSERT OR DELETE ON instances
                FOR EACH ROW EXECUTE FUNCTION note_session_owner();
            CREATE TRIGGER instances_note_new_owner AFTER UPDATE OF agent ON instances
                FOR EACH ROW
                WHEN (NEW.agent IS DISTINCT FROM OLD.agent)
                EXECUTE FUNCTION note_session_owner();
            CREATE TRIGGER looks_note_gap AFTER UPDATE ON looks
                FOR EACH ROW
                WHEN (NEW.looked_at - OLD.looked_at > interval '60 seconds')
                EXECUTE FUNCTION note_look_gap();
            CREATE TRIGGER observed_states_note_gap AFTER UPDATE OF read_at ON observed_states
                FOR EACH ROW
                WHEN (NEW.read_at - OLD.read_at > interval '60 seconds')
                EXECUTE FUNCTION note_read_gap();
            CREATE TRIGGER replicas_note_absence BEFORE INSERT ON replicas
                FOR EACH ROW EXECUTE FUNCTION note_absence();
            CREATE TRIGGER replicas_note_presence AFTER DELETE ON replicas
                FOR EACH ROW EXECUTE FUNCTION note_presence();
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 600 THEN RAISE; END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END
$migration$;
