import Domain
import LibPQ

/// The statements of the blast-radius guard that run in the transaction of the change it judges.
enum GuardStatements {
    /// What the account of an incident of a held change is counted down from, see migration 0011.
    static let incidentBase: Int64 = -1_000_000_000

    /// How many instances passed changes had an effect on within the window.
    ///
    /// Index: `desired_changes_at`.
    static func recent(_ window: Duration) -> PQStatement {
        """
        SELECT coalesce(sum(c.instances), 0)::bigint AS count
        FROM desired_changes c
        WHERE c.at > now() - make_interval(secs => \(window.inSeconds))
        """
    }

    /// How many instances there are; read only when more than the floor would change.
    static var fleet: PQStatement { "SELECT count(*) AS count FROM instances" }

    /// Remembers what passed, and forgets what no window reaches any more.
    ///
    /// Index: `desired_changes_at`.
    static func note(_ instances: Int64, by actor: String, window: Duration) -> [PQStatement] {
        [
            "INSERT INTO desired_changes (at, actor, instances) VALUES (clock_timestamp(), \(actor), \(instances))",
            """
            DELETE FROM desired_changes
            WHERE at < now() - make_interval(secs => \(window.inSeconds * 2))
            """,
        ]
    }

    /// What is desired of the instances of some agents, of some sessions, and of some instances.
    ///
    /// Of one that nobody has it is stopped. Indexes: `agents_agent_id_key`, `instances_agent_key`, `instances_session_key`,
    /// `instances_pkey`, `agent_states_pkey`.
    static func runs(
        of agentIDs: [String],
        sessions: [AgentMapChange.Assignment] = [],
        instances: [Int64] = []
    ) -> PQStatement {
        """
        WITH wanted AS (
            SELECT x.instance
            FROM agents a
            JOIN instances x ON x.agent = a.agent
            WHERE a.agent_id = ANY (\(agentIDs))
            UNION
            SELECT i.instance
            FROM unnest(\(sessions.map(\.account)), \(sessions.map(\.instanceID))) AS n (account, instance_id)
            CROSS JOIN LATERAL (
                SELECT x.instance
                FROM instances x
                WHERE x.account = n.account
                  AND x.instance_id = n.instance_id
                OFFSET 0
            ) i
            UNION
            SELECT n.instance FROM unnest(\(instances)) AS n (instance)
        )
        SELECT x.instance, x.account, x.instance_id, a.agent_id, coalesce(s.desired, 0::smallint) AS desired,
            coalesce(s.rule, 'default') AS rule, a.removal_asked_at IS NOT NULL AS is_leaving,
            x.listed_by IS NOT NULL AS is_listed
        FROM wanted w
        JOIN instances x ON x.instance = w.instance
        LEFT JOIN agents a ON a.agent = x.agent
        LEFT JOIN agent_states s ON s.agent = x.agent
        """
    }

    /// Whether there are unmatched events under some names, or some sessions are known already.
    ///
    /// Indexes: `clock_events_unmatched`, `instances_session_key`.
    static func isKnown(_ names: [String], sessions: [AgentMapChange.Assignment]) -> PQStatement {
        """
        SELECT EXISTS (
            SELECT
            FROM unnest(\(names)) AS n (name)
            CROSS JOIN clock_sources s
            CROSS JOIN LATERAL (
                SELECT e.sequence
                FROM clock_events e
                WHERE e.agent IS NULL
                  AND e.source_id = s.source_id
                  AND e.external_id = n.name
                LIMIT 1
            ) e
        ) OR EXISTS (
            SELECT
            FROM unnest(\(sessions.map(\.account)), \(sessions.map(\.instanceID))) AS n (account, instance_id)
            CROSS JOIN LATERAL (
                SELECT x.instance
                FROM instances x
                WHERE x.account = n.account
                  AND x.instance_id = n.instance_id
                OFFSET 0
            ) x
        ) AS is_known
        """
    }

    /// What waits of some agents: for somebody, or to be carried out.
    ///
    /// Indexes: `agents_agent_id_key`, `guard_items_of_agent`.
    static func waiting(of agentIDs: [String]) -> PQStatement {
        """
        SELECT i.change, a.agent_id, i.kind, i.what, i.reason, i.desired_before, i.desired_after
        FROM agents a
        JOIN guard_items i ON i.agent = a.agent AND (i.state = 'held' OR (i.state = 'approved' AND i.outcome IS NULL))
        WHERE a.agent_id = ANY (\(agentIDs))
        """
    }

    /// Writes down that something has to wait, for no longer than `lifetime` and `noLaterThan` say.
    static func open(
        kind: HeldKind,
        reason: GuardReason,
        by actor: String,
        lifetime: Duration?,
        noLaterThan end: Timestamp? = nil,
        affected: Int64,
        fleet: Int64
    ) -> PQStatement {
        """
        INSERT INTO guard_changes (kind, reason, asked_by, expires_at, affected, fleet)
        VALUES (
            \(kind.rawValue), \(reason.rawValue), \(actor),
            least(now() + make_interval(secs => \(lifetime?.inSeconds)), \(end)), \(affected), \(fleet)
        )
        RETURNING change
        """
    }

