-- What lists of agents add to a row of `agents`: all of it found by primary keys, from the agent's.
CREATE VIEW agent_sessions AS
SELECT
    s.agent, s.generation, s.shift, s.shift_since, s.last_effective_at, s.last_rank, s.next_punch_at, s.desired,
    s.hold_state, s.hold_until, s.hold_reason, s.hold_author,
    x.instance, x.account, x.instance_id, x.session_name,
    o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.reading_since, o.condition, o.reason, o.since
FROM agent_states s
LEFT JOIN instances x ON x.agent = s.agent
LEFT JOIN observed_states o ON o.instance = x.instance
LEFT JOIN looks l ON l.instance = x.instance;
GRANT SELECT ON agent_sessions TO rollcall_app;
