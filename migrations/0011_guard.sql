-- The blast-radius guard: what would change what is desired of many instances at once waits here for a named person. While it
-- waits, the facts it is about (whose session is whose, holds, removals, events to take up) are as they were, so that every
-- replica, and every release, goes on acting on those.
CREATE TABLE guard_changes (
    change bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT guard_changes_pkey PRIMARY KEY,
    kind text NOT NULL CONSTRAINT guard_changes_kind_check CHECK (kind IN ('import', 'edit', 'order', 'listing')),
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'held',
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    decided_by text,
    decided_at timestamptz,
    -- How many instances it would have changed what is desired of, with what went before in the window; how many there were.
    affected bigint NOT NULL DEFAULT 0,
    fleet bigint NOT NULL DEFAULT 0
);
-- Few rows: only what waits.
CREATE INDEX guard_changes_held ON guard_changes (change) WHERE state = 'held';

CREATE TABLE guard_items (
    item bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT guard_items_pkey PRIMARY KEY,
    change bigint NOT NULL CONSTRAINT guard_items_change_fkey REFERENCES guard_changes ON DELETE CASCADE,
    agent bigint NOT NULL CONSTRAINT guard_items_agent_fkey REFERENCES agents ON DELETE CASCADE,
    kind text NOT NULL CONSTRAINT guard_items_kind_check
        CHECK (kind IN ('instance', 'events', 'hold', 'release', 'removal')),
    -- Of each of these an agent has at most one that waits; a later one takes its place.
    slot text NOT NULL CONSTRAINT guard_items_slot_check CHECK (slot IN ('instance', 'events', 'order')),
    what jsonb NOT NULL,
    desired_before smallint NOT NULL,
    desired_after smallint NOT NULL,
    reason text NOT NULL,
    -- How far the agent's clock events had come when it began to wait.
    clocked_at timestamptz,
    state text NOT NULL DEFAULT 'held',
    decided_by text,
    decided_at timestamptz,
    -- Who carries out what was approved, until when nobody else does.
    claimed_until timestamptz,
    outcome text
);
CREATE UNIQUE INDEX guard_items_held ON guard_items (agent, slot) WHERE state = 'held';
CREATE INDEX guard_items_of_change ON guard_items (change, item);
CREATE INDEX guard_items_of_agent ON guard_items (agent);
-- Few rows: only what was approved and is not done yet.
CREATE INDEX guard_items_due ON guard_items (item) WHERE state = 'approved' AND outcome IS NULL;

-- What changed what is desired without being a clock event, as far back as the guard counts.
CREATE TABLE desired_changes (
    entry bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT desired_changes_pkey PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    instances bigint NOT NULL
);
CREATE INDEX desired_changes_at ON desired_changes (at);

-- What the outside is told (ROLLCALL_ALERT_URL): one row for each notice, kept as a log of its delivery.
CREATE TABLE alert_notices (
    notice uuid CONSTRAINT alert_notices_pkey PRIMARY KEY,
    -- What it is about; told once.
    subject text COLLATE "C" NOT NULL CONSTRAINT alert_notices_subject_key UNIQUE,
    -- What begins and ends with the same: the end is not told before the beginning.
    thread text COLLATE "C" NOT NULL,
    -- Of a beginning, the incident, and whether its end was noted.
    incident bigint,
    is_over boolean NOT NULL DEFAULT false,
    kind text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'waiting'
        CONSTRAINT alert_notices_state_check CHECK (state IN ('waiting', 'delivered', 'given_up')),
    attempts integer NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL DEFAULT now(),
    claimed_until timestamptz,
    last_try_at timestamptz,
    http_status smallint,
    fault text,
    ended_at timestamptz
);
CREATE INDEX alert_notices_waiting ON alert_notices (next_try_at) WHERE state = 'waiting';
CREATE INDEX alert_notices_of_thread ON alert_notices (thread) WHERE state = 'waiting';
CREATE INDEX alert_notices_open ON alert_notices (incident) WHERE incident IS NOT NULL AND NOT is_over;
CREATE INDEX alert_notices_created ON alert_notices (created_at);