    /// Adds agents' parts to a change.
    ///
    /// Index: `agents_agent_id_key`, `agent_states_pkey`.
    static func add(_ parts: [HeldPart], to change: Int64) -> PQStatement {
        """
        INSERT INTO guard_items (change, agent, kind, slot, what, desired_before, desired_after, reason, clocked_at)
        SELECT \(change), a.agent, n.kind, n.slot, n.what::jsonb, n.desired_before, n.desired_after, n.reason, s.last_effective_at
        FROM unnest(
            \(parts.map(\.agentID)), \(parts.map(\.what.kind)), \(parts.map(\.what.slot.rawValue)), \(parts.map(\.what.json.text)),
            \(parts.map(\.before.code)), \(parts.map(\.after.code)), \(parts.map(\.reason.rawValue))
        ) AS n (agent_id, kind, slot, what, desired_before, desired_after, reason)
        JOIN agents a ON a.agent_id = n.agent_id
        JOIN agent_states s ON s.agent = a.agent
        """
    }

    /// Raises the incident of a change, once, and says how much waits by now.
    ///
    /// Indexes: `guard_items_of_change`, `incidents_open_key`.
    static func raise(_ change: Int64) -> PQStatement {
        """
        INSERT INTO incidents AS i (account, kind, change, detail)
        SELECT \(incidentBase) - \(change), 'change_held', \(change), 'parts of the change that wait: ' || count(*)
        FROM guard_items g
        WHERE g.change = \(change)
          AND g.state = 'held'
        ON CONFLICT (account, kind) WHERE closed_at IS NULL DO UPDATE
        SET detail = excluded.detail
        """
    }

    static func audit(_ deed: String, of change: Int64, by actor: String, agents: Int) -> PQStatement {
        """
        INSERT INTO audit (actor, deed, subject, detail)
        VALUES (\(actor), \(deed), 'change ' || \(change)::text, jsonb_build_object('agents', \(Int64(agents))::bigint))
        """
    }

    /// Ends parts that something newer takes the place of, also those that were approved and are not carried out yet.
    ///
    /// Needs the lock that carrying them out needs. Indexes: `agents_agent_id_key`, `guard_items_of_agent`.
    static func supersede(_ agentIDs: [String], slot: HeldWhat.Slot, by actor: String) -> PQStatement {
        """
        UPDATE guard_items i
        SET state = 'superseded', decided_by = \(actor), decided_at = now()
        FROM agents a
        WHERE a.agent_id = ANY (\(agentIDs))
          AND i.agent = a.agent
          AND i.slot = \(slot.rawValue)
          AND (i.state = 'held' OR (i.state = 'approved' AND i.outcome IS NULL))
        """
    }

    /// Ends what waits to give an agent that is to go a session or events: it would take the removal back.
    ///
    /// Needs the lock of the map. Indexes: those of ``supersede(_:slot:by:)`` and ``close(by:)``.
    static func forget(_ agentID: String, by actor: String) -> [PQStatement] {
        [supersede([agentID], slot: .instance, by: actor), supersede([agentID], slot: .events, by: actor)]
            + close(by: actor)
    }

    /// Ends changes of which nothing waits any more, and their incidents.
    ///
    /// Whoever adds a part to a change has its row locked, so what seems to be empty is locked first, and looked at once more by a
    /// statement that sees what was committed until then. A change that somebody has locked is left to them, or to the next
    /// ``GuardKeeper``. A change whose parts ended in different ways is `mixed`. Indexes: `guard_changes_held`,
    /// `guard_items_of_change`.
    static func close(by actor: String) -> [PQStatement] {
        [
            """
            SELECT set_config('rollcall.closing', coalesce(string_agg(c.change::text, ','), ''), true)
            FROM (
                SELECT g.change
                FROM guard_changes g
                WHERE g.state = 'held'
                  AND g.kind NOT IN ('listing', 'setting')
                  AND NOT EXISTS (SELECT FROM guard_items i WHERE i.change = g.change AND i.state = 'held')
                ORDER BY g.change
                FOR UPDATE SKIP LOCKED
            ) c
            """,
            """
            WITH c AS (
                UPDATE guard_changes g
                SET state = coalesce(
                        (
                            SELECT CASE WHEN min(i.state) = max(i.state) THEN min(i.state) ELSE 'mixed' END
                            FROM guard_items i
                            WHERE i.change = g.change
                        ),
                        'superseded'
                    ),
                    decided_by = \(actor),
                    decided_at = now()
                WHERE g.state = 'held'
                  AND g.change = ANY (string_to_array(current_setting('rollcall.closing'), ',')::bigint[])
                  AND NOT EXISTS (SELECT FROM guard_items i WHERE i.change = g.change AND i.state = 'held')
                RETURNING g.change
            )
            UPDATE incidents i
            SET closed_at = now()
            FROM c
            WHERE i.account = \(incidentBase) - c.change
              AND i.kind = 'change_held'
              AND i.closed_at IS NULL
            """,
        ]
    }

    /// Marks sessions that an import brought, of agents of whom nobody ever said anything.
    static func mark(_ instances: [Int64], listedBy change: Int64) -> PQStatement {
        "UPDATE instances SET listed_by = \(change) WHERE instance = ANY (\(instances))"
    }
}
