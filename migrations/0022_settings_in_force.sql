-- What some settings are for everybody, whatever the settings of the process that reads them: replicas are restarted one by one
-- with another setting, and what is desired must not depend on whose turn it is. A setting that would change what is desired
-- of many sessions waits here for somebody (`asked`, `change`), and the one in force goes on.
CREATE TABLE settings_in_force (
    name text COLLATE "C" CONSTRAINT settings_in_force_pkey PRIMARY KEY,
    value text NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    asked text,
    -- Of guard_changes, and no foreign key: that would lock a table that appends write to.
    change bigint,
    -- Here and not only in the change, which is forgotten some day: who refused it is heard until another is asked for.
    is_refused boolean NOT NULL DEFAULT false
);
GRANT SELECT, INSERT, UPDATE ON settings_in_force TO rollcall_app;

-- The last release kept it in its processes alone; what it made desired of those on break tells what it was.
INSERT INTO settings_in_force (name, value)
SELECT 'break_action', CASE s.desired WHEN 1 THEN 'keep' ELSE 'stop' END
FROM agent_states s
WHERE s.rule = 'break'
GROUP BY s.desired
ORDER BY count(*) DESC
LIMIT 1;

-- Tables and views that are in use, as one change that never keeps appends waiting for long.
DO $migration$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            -- What each replica was started with; null for one of an earlier release.
            ALTER TABLE replicas ADD COLUMN break_action text;
            ALTER TABLE guard_changes DROP CONSTRAINT guard_changes_kind_check;
            ALTER TABLE guard_changes ADD CONSTRAINT guard_changes_kind_check
                CHECK (kind IN ('import', 'edit', 'order', 'listing', 'setting'));
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
                q.wakes, q.due_at, s.fold_tail, o.falls, x.listed_by,
                (SELECT p.value FROM settings_in_force p WHERE p.name = 'break_action') AS break_action
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
                q.wakes, q.due_at, s.fold_tail, o.falls, x.listed_by, q.priority,
                (SELECT p.value FROM settings_in_force p WHERE p.name = 'break_action') AS break_action
            FROM instances x
            JOIN observed_states o ON o.instance = x.instance
            LEFT JOIN agent_states s ON s.agent = x.agent
            LEFT JOIN agents a ON a.agent = s.agent
            LEFT JOIN LATERAL (
                SELECT k.looked_at FROM looks k WHERE k.instance = x.instance OFFSET 0
            ) l ON true
            LEFT JOIN LATERAL (
                SELECT k.wakes, k.due_at, k.priority FROM reconcile_queue k WHERE k.instance = x.instance OFFSET 0
            ) q ON true;

            CREATE OR REPLACE VIEW agent_details AS
            SELECT
                a.agent, a.agent_id, a.name, a.team, a.time_zone, a.created_at, a.removal_asked_at,
                s.generation, s.shift, s.shift_since, s.last_effective_at, s.last_rank, s.next_punch_at, s.desired,
                s.hold_state, s.hold_until, s.hold_reason, s.hold_author,
                x.instance, x.account, e.name AS engine, x.instance_id, x.session_name,
                o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.reading_since, o.condition, o.reason, o.since,
                (SELECT p.value FROM settings_in_force p WHERE p.name = 'break_action') AS break_action
            FROM agents a
            JOIN agent_states s ON s.agent = a.agent
            LEFT JOIN instances x ON x.agent = a.agent
            LEFT JOIN engine_accounts e ON e.account = x.account
            LEFT JOIN observed_states o ON o.instance = x.instance
            LEFT JOIN looks l ON l.instance = x.instance;

            CREATE OR REPLACE VIEW agent_sessions AS
            SELECT
                s.agent, s.generation, s.shift, s.shift_since, s.last_effective_at, s.last_rank, s.next_punch_at, s.desired,
                s.hold_state, s.hold_until, s.hold_reason, s.hold_author,
                x.instance, x.account, x.instance_id, x.session_name,
                o.reading, greatest(o.read_at, l.looked_at) AS read_at, o.reading_since, o.condition, o.reason, o.since,
                (SELECT p.value FROM settings_in_force p WHERE p.name = 'break_action') AS break_action
            FROM agent_states s
            LEFT JOIN instances x ON x.agent = s.agent
            LEFT JOIN observed_states o ON o.instance = x.instance
            LEFT JOIN looks l ON l.instance = x.instance;
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 600 THEN RAISE; END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END
$migration$;
