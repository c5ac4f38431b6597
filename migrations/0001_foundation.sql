-- The whole first schema. What each table is the truth of stands in ARCHITECTURE.md.
-- Numbers in place of words (kind, shift, desired, action) are defined in Sources/Domain, beside each word.

-- `serve` works as this role, which may add to the ledger and read it, and nothing more.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rollcall_app') THEN
        CREATE ROLE rollcall_app NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'rollcall_app', 'MEMBER') THEN
        EXECUTE format('GRANT rollcall_app TO %I', current_user);
    END IF;
END
$$;

-- Who works here -----------------------------------------------------------------------------------------------

CREATE TABLE clock_sources (
    source_id integer GENERATED ALWAYS AS IDENTITY CONSTRAINT clock_sources_pkey PRIMARY KEY,
    name text COLLATE "C" NOT NULL CONSTRAINT clock_sources_name_key UNIQUE
);
INSERT INTO clock_sources (name) VALUES ('api');

CREATE TABLE agents (
    agent bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT agents_pkey PRIMARY KEY,
    agent_id text COLLATE "C" NOT NULL CONSTRAINT agents_agent_id_key UNIQUE,
    name text NOT NULL DEFAULT '',
    team text COLLATE "C" NOT NULL DEFAULT '',
    time_zone text NOT NULL DEFAULT 'UTC',
    created_at timestamptz NOT NULL DEFAULT now(),
    removal_asked_at timestamptz
);
CREATE INDEX agents_of_team ON agents (team, agent_id);

CREATE TABLE agent_aliases (
    source_id integer NOT NULL CONSTRAINT agent_aliases_source_fkey REFERENCES clock_sources,
    external_id text COLLATE "C" NOT NULL,
    agent bigint NOT NULL CONSTRAINT agent_aliases_agent_fkey REFERENCES agents ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT agent_aliases_pkey PRIMARY KEY (source_id, external_id)
);
CREATE INDEX agent_aliases_of_agent ON agent_aliases (agent);

-- What happened ------------------------------------------------------------------------------------------------

CREATE TABLE deliveries (
    delivery bigint GENERATED ALWAYS AS IDENTITY,
    source_id integer NOT NULL,
    received_at timestamptz NOT NULL,
    delivery_id text,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    reading text NOT NULL,
    CONSTRAINT deliveries_pkey PRIMARY KEY (received_at, delivery)
) PARTITION BY RANGE (received_at);
CREATE TABLE deliveries_rest PARTITION OF deliveries DEFAULT;
CREATE INDEX deliveries_of_source ON deliveries (source_id, received_at);

-- The ledger: one row per punch, never changed. `dedupe` is the first half of the SHA-256 of what makes the
-- event one and the same (source, event id or record, version, kind, ordinal), so one narrow index guards it.
CREATE TABLE clock_events (
    sequence bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT clock_events_pkey PRIMARY KEY,
    dedupe uuid NOT NULL CONSTRAINT clock_events_dedupe_key UNIQUE,
    agent bigint,
    source_id integer NOT NULL,
    kind smallint NOT NULL CONSTRAINT clock_events_kind_check CHECK (kind BETWEEN 1 AND 5),
    ordinal smallint NOT NULL DEFAULT 0,
    occurred_at timestamptz NOT NULL,
    effective_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    version bigint,
    event_id text,
    external_id text COLLATE "C",
    record text COLLATE "C",
    warnings text[]
);
CREATE INDEX clock_events_of_agent ON clock_events (agent, effective_at) WHERE agent IS NOT NULL;
CREATE INDEX clock_events_unmatched ON clock_events (source_id, external_id, sequence) WHERE agent IS NULL;
CREATE INDEX clock_events_of_record ON clock_events (source_id, record) WHERE record IS NOT NULL;

