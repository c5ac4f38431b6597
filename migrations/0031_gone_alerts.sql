-- Of an agent that is removed while the outside believes that it cannot work, the end is told as well: until then the row stays, and
-- has what the end has to say of whom, unless the person is to be erased. Until now it went with the agent, and nobody heard of the end.
-- Whichever release lets the agent go. A release without this leaves such rows alone.
CREATE FUNCTION keep_alert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE agent_alerts
    SET gone_at = now(),
        agent_id = CASE WHEN OLD.erasure_asked_at >= OLD.removal_asked_at THEN NULL ELSE OLD.agent_id END,
        team = CASE WHEN OLD.erasure_asked_at >= OLD.removal_asked_at THEN NULL ELSE OLD.team END
    WHERE agent = OLD.agent;
    RETURN NULL;
END
$$;

-- The planner's samples of an erased person's rows, in this table too.
CREATE OR REPLACE FUNCTION forget_samples() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    ANALYZE agents, agent_aliases, agent_states, instances, holds, former_names, erasures, clock_events, deliveries,
        delivery_ids, commands, incidents, audit, guard_items, alert_notices, agent_alerts;
END
$$;

-- As in 0030: who waits for a table keeps nobody waiting for long.
DO $migration$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            LOCK TABLE agents, agent_alerts IN ACCESS EXCLUSIVE MODE;
            ALTER TABLE agent_alerts
                DROP CONSTRAINT agent_alerts_agent_fkey,
                -- When the agent went, what it was called and whose it was; null as long as it is there.
                ADD COLUMN gone_at timestamptz,
                ADD COLUMN agent_id text COLLATE "C",
                ADD COLUMN team text COLLATE "C";
            CREATE TRIGGER agents_keep_alert AFTER DELETE ON agents FOR EACH ROW EXECUTE FUNCTION keep_alert();
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 600 THEN RAISE; END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END
$migration$;
