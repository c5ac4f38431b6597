import Domain
import FoundationEssentials
import LibPQ

/// A part that was approved and has to be carried out.
struct DuePart: Sendable {
    var item: Int64
    var agentID: String
    /// `nil` for what this release does not know.
    var what: HeldWhat?
    /// Who asked and who approved, for the audit.
    var author: String
    /// Whether it is of an import.
    var isFromList: Bool
    /// Until when it is taken; by this its taker knows that nobody took it since.
    var claimedUntil: Timestamp

    init(_ row: PQRow) throws(PQError) {
        item = try row.column("item", as: Int64.self)
        agentID = try row.column("agent_id", as: String.self)
        what = HeldWhat(kind: try row.column("kind", as: String.self), json: try row.column("what", as: PQJSON.self))
        author = try row.column("author", as: String.self)
        isFromList = try row.column("is_from_list", as: Bool.self)
        claimedUntil = try row.column("claimed_until", as: Timestamp.self)
    }
}

/// The statements that carry out what was approved.
enum GuardDueStatements {
    /// The key of nobody: orders that are carried out carry their author's name alone.
    static let nobody = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// Takes a portion of what is due, as far as this release knows how it is carried out.
    ///
    /// Indexes: `guard_items_due`, `guard_items_pkey`, `agents_pkey`, `guard_changes_pkey`.
    static var claim: PQStatement {
        """
        UPDATE guard_items i
        SET claimed_until = now() + make_interval(secs => \(GuardDesk.claim.inSeconds))
        FROM (
            SELECT d.item
            FROM guard_items d
            WHERE d.state = 'approved'
              AND d.outcome IS NULL
              AND d.kind = ANY (\(HeldWhat.kinds))
              AND (d.claimed_until IS NULL OR d.claimed_until < now())
            ORDER BY d.item
            LIMIT \(GuardDesk.portion)
            FOR UPDATE SKIP LOCKED
        ) n, agents a, guard_changes g
        WHERE i.item = n.item
          AND a.agent = i.agent
          AND g.change = i.change
        RETURNING i.item, a.agent_id, i.kind, i.what, left(g.asked_by || ', approved by ' || i.decided_by, 200) AS author,
            g.kind = 'import' AS is_from_list, i.claimed_until
        """
    }

    /// Frees parts that nobody took since.
    ///
    /// Index: `guard_items_pkey`.
    static func release(_ parts: [DuePart]) -> PQStatement {
        """
        UPDATE guard_items i
        SET claimed_until = NULL
        FROM unnest(\(parts.map(\.item)), \(parts.map(\.claimedUntil))) AS n (item, claimed_until)
        WHERE i.item = n.item
          AND i.claimed_until = n.claimed_until
          AND i.outcome IS NULL
        """
    }

    /// Marks a part as done, in the transaction that carries it out; no row when another has done so or something newer took its
    /// place.
    ///
    /// Needs the agent's lock, as whatever is newer does. Index: `guard_items_pkey`.
    static func take(_ item: Int64) -> PQStatement {
        """
        UPDATE guard_items i
        SET outcome = 'done', claimed_until = NULL
        WHERE i.item = \(item)
          AND i.state = 'approved'
          AND i.outcome IS NULL
        """
    }

    /// Those of some parts that are still to be carried out, locked.
    ///
    /// Needs the lock of the map, as whatever is newer does. Index: `guard_items_pkey`.
    static func lock(_ items: [Int64]) -> PQStatement {
        """
        SELECT i.item
        FROM guard_items i
        WHERE i.item = ANY (\(items))
          AND i.state = 'approved'
          AND i.outcome IS NULL
        ORDER BY i.item
        FOR UPDATE
        """
    }

    /// Writes down what came of parts, unless that is written already or something newer took their place.
    ///
    /// Index: `guard_items_pkey`.
    static func complete(_ outcomes: [Int64: String]) -> PQStatement {
        let items = outcomes.keys.sorted()
        return """
            UPDATE guard_items i
            SET outcome = n.outcome, claimed_until = NULL
            FROM unnest(\(items), \(items.compactMap { outcomes[$0] })) AS n (item, outcome)
            WHERE i.item = n.item
              AND i.state = 'approved'
              AND i.outcome IS NULL
            """
    }

