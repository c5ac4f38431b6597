-- Since when somebody has to pair a session: one that nobody paired while its codes lasted fails, and is not what keeps failing.
-- The last release neither sets nor clears it; what it writes beside it tells what of it still counts (`Evidence.waitsForPairing`).
DO $migration$
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR attempt IN 1..600 LOOP
        BEGIN
            ALTER TABLE observed_states ADD COLUMN pairing_since timestamptz;
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
                (SELECT p.value FROM settings_in_force p WHERE p.name = 'break_action') AS break_action,
                o.pairing_since
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
                (SELECT p.value FROM settings_in_force p WHERE p.name = 'break_action') AS break_action,
                o.pairing_since
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
            EXIT;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = 600 THEN RAISE; END IF;
            PERFORM pg_sleep(0.1);
        END;
    END LOOP;
    PERFORM set_config('lock_timeout', '0', true);
END
$migration$;