-- An event that nobody could match gets its agent here, once somebody maps it.
CREATE TABLE clock_event_matches (
    sequence bigint CONSTRAINT clock_event_matches_pkey PRIMARY KEY,
    agent bigint NOT NULL,
    matched_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX clock_event_matches_of_agent ON clock_event_matches (agent);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER clock_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON clock_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The fold of each agent's events, and what is desired because of it.
CREATE TABLE agent_states (
    agent bigint CONSTRAINT agent_states_pkey PRIMARY KEY
        CONSTRAINT agent_states_agent_fkey REFERENCES agents ON DELETE CASCADE,
    generation bigint NOT NULL DEFAULT 0,
    shift smallint NOT NULL DEFAULT 0,
    last_rank smallint,
    desired smallint NOT NULL DEFAULT 0,
    hold_state smallint,
    has_records boolean NOT NULL DEFAULT false,
    shift_since timestamptz,
    last_effective_at timestamptz,
    next_punch_at timestamptz,
    desired_since timestamptz NOT NULL DEFAULT now(),
    hold_until timestamptz,
    rule text NOT NULL DEFAULT 'default',
    hold_reason text,
    hold_author text
) WITH (fillfactor = 70);
-- Few rows: only agents with an event in the future.
CREATE INDEX agent_states_parked ON agent_states (next_punch_at) WHERE next_punch_at IS NOT NULL;

CREATE TABLE holds (
    hold bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT holds_pkey PRIMARY KEY,
    agent bigint NOT NULL CONSTRAINT holds_agent_fkey REFERENCES agents ON DELETE CASCADE,
    state smallint NOT NULL,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    ended_by text
);
CREATE INDEX holds_of_agent ON holds (agent, created_at);

-- Sessions and what is known of them -----------------------------------------------------------------------------

CREATE TABLE engine_accounts (
    account integer GENERATED ALWAYS AS IDENTITY CONSTRAINT engine_accounts_pkey PRIMARY KEY,
    name text COLLATE "C" NOT NULL CONSTRAINT engine_accounts_name_key UNIQUE,
    refused_since timestamptz
);

CREATE TABLE instances (
    instance bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT instances_pkey PRIMARY KEY,
    account integer NOT NULL CONSTRAINT instances_account_fkey REFERENCES engine_accounts,
    instance_id text COLLATE "C" NOT NULL,
    session_name text,
    agent bigint CONSTRAINT instances_agent_key UNIQUE CONSTRAINT instances_agent_fkey REFERENCES agents,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT instances_session_key UNIQUE (account, instance_id)
);

CREATE TABLE observed_states (
    instance bigint CONSTRAINT observed_states_pkey PRIMARY KEY
        CONSTRAINT observed_states_instance_fkey REFERENCES instances ON DELETE CASCADE,
    attempts integer NOT NULL DEFAULT 0,
    command_action smallint,
    -- The condition where it is an exception, else null: an index on it is touched by exceptions only.
    attention smallint,
    command_id bigint,
    read_at timestamptz,
    reading_since timestamptz,
    command_sent_at timestamptz,
    command_ended_at timestamptz,
    start_sent_at timestamptz,
    stop_ended_at timestamptz,
    deviating_since timestamptz,
    reboot_asked_at timestamptz,
    since timestamptz NOT NULL DEFAULT now(),
    reading text,
    claim text,
    command_verdict text,
    condition text NOT NULL DEFAULT 'unknown',
    reason text NOT NULL DEFAULT 'never_read',
    restarts timestamptz[]
) WITH (fillfactor = 60);
CREATE INDEX observed_states_exceptions ON observed_states (attention, instance) WHERE attention IS NOT NULL;

-- When each instance was last read with success. Not logged: after a crash freshness is unknown, which is the truth.
CREATE UNLOGGED TABLE looks (
    instance bigint CONSTRAINT looks_pkey PRIMARY KEY,
    looked_at timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Acting ---------------------------------------------------------------------------------------------------------

CREATE SEQUENCE reconcile_wakes CACHE 1;
CREATE TABLE reconcile_queue (
    instance bigint CONSTRAINT reconcile_queue_pkey PRIMARY KEY,
    account integer NOT NULL,
    priority smallint NOT NULL,
    due_at timestamptz NOT NULL,
    wakes bigint NOT NULL DEFAULT nextval('reconcile_wakes')
) WITH (fillfactor = 50);

CREATE TABLE commands (
    instance bigint NOT NULL,
    command_id bigint NOT NULL,
    account integer NOT NULL,
    action smallint NOT NULL,
    http_status smallint,
    agent bigint,
    generation bigint,
    term bigint NOT NULL,
    intended_at timestamptz NOT NULL,
    sent_at timestamptz,
    ended_at timestamptz,
    reason text NOT NULL,
    verdict text,
    claim text,
    detail text,
    CONSTRAINT commands_pkey PRIMARY KEY (instance, command_id)
) WITH (fillfactor = 80);

-- What a decision needs to know, from the agent's side and from the instance's. One row each, by primary keys.
CREATE VIEW subjects_by_agent AS
SELECT
    s.agent, s.generation, s.shift, s.shift_since, s.last_effective_at, s.last_rank, s.has_records, s.next_punch_at,
    s.hold_state, s.hold_until, s.hold_reason, s.hold_author, s.desired, s.rule,
    a.removal_asked_at IS NOT NULL AS is_leaving,
    x.instance, x.account, x.instance_id, x.session_name,
    o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.reading_since, o.claim,
    o.command_id, o.command_action, o.command_sent_at, o.command_ended_at, o.command_verdict,
    o.start_sent_at, o.stop_ended_at, o.deviating_since, o.restarts, o.attempts, o.reboot_asked_at,
    o.condition, o.reason,
    q.wakes, q.due_at
FROM agent_states s
JOIN agents a ON a.agent = s.agent
LEFT JOIN instances x ON x.agent = s.agent
LEFT JOIN observed_states o ON o.instance = x.instance
LEFT JOIN looks l ON l.instance = x.instance
LEFT JOIN reconcile_queue q ON q.instance = x.instance;

CREATE VIEW subjects_by_instance AS
SELECT
    s.agent, s.generation, s.shift, s.shift_since, s.last_effective_at, s.last_rank, s.has_records, s.next_punch_at,
    s.hold_state, s.hold_until, s.hold_reason, s.hold_author, s.desired, s.rule,
    a.removal_asked_at IS NOT NULL AS is_leaving,
    x.instance, x.account, x.instance_id, x.session_name,
    o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.reading_since, o.claim,
    o.command_id, o.command_action, o.command_sent_at, o.command_ended_at, o.command_verdict,
    o.start_sent_at, o.stop_ended_at, o.deviating_since, o.restarts, o.attempts, o.reboot_asked_at,
    o.condition, o.reason,
    q.wakes, q.due_at
FROM instances x
JOIN observed_states o ON o.instance = x.instance
LEFT JOIN agent_states s ON s.agent = x.agent
LEFT JOIN agents a ON a.agent = s.agent
LEFT JOIN looks l ON l.instance = x.instance
LEFT JOIN reconcile_queue q ON q.instance = x.instance;

CREATE TABLE replicas (
    replica uuid CONSTRAINT replicas_pkey PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    release text NOT NULL
) WITH (fillfactor = 50);

-- The right to act for an account. It lasts as long as its holder's heartbeat in `replicas`, so that this row
-- changes only with its holder and a writer may share-lock it without keeping the heartbeat waiting.
CREATE TABLE engine_leases (
    account integer CONSTRAINT engine_leases_pkey PRIMARY KEY,
    holder uuid,
    term bigint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE incidents (
    incident bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT incidents_pkey PRIMARY KEY,
    account integer NOT NULL,
    kind text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    detail text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX incidents_open_key ON incidents (account, kind) WHERE closed_at IS NULL;

-- Who may do what, and who did -----------------------------------------------------------------------------------

CREATE TABLE api_keys (
    key_id uuid CONSTRAINT api_keys_pkey PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL CONSTRAINT api_keys_role_check CHECK (role IN ('clock', 'view', 'manage', 'admin')),
    teams text[],
    source_id integer,
    key_hash bytea NOT NULL CONSTRAINT api_keys_hash_key UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    revoked_at timestamptz
);

CREATE TABLE page_sessions (
    session_hash bytea CONSTRAINT page_sessions_pkey PRIMARY KEY,
    csrf_hash bytea NOT NULL,
    key_id uuid NOT NULL CONSTRAINT page_sessions_key_fkey REFERENCES api_keys,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL
);

CREATE TABLE audit (
    entry bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT audit_pkey PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    deed text NOT NULL,
    subject text NOT NULL,
    detail jsonb
);

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO rollcall_app;
REVOKE UPDATE, DELETE ON clock_events, clock_event_matches, audit FROM rollcall_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO rollcall_app;
