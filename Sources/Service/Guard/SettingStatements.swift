import Domain
import LibPQ

/// The statements of settings that have to be the same for everybody (``SettingDesk``).
///
/// `agent_states` is read as a whole where it is asked who is on break: only when the setting changes, or a change of it waits.
enum SettingStatements {
    /// The one there is: what a break does.
    static let name = "break_action"

    /// How long after its lease ran out a replica still has a say: longer than any pause or failover after which it goes on.
    ///
    /// One that is stopped takes its row away, so nobody waits for it.
    static let absence: Duration = .seconds(60)

    /// Makes a value the one in force where none is, as soon as that is known.
    ///
    /// Replicas of an earlier release do not say what theirs is. While one lives nothing is in force, until somebody on break has
    /// something else stored than `own` desires: that is theirs then, and `own` is asked for like any other.
    ///
    /// Index: `settings_in_force_pkey`; `replicas` is small, and `agent_states` is read where none is in force.
    static func begin(_ own: String) -> PQStatement {
        """
        INSERT INTO settings_in_force (name, value)
        SELECT \(name), v.value
        FROM (
            SELECT coalesce(
                (
                    SELECT CASE s.desired WHEN 1 THEN 'keep' ELSE 'stop' END
                    FROM agent_states s
                    WHERE s.rule = \(Rule.onBreak.rawValue)
                      AND s.desired <> (CASE \(own)::text WHEN 'keep' THEN 1 ELSE 0 END)
                    LIMIT 1
                ),
                \(own)::text
            ) AS value
        ) v
        WHERE NOT EXISTS (SELECT FROM settings_in_force p WHERE p.name = \(name))
          AND (
            v.value <> \(own)
            OR NOT EXISTS (
                SELECT FROM replicas r
                WHERE r.break_action IS NULL
                  AND r.expires_at > now() - make_interval(secs => \(absence.inSeconds))
            )
          )
        ON CONFLICT (name) DO NOTHING
        """
    }

    /// What is in force, what was asked for, and whether all living replicas were started with `own`.
    ///
    /// One of an earlier release does not say, so it does not agree; one that is late with its heartbeat is asked too.
    /// Indexes: `settings_in_force_pkey`, `guard_changes_pkey`; `replicas` is small.
    ///
    /// `settling`: how long after a change those on break are looked through once more.
    static func standing(own: String, settling: Duration) -> PQStatement {
        """
        SELECT p.value, p.asked, p.change, p.is_refused, g.state, p.since > now() - make_interval(secs => \(settling.inSeconds)) AS is_recent,
            coalesce(
                (
                    SELECT bool_and(r.break_action IS NOT DISTINCT FROM \(own))
                    FROM replicas r
                    WHERE r.expires_at > now() - make_interval(secs => \(absence.inSeconds))
                ),
                false
            ) AS is_agreed
        FROM settings_in_force p
        LEFT JOIN guard_changes g ON g.change = p.change
        WHERE p.name = \(name)
        """
    }

    /// Keeps others from changing it until the transaction ends; after the lock of the map.
    ///
    /// Index: `settings_in_force_pkey`.
    static var lock: PQStatement { "SELECT 1 AS one FROM settings_in_force WHERE name = \(name) FOR UPDATE" }

    /// How many sessions would be wanted otherwise by a value.
    static func count(_ value: String) -> PQStatement {
        """
        SELECT count(*) AS count
        FROM agent_states s
        JOIN instances x ON x.agent = s.agent
        WHERE s.rule = \(Rule.onBreak.rawValue)
          AND s.desired <> (CASE \(value)::text WHEN 'keep' THEN 1 ELSE 0 END)
        """
    }

    /// The next of those on break of whom something else is stored than what is in force has desired.
    static func outdated(after agent: Int64) -> PQStatement {
        """
        SELECT s.agent
        FROM agent_states s
        WHERE s.agent > \(agent)
          AND s.rule = \(Rule.onBreak.rawValue)
          AND s.desired <> (
            SELECT CASE p.value WHEN 'keep' THEN 1 ELSE 0 END FROM settings_in_force p WHERE p.name = \(name)
          )
        ORDER BY s.agent
        LIMIT 500
        """
    }

    /// Brings a value into force.
    ///
    /// Index: `settings_in_force_pkey`.
    static func apply(_ value: String, by actor: String, sessions: Int64) -> [PQStatement] {
        [
            """
            UPDATE settings_in_force
            SET value = \(value), since = now(), asked = NULL, change = NULL, is_refused = false
            WHERE name = \(name)
            """,
            """
            INSERT INTO audit (actor, deed, subject, detail)
            VALUES (
                \(actor), 'setting.apply', \(name), jsonb_build_object('value', \(value)::text, 'sessions', \(sessions)::bigint)
            )
            """,
        ]
    }

    /// Writes down that a value waits in a change, and raises its incident.
    ///
    /// Indexes: `settings_in_force_pkey`, `incidents_open_key`.
    static func hold(_ value: String, in change: Int64, sessions: Int64) -> [PQStatement] {
        [
            """
            UPDATE settings_in_force
            SET asked = \(value), change = \(change), is_refused = false
            WHERE name = \(name)
            """,
            """
            INSERT INTO incidents (account, kind, change, detail)
            VALUES (
                \(GuardStatements.incidentBase) - \(change)::bigint, 'change_held', \(change),
                'sessions of which something else would be desired: ' || \(sessions)::bigint
            )
            ON CONFLICT (account, kind) WHERE closed_at IS NULL DO NOTHING
            """,
        ]
    }

    /// Forgets what was asked for.
    ///
    /// Index: `settings_in_force_pkey`.
    static var forget: PQStatement {
        "UPDATE settings_in_force SET asked = NULL, change = NULL, is_refused = false WHERE name = \(name)"
    }

    /// Writes down that somebody refused what was asked for.
    ///
    /// Index: `settings_in_force_pkey`.
    static var refuse: PQStatement { "UPDATE settings_in_force SET is_refused = true WHERE name = \(name)" }

    /// Ends the change that a value waits in, and its incident.
    ///
    /// Indexes: `guard_changes_pkey`, `incidents_open_key`.
    static func end(_ change: Int64, as state: HeldState, by actor: String) -> [PQStatement] {
        [
            """
            UPDATE guard_changes
            SET state = \(state.rawValue), decided_by = \(actor), decided_at = now()
            WHERE change = \(change)
              AND state = 'held'
            """,
            """
            UPDATE incidents
            SET closed_at = now()
            WHERE account = \(GuardStatements.incidentBase) - \(change)::bigint
              AND kind = 'change_held'
              AND closed_at IS NULL
            """,
        ]
    }
}
