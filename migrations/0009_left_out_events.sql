-- Unmatched events that an agent did not get although one of its names is on them: too old to start a session. Each is
-- decided on anew with every later event of the agent, and its row goes when the agent gets it. While a name is being mapped,
-- all of the name's unmatched events pass through here.
CREATE TABLE left_out_events (
    sequence bigint CONSTRAINT left_out_events_pkey PRIMARY KEY,
    agent bigint NOT NULL CONSTRAINT left_out_events_agent_fkey REFERENCES agents ON DELETE CASCADE,
    left_out_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX left_out_events_of_agent ON left_out_events (agent);
GRANT SELECT, INSERT, UPDATE, DELETE ON left_out_events TO rollcall_app;

-- What mapped names left out so far.
INSERT INTO left_out_events (sequence, agent)
SELECT e.sequence, l.agent
FROM agent_aliases l
JOIN clock_events e ON e.agent IS NULL AND e.source_id = l.source_id AND e.external_id = l.external_id
WHERE NOT EXISTS (SELECT FROM clock_event_matches m WHERE m.sequence = e.sequence);

-- Whose id or name is the same as what a source calls somebody, however it is capitalized.
CREATE INDEX agents_of_folded_id ON agents (lower(agent_id));
CREATE INDEX agents_of_folded_name ON agents (lower(name));
