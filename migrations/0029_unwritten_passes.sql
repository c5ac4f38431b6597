-- Since when what an account's holder found out could not be written, though its heartbeats are; null while it can.
-- As in 0026: heartbeats write this table, and whoever waits for it keeps them waiting.
DO $migration$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            ALTER TABLE engine_pulses ADD COLUMN unwritten_since timestamptz;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 600 THEN RAISE; END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END
$migration$;
