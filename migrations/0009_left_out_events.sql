-- Unmatched events that an agent did not get although one of its names is on them: too old to start a session. Each is
-- decided on anew with every later event of the agent that may end one, and its row goes when the agent gets it. While a name is
-- being mapped, all of the name's unmatched events pass through here.
CREATE TABLE left_out_events (
    sequence bigint CONSTRAINT left_out_events_pkey PRIMARY KEY,
    agent bigint NOT NULL,
    left_out_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON left_out_events TO rollcall_app;

-- What mapped names left out so far; without an alias an agent's id is its name at the source `api` and at sources of keys. What
-- sources the settings name by agent id, the database does not know: they are taken up when the agent is mapped again.
INSERT INTO left_out_events (sequence, agent)
SELECT e.sequence, n.agent
FROM (
    SELECT l.source_id, l.external_id, l.agent
    FROM agent_aliases l
    UNION ALL
    SELECT s.source_id, a.agent_id, a.agent
    FROM agents a
    CROSS JOIN clock_sources s
    WHERE (s.name = 'api' OR EXISTS (SELECT FROM api_keys k WHERE k.source_id = s.source_id))
      AND NOT EXISTS (SELECT FROM agent_aliases l WHERE l.source_id = s.source_id AND l.external_id = a.agent_id)
) n
JOIN clock_events e ON e.agent IS NULL AND e.source_id = n.source_id AND e.external_id = n.external_id
WHERE NOT is_erased(e.external_id)
  AND NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = e.sequence);
CREATE INDEX left_out_events_of_agent ON left_out_events (agent);

-- The changes of a table that is in use, at the very end, and without keeping those who change agents waiting for long.
DO $$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            LOCK TABLE agents IN SHARE ROW EXCLUSIVE MODE;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 600 THEN RAISE; END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END
$$;
-- Of those who left in the meantime.
DELETE FROM left_out_events w WHERE NOT EXISTS (SELECT FROM agents a WHERE a.agent = w.agent);
ALTER TABLE left_out_events ADD CONSTRAINT left_out_events_agent_fkey FOREIGN KEY (agent) REFERENCES agents ON DELETE CASCADE;
-- Whose id or name is the same as what a source calls somebody, however it is capitalized.
CREATE INDEX agents_of_folded_id ON agents (lower(agent_id));
CREATE INDEX agents_of_folded_name ON agents (lower(name));
