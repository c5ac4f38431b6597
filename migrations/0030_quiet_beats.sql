-- A heartbeat in time reads nothing more: until now a trigger looked with each of them when the one before it was, in a query of
-- its own. One that only goes on beating is compared with its own row; one that begins looks at all the others.
CREATE OR REPLACE FUNCTION note_absence() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz := greatest(
        (SELECT max(r.seen_at) FROM replicas r WHERE r.replica <> NEW.replica),
        (SELECT p.seen_at FROM replica_presence p)
    );
BEGIN
    IF TG_OP = 'UPDATE' THEN since := greatest(since, OLD.seen_at); END IF;
    IF NEW.seen_at - since > interval '30 seconds' THEN
        INSERT INTO look_gaps (instance, from_at, to_at) VALUES (0, since, NEW.seen_at) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NEW;
END
$$;

-- Before the row goes: a beat that begins and clears away old rows looks afterwards.
CREATE OR REPLACE FUNCTION note_presence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE replica_presence SET seen_at = greatest(seen_at, OLD.seen_at);
    RETURN OLD;
END
$$;

-- As in 0025: who waits for the table keeps nobody waiting for long.
DO $migration$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            LOCK TABLE replicas IN ACCESS EXCLUSIVE MODE;
            DROP TRIGGER replicas_note_absence ON replicas;
            DROP TRIGGER replicas_note_presence ON replicas;
            CREATE TRIGGER replicas_note_absence AFTER INSERT ON replicas
                FOR EACH ROW EXECUTE FUNCTION note_absence();
            CREATE TRIGGER replicas_note_late_beat AFTER UPDATE OF seen_at ON replicas
                FOR EACH ROW
                WHEN (NEW.seen_at - OLD.seen_at > interval '30 seconds')
                EXECUTE FUNCTION note_absence();
            CREATE TRIGGER replicas_note_presence BEFORE DELETE ON replicas
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
