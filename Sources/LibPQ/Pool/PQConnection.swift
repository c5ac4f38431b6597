import Synchronization

/// One connection for itself, inside ``PQPool/withConnection(_:)``; one call at a time.
public final class PQConnection: Sendable {
    private let pool: PQPool
    private let lease = JobTicket.nextID()
    private let isOpen = Mutex(false)

    init(_ pool: PQPool) {
        self.pool = pool
    }

    /// Runs one statement in a transaction of its own.
    @discardableResult
    public func query(_ statement: PQStatement, timeout: Duration? = nil) async throws(PQError) -> PQResult {
        try await pipeline([statement], timeout: timeout)[0]
    }

    /// Runs one statement and reads each row.
    public func rows<Value>(
        _ statement: PQStatement,
        timeout: Duration? = nil,
        _ decode: (PQRow) throws(PQError) -> Value
    ) async throws(PQError) -> [Value] {
        try await query(statement, timeout: timeout).decoded(decode)
    }

    /// Runs one statement and returns how many rows it inserted, changed, deleted or returned.
    @discardableResult
    public func execute(_ statement: PQStatement, timeout: Duration? = nil) async throws(PQError) -> Int {
        try await query(statement, timeout: timeout).affectedRows
    }

    /// Runs statements in one transaction and one round trip; see ``PQPool/pipeline(_:timeout:)``.
    @discardableResult
    public func pipeline(_ statements: [PQStatement], timeout: Duration? = nil) async throws(PQError) -> [PQResult] {
        guard !statements.isEmpty else { return [] }
        return try await submit(Plan(statements: statements), timeout: timeout)
    }

    /// Runs a text of several statements, as psql would send it: for migrations.
    ///
    /// Takes no values.
    ///
    /// Without BEGIN in it, the whole text is one transaction.
    ///
    /// - Parameters:
    ///   - sql: the text; whatever it contains is executed.
    ///   - timeout: how long the caller waits; `nil` is for ever, also where calls have a default.
    /// - Throws: the first error; what follows it was skipped.
    public func simpleQuery(_ sql: String, timeout: Duration? = nil) async throws(PQError) {
        guard !sql.utf8.contains(0) else { throw PQError(.invalidInput, PQStatement.Refusal.nulInText.rawValue) }
        _ = try await submit(Plan(script: sql), timeout: timeout)
    }

    /// Gives the connection back.
    func end() {
        if isOpen.withLock({ $0 }) { pool.end(lease: lease) }
    }

    private func submit(_ plan: Plan, timeout: Duration?) async throws(PQError) -> [PQResult] {
        isOpen.withLock { $0 = true }
        return try await pool.submit(plan, lease: lease, timeout: timeout)
    }
}
