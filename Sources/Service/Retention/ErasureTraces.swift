import Domain
import FoundationEssentials
import LibPQ
import Synchronization

/// Removes what is left of people who are gone from the map: their names in the ledger, raw bodies, ids of deliveries, words of
/// engines, the audit's subjects.
///
/// Erasing is rare, and nothing but a walk over all bodies finds every one that names somebody. So it goes in portions, each
/// with a transaction of its own and no lock that anybody waits for; a walk that is cut short begins anew.
struct ErasureTraces: Sendable {
    /// Rows of the ledger changed in one portion.
    static let eventPortion = 500
    /// Bodies read in one portion.
    static let bodyPortion: Int64 = 500
    /// Ids of deliveries read in one portion.
    static let idPortion: Int64 = 5_000
    /// How long a replica has an erasure to itself after each portion; longer than a portion can take.
    static let claim: Duration = .seconds(700)
    /// The longest a statement may take.
    static let longestStatement: Duration = .seconds(600)
    /// The pools that an erasure is under way on: whoever erases keeps a connection for long, and appends need the others.
    private static let busy = Mutex<Set<ObjectIdentifier>>([])

    let pool: PQPool

    /// Whose traces are removed.
    struct Erasure: Sendable {
        var id: UUID
        /// Surrogate numbers.
        var agents: [Int64]
        /// Those of agents who were once called by one of the names.
        var others: [Int64]
        var agentIDs: [String]
        var sourceIDs: [Int32]
        /// What each of ``sourceIDs`` calls the person.
        var externalIDs: [String]
        var names: [String]
        /// The last delivery before the erasure.
        var lastDelivery: Int64

        /// What the ledger says instead of the names.
        var erasedName: String { ErasedName.prefix + id.uuidString.lowercased() }
        /// Whether nothing is left to look for, only samples to draw.
        var isNameless: Bool { agents.isEmpty && agentIDs.isEmpty && externalIDs.isEmpty }
        /// Everything that means the person wherever it stands.
        var words: [String] {
            (agentIDs + externalIDs + names).filter(BodyPatterns.isDistinct)
        }
    }

    /// Removes the traces of the erasure that waits longest; `false` when none waits that nobody has, or another is under way on
    /// this pool.
    ///
    /// What it throws leaves the erasure waiting.
    func removeNext() async throws -> Bool {
        guard Self.busy.withLock({ $0.insert(ObjectIdentifier(pool)).inserted }) else { return false }
        defer { Self.busy.withLock { _ = $0.remove(ObjectIdentifier(pool)) } }
        // Whoever is cancelled while the claim is made would not know of it, and could not release it.
        guard let erasure = try await BackgroundTasks.toTheEnd({ try await take() }) else { return false }
        do {
            try await remove(erasure)
        } catch {
            await release(erasure)
            throw error
        }
        return true
    }

    /// Frees an erasure at once; if that fails too the claim ends by itself.
    private func release(_ erasure: Erasure) async {
        _ = try? await BackgroundTasks.toTheEnd {
            try await pool.execute("UPDATE erasures SET claimed_until = NULL WHERE erasure = \(erasure.id)")
        }
    }

    /// Takes what was told of everybody whose erasure waits, and what would be told yet: the rest may have to wait for others.
    func hush() async throws(PQError) {
        let waiting = try await pool.rows(
            """
            SELECT erasure, agents, others, agent_ids, source_ids, external_ids, names, last_delivery
            FROM erasures
            ORDER BY asked_at DESC
            LIMIT 100
            """,
            Erasure.init
        )
        for erasure in waiting where !erasure.isNameless {
            try await pool.pipeline([TraceStatements.blankAlerts(erasure), TraceStatements.deleteNotices(erasure)])
        }
    }

    /// Whether an erasure waits, or is under way.
    func isWaiting() async throws(PQError) -> Bool {
        try await !pool.query("SELECT 1 AS one FROM erasures LIMIT 1").isEmpty
    }

    private func take() async throws(PQError) -> Erasure? {
        let taken = try await pool.rows(
            """
            UPDATE erasures e
            SET claimed_until = now() + make_interval(secs => \(Self.claim.inSeconds))
            WHERE e.erasure = (
                SELECT n.erasure
                FROM erasures n
                WHERE n.claimed_until IS NULL OR n.claimed_until <= now()
                ORDER BY n.asked_at
                LIMIT 1
                FOR UPDATE SKIP LOCKED
            )
            RETURNING e.erasure, e.agents, e.others, e.agent_ids, e.source_ids, e.external_ids, e.names, e.last_delivery
            """,
            Erasure.init
        )
        return taken.first
    }

