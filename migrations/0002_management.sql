-- When somebody last gave an instance a fresh restart budget: at most once per restart window.
CREATE TABLE restart_grants (
    instance bigint CONSTRAINT restart_grants_pkey PRIMARY KEY
        CONSTRAINT restart_grants_instance_fkey REFERENCES instances ON DELETE CASCADE,
    granted_at timestamptz NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON restart_grants TO rollcall_app;

-- Everything that is shown of an agent. One row per agent, found by primary keys.
CREATE VIEW agent_details AS
SELECT
    a.agent, a.agent_id, a.name, a.team, a.time_zone, a.created_at, a.removal_asked_at,
    s.generation, s.shift, s.shift_since, s.last_effective_at, s.last_rank, s.next_punch_at, s.desired,
    s.hold_state, s.hold_until, s.hold_reason, s.hold_author,
    x.instance, x.account, e.name AS engine, x.instance_id, x.session_name,
    o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.reading_since, o.condition, o.reason, o.since
FROM agents a
JOIN agent_states s ON s.agent = a.agent
LEFT JOIN instances x ON x.agent = a.agent
LEFT JOIN engine_accounts e ON e.account = x.account
LEFT JOIN observed_states o ON o.instance = x.instance
LEFT JOIN looks l ON l.instance = x.instance;
GRANT SELECT ON agent_details TO rollcall_app;