    /// Whether anything waits or is due; asked at rest.
    ///
    /// Indexes: `guard_changes_held`, `guard_items_due`.
    static var isAnything: PQStatement {
        """
        SELECT EXISTS (SELECT FROM guard_changes WHERE state = 'held') AS waits,
            EXISTS (SELECT FROM guard_items WHERE state = 'approved' AND outcome IS NULL) AS is_due,
            EXISTS (
                SELECT FROM guard_items i
                WHERE i.state = 'held'
                  AND i.slot = 'instance'
                  AND NOT EXISTS (SELECT FROM instances x WHERE x.agent = i.agent)
            ) AS may_clock
        """
    }

    /// What time alone, and agents' own clock events, do to what waits.
    ///
    /// An agent that has no session yet, and clocks after the change that gives it one was held, gets it: clock events are
    /// never held. Indexes: `guard_changes_held`, `guard_items_held`, `guard_items_of_change`, `instances_agent_key`,
    /// `instances_listed`, `incidents_open_key`.
    static var tend: [PQStatement] { settle + GuardStatements.close(by: "guard") + [forget] }

    private static var settle: [PQStatement] {
        [
            // Whoever marks sessions for a listing has its row locked: it is settled before that or not at all.
            """
            SELECT g.change
            FROM guard_changes g
            WHERE g.state = 'held'
              AND g.kind = 'listing'
            ORDER BY g.change
            FOR UPDATE
            """,
            """
            UPDATE guard_items i
            SET state = 'expired', decided_at = now()
            FROM guard_changes g
            WHERE g.state = 'held'
              AND g.expires_at <= now()
              AND i.change = g.change
              AND i.state = 'held'
            """,
            """
            UPDATE guard_items i
            SET state = 'approved', decided_by = 'the agent''s clock event', decided_at = now()
            FROM agent_states s
            WHERE i.state = 'held'
              AND i.slot = 'instance'
              AND s.agent = i.agent
              AND s.last_effective_at > coalesce(i.clocked_at, '-infinity')
              AND NOT EXISTS (SELECT FROM instances x WHERE x.agent = i.agent)
            """,
            """
            UPDATE guard_changes g
            SET state = 'settled', decided_at = now()
            WHERE g.state = 'held'
              AND g.kind = 'listing'
              AND NOT EXISTS (SELECT FROM instances x WHERE x.listed_by = g.change)
            """,
            """
            INSERT INTO incidents (account, kind, change, detail)
            SELECT \(GuardStatements.incidentBase) - g.change, 'change_held', g.change,
                'sessions that a list brought run, and nobody ever said that their agents are off'
            FROM guard_changes g
            WHERE g.state = 'held'
              AND g.kind = 'listing'
              AND EXISTS (
                SELECT FROM instances x JOIN observed_states o ON o.instance = x.instance
                WHERE x.listed_by = g.change AND o.reason = 'listed_only'
              )
            ON CONFLICT (account, kind) WHERE closed_at IS NULL DO NOTHING
            """,
            """
            UPDATE incidents i
            SET closed_at = now()
            FROM guard_changes g
            WHERE i.kind = 'change_held'
              AND i.closed_at IS NULL
              AND g.change = i.change
              AND g.kind = 'listing'
              AND NOT EXISTS (
                SELECT FROM instances x JOIN observed_states o ON o.instance = x.instance
                WHERE x.listed_by = g.change AND o.reason = 'listed_only'
              )
            """,
        ]
    }

    /// Lets go of old changes; a list that was refused is kept for as long as sessions carry its mark: without it they would be
    /// stopped.
    private static var forget: PQStatement {
        """
        DELETE FROM guard_changes g
        WHERE g.decided_at < now() - interval '90 days'
          AND NOT EXISTS (SELECT FROM instances x WHERE x.listed_by = g.change)
        """
    }
}