    private func remove(_ erasure: Erasure) async throws {
        if !erasure.isNameless { try await removeNames(erasure) }
        // Samples last, when no name is left to be drawn; whoever is cut short before comes back for them.
        try await pool.query("SELECT forget_samples()", timeout: Self.longestStatement)
        try await pool.execute("DELETE FROM erasures WHERE erasure = \(erasure.id)")
    }

    /// Removes the names wherever they stand, at the end those that say what to look for.
    private func removeNames(_ erasure: Erasure) async throws {
        let limit = Self.longestStatement
        // First of all: the rest may take long, and what waits to be told would be told meanwhile.
        try await pool.pipeline(
            [TraceStatements.blankAlerts(erasure), TraceStatements.deleteNotices(erasure), hold(erasure)],
            timeout: limit
        )
        // Bodies that are no part of the table at the moment would be passed over.
        let apart = try await pool.query("SELECT name FROM delivery_partitions() WHERE kind = 'apart'")
        guard apart.isEmpty else { throw BodiesApart() }
        try await eraseEvents(erasure)
        _ = try await pool.execute(TraceStatements.deleteBodies(receivedWithEventsOf: erasure), timeout: limit)
        var place: (Timestamp, Int64)? = (Timestamp(microseconds: -1 << 50), 0)
        while let from = place {
            place = try await walkBodies(erasure, after: from)
        }
        for source in Set(erasure.sourceIDs).sorted() {
            var last: String? = ""
            while let from = last {
                let result = try await pool.pipeline(
                    [TraceStatements.deleteIDs(erasure, source: source, after: from), hold(erasure)],
                    timeout: limit
                )
                last = try result[0].first?.column("last", as: String?.self)
            }
        }
        try await pool.pipeline(
            [
                TraceStatements.blankCommands(erasure), TraceStatements.blankIncidents(erasure),
                // Again: an incident that names the person may have been noted since.
                TraceStatements.deleteNotices(erasure),
                "SELECT erase_audit(\(erasure.id))", blank(erasure), hold(erasure),
            ],
            timeout: limit
        )
    }

    /// Takes the names out of the ledger.
    private func eraseEvents(_ erasure: Erasure) async throws(PQError) {
        var rest = try await pool.rows(TraceStatements.events(of: erasure), timeout: Self.longestStatement) {
            row throws(PQError) in try row.column("sequence", as: Int64.self)
        }[...]
        while !rest.isEmpty {
            let portion = Array(rest.prefix(Self.eventPortion))
            try await pool.pipeline(
                ["SELECT erase_events(\(erasure.id), \(portion))", hold(erasure)],
                timeout: Self.longestStatement
            )
            rest = rest.dropFirst(portion.count)
        }
    }

    private func walkBodies(
        _ erasure: Erasure,
        after place: (Timestamp, Int64)
    ) async throws(PQError) -> (Timestamp, Int64)? {
        let result = try await pool.pipeline(
            [TraceStatements.deleteBodies(naming: erasure, after: place), hold(erasure)],
            timeout: Self.longestStatement
        )
        guard let row = result[0].first else { return nil }
        return (try row.column("received_at", as: Timestamp.self), try row.column("delivery", as: Int64.self))
    }

    private func blank(_ erasure: Erasure) -> PQStatement {
        """
        UPDATE erasures
        SET agents = '{}', others = '{}', agent_ids = '{}', source_ids = '{}', external_ids = '{}', names = '{}'
        WHERE erasure = \(erasure.id)
        """
    }

    private func hold(_ erasure: Erasure) -> PQStatement {
        """
        UPDATE erasures
        SET claimed_until = now() + make_interval(secs => \(Self.claim.inSeconds))
        WHERE erasure = \(erasure.id)
        """
    }
}

/// The bodies of some time are being made a partition; it takes seconds.
struct BodiesApart: Error, CustomStringConvertible {
    let description = "bodies are being partitioned"
}

extension ErasureTraces.Erasure {
    fileprivate init(_ row: PQRow) throws(PQError) {
        self.init(
            id: try row.column("erasure", as: UUID.self),
            agents: try row.column("agents", as: [Int64].self),
            others: try row.column("others", as: [Int64].self),
            agentIDs: try row.column("agent_ids", as: [String].self),
            sourceIDs: try row.column("source_ids", as: [Int32].self),
            externalIDs: try row.column("external_ids", as: [String].self),
            names: try row.column("names", as: [String].self),
            lastDelivery: try row.column("last_delivery", as: Int64.self)
        )
    }
}
