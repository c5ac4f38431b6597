import ClockSources
import Domain
import LibPQ

/// The records that are still to be fetched: a table, so that none is forgotten by a restart.
struct RecordFetchQueue: Sendable {
    /// How long a replica has a record to itself; longer than a fetch and the commit of what came can take.
    static let claim: Duration = .seconds(90)
    /// How long claiming records may take: who stops meanwhile waits for it.
    static let claimTimeout: Duration = .seconds(2)

    private let pool: PQPool
    let rings: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    init(pool: PQPool) {
        self.pool = pool
        (rings, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// A record that is due, taken for ``claim``.
    struct Item: Sendable, Hashable {
        var sourceID: Int32
        var reference: RecordReference
        /// Which wish this is; a later one has a higher number.
        var asked: Int64
        /// How often this wish was tried before.
        var attempts: Int
        /// Until when it is taken; by this its taker knows that nobody took it since.
        var claimedUntil: Timestamp
    }

    /// Says that something may be due.
    func ring() { bell.yield() }

    /// Asks for a record, once more if it is being fetched right now.
    ///
    /// A wish for a record that is asked for already draws its number under the row's lock: the one of the row that was not added
    /// was drawn before, and may be lower than that of a wish that is being fetched by now. Index: `record_fetches_pkey`.
    func ask(for reference: RecordReference, sourceID: Int32) -> PQStatement {
        """
        INSERT INTO record_fetches AS f (source_id, kind, record)
        VALUES (\(sourceID), \(reference.kind), \(reference.id))
        ON CONFLICT (source_id, kind, record) DO UPDATE
        SET asked = nextval('record_fetch_asks'),
            asked_at = excluded.asked_at,
            due_at = least(f.due_at, excluded.due_at),
            attempts = 0,
            failure = NULL
        """
    }

    /// Takes records that are due and that nobody else has.
    ///
    /// Index: `record_fetches_due`.
    func take(of sources: [Int32], limit: Int) async throws(PQError) -> [Item] {
        let items = try await pool.rows(
            """
            UPDATE record_fetches f
            SET claimed_until = now() + make_interval(secs => \(Self.claim.inSeconds)), attempts = f.attempts + 1
            FROM (
                SELECT source_id, kind, record
                FROM record_fetches
                WHERE due_at <= now()
                  AND source_id = ANY (\(sources))
                  AND (claimed_until IS NULL OR claimed_until <= now())
                ORDER BY due_at
                LIMIT \(Int64(limit))
                FOR UPDATE SKIP LOCKED
            ) n
            WHERE f.source_id = n.source_id
              AND f.kind = n.kind
              AND f.record = n.record
            RETURNING f.source_id, f.kind, f.record, f.asked, f.attempts, f.claimed_until
            """,
            timeout: Self.claimTimeout
        ) { row throws(PQError) in
            let reference = RecordReference(
                kind: try row.column("kind", as: String.self),
                id: try row.column("record", as: String.self)
            )
            let sourceID = try row.column("source_id", as: Int32.self)
            let asked = try row.column("asked", as: Int64.self)
            let attempts = Int(try row.column("attempts", as: Int32.self)) - 1
            let claimedUntil = try row.column("claimed_until", as: Timestamp.self)
            return reference.map {
                Item(
                    sourceID: sourceID,
                    reference: $0,
                    asked: asked,
                    attempts: attempts,
                    claimedUntil: claimedUntil
                )
            }
        }
        return items.compactMap { $0 }
    }

    /// Crosses a record off, unless it was asked for again meanwhile; then it is due at once.
    func settle(_ item: Item) async throws(PQError) {
        try await pool.pipeline([
            """
            DELETE FROM record_fetches
            WHERE source_id = \(item.sourceID)
              AND kind = \(item.reference.kind)
              AND record = \(item.reference.id)
              AND asked = \(item.asked)
            """,
            """
            UPDATE record_fetches
            SET claimed_until = NULL, due_at = now()
            WHERE source_id = \(item.sourceID)
              AND kind = \(item.reference.kind)
              AND record = \(item.reference.id)
              AND asked > \(item.asked)
            """,
        ])
    }

    /// Leaves a record for later, or for at once if it was asked for again meanwhile.
    ///
    /// `failure`: why, in one word.
    func postpone(_ item: Item, by delay: Duration, failure: String) async throws(PQError) {
        try await pool.execute(
            """
            UPDATE record_fetches
            SET claimed_until = NULL,
                due_at = CASE WHEN asked = \(item.asked) THEN now() + make_interval(secs => \(delay.inSeconds)) ELSE now() END,
                failure = \(failure)
            WHERE source_id = \(item.sourceID)
              AND kind = \(item.reference.kind)
              AND record = \(item.reference.id)
            """
        )
    }

    /// Leaves a record to others as if it had not been taken: it is due at once.
    func release(_ item: Item) async throws(PQError) {
        try await pool.execute(
            """
            UPDATE record_fetches
            SET claimed_until = NULL,
                attempts = CASE WHEN asked = \(item.asked) THEN \(Int32(clamping: item.attempts)) ELSE attempts END
            WHERE source_id = \(item.sourceID)
              AND kind = \(item.reference.kind)
              AND record = \(item.reference.id)
              AND claimed_until = \(item.claimedUntil)
            """
        )
    }
}