-- Agents on shift of whom the outside was told that they cannot work; the row goes when they can again, or are off shift.
CREATE TABLE agent_alerts (
    agent bigint CONSTRAINT agent_alerts_pkey PRIMARY KEY
        CONSTRAINT agent_alerts_agent_fkey REFERENCES agents ON DELETE CASCADE,
    episode uuid NOT NULL,
    since timestamptz NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON guard_changes, guard_items, desired_changes, alert_notices, agent_alerts TO rollcall_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO rollcall_app;

-- The planner's samples of an erased person's rows, in these tables too.
CREATE OR REPLACE FUNCTION forget_samples() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp AS $$
BEGIN
    ANALYZE agents, agent_aliases, agent_states, instances, holds, former_names, erasures, clock_events, deliveries,
        delivery_ids, commands, incidents, audit, guard_items, alert_notices;
END
$$;

-- The changes of tables that are in use, at the very end, as one change, and one that never keeps appends waiting for long.
-- A change that waits is an incident. It has no account; the last release must be able to read the row and must not take it
-- for an account's, so it carries a number far below zero there, beyond those of sources.
DO $migration$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            ALTER TABLE incidents ADD COLUMN change bigint
                CONSTRAINT incidents_change_fkey REFERENCES guard_changes ON DELETE CASCADE;
            ALTER TABLE incidents ADD CONSTRAINT incidents_change_check
                CHECK (change IS NULL OR account = -1000000000 - change);
            -- Sessions that an import brought of agents of whom nobody ever said anything: until somebody does, or one of them
            -- is seen stopped, no stop follows for it from the import alone.
            ALTER TABLE instances ADD COLUMN listed_by bigint
                CONSTRAINT instances_listed_by_fkey REFERENCES guard_changes ON DELETE SET NULL;
            CREATE INDEX instances_listed ON instances (listed_by, instance) WHERE listed_by IS NOT NULL;
            -- When a session went down by itself and was started again, oldest first.
            ALTER TABLE observed_states ADD COLUMN falls timestamptz[];
            CREATE OR REPLACE VIEW subjects_by_agent AS
            SELECT
                s.agent, s.generation, s.shift, s.shift_since, s.last_effective_at, s.last_rank, s.has_records, s.next_punch_at,
                s.hold_state, s.hold_until, s.hold_reason, s.hold_author, s.desired, s.rule,
                a.removal_asked_at IS NOT NULL AS is_leaving,
                x.instance, x.account, x.instance_id, x.session_name,
                o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.reading_since, o.claim,
                o.command_id, o.command_action, o.command_sent_at, o.command_ended_at, o.command_verdict,
                o.start_sent_at, o.stop_ended_at, o.deviating_since, o.restarts, o.attempts, o.reboot_asked_at,
                o.condition, o.reason,
                q.wakes, q.due_at, s.fold_tail, o.falls, x.listed_by
            FROM agent_states s
            JOIN agents a ON a.agent = s.agent
            LEFT JOIN instances x ON x.agent = s.agent
            LEFT JOIN observed_states o ON o.instance = x.instance
            LEFT JOIN LATERAL (
                SELECT k.looked_at FROM looks k WHERE k.instance = x.instance OFFSET 0
            ) l ON true
            LEFT JOIN LATERAL (
                SELECT k.wakes, k.due_at FROM reconcile_queue k WHERE k.instance = x.instance OFFSET 0
            ) q ON true;

            CREATE OR REPLACE VIEW subjects_by_instance AS
            SELECT
                s.agent, s.generation, s.shift, s.shift_since, s.last_effective_at, s.last_rank, s.has_records, s.next_punch_at,
                s.hold_state, s.hold_until, s.hold_reason, s.hold_author, s.desired, s.rule,
                a.removal_asked_at IS NOT NULL AS is_leaving,
                x.instance, x.account, x.instance_id, x.session_name,
                o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.reading_since, o.claim,
                o.command_id, o.command_action, o.command_sent_at, o.command_ended_at, o.command_verdict,
                o.start_sent_at, o.stop_ended_at, o.deviating_since, o.restarts, o.attempts, o.reboot_asked_at,
                o.condition, o.reason,
                q.wakes, q.due_at, s.fold_tail, o.falls, x.listed_by
            FROM instances x
            JOIN observed_states o ON o.instance = x.instance
            LEFT JOIN agent_states s ON s.agent = x.agent
            LEFT JOIN agents a ON a.agent = s.agent
            LEFT JOIN LATERAL (
                SELECT k.looked_at FROM looks k WHERE k.instance = x.instance OFFSET 0
            ) l ON true
            LEFT JOIN LATERAL (
                SELECT k.wakes, k.due_at FROM reconcile_queue k WHERE k.instance = x.instance OFFSET 0
            ) q ON true;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 600 THEN RAISE; END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END
$migration$;
