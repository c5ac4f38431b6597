import Synchronization

/// A transaction of ``PQPool/withTransaction(isolation:_:)``; of use inside its body only, one call at a time.
public final class PQTransaction: Sendable {
    private enum Phase {
        /// Nothing was sent yet.
        case fresh
        case open
        /// A call is under way.
        case running
        case committed
        /// A statement failed, and everything was rolled back.
        case failed
    }

    private let pool: PQPool
    private let isolation: PQIsolation
    private let lease = JobTicket.nextID()
    private let phase = Mutex(Phase.fresh)

    /// How long a ROLLBACK may take before the connection is given up instead, which rolls back too.
    private static let rollbackTimeout = Duration.seconds(5)

    init(_ pool: PQPool, isolation: PQIsolation) {
        self.pool = pool
        self.isolation = isolation
    }

    deinit {
        // Only when a call was left running in a task that outlived the body: the connection must not stay taken.
        let isAbandoned = phase.withLock { $0 == .open || $0 == .running }
        if isAbandoned { pool.end(lease: lease) }
    }

    /// Runs statements in one round trip, BEGIN with the first, COMMIT too when asked for.
    ///
    /// - Parameters:
    ///   - statements: what to run, in order; may be empty.
    ///   - commit: ends the transaction with these statements; after that it is of no more use.
    ///   - timeout: how long the caller waits; `nil` is ``PQConfiguration/callTimeout``.
    /// - Returns: one result for each statement, in order.
    /// - Throws: the first statement's error, with ``PQError/statementIndex``; everything is rolled back then.
    ///   `commitUnknown` when the answer to COMMIT never came; `invalidInput` after a commit.
    @discardableResult
    public func run(
        _ statements: [PQStatement],
        commit: Bool = false,
        timeout: Duration? = nil
    ) async throws(PQError) -> [PQResult] {
        for statement in statements { try statement.check() }
        let isFresh = try begin()
        guard !statements.isEmpty || (commit && !isFresh) else {
            phase.withLock { $0 = commit ? .committed : isFresh ? .fresh : .open }
            return []
        }
        return try await send(statements, end: commit ? .commit : .open, isFresh: isFresh, timeout: timeout)
    }

    /// Runs one statement.
    @discardableResult
    public func query(_ statement: PQStatement, timeout: Duration? = nil) async throws(PQError) -> PQResult {
        try await run([statement], timeout: timeout)[0]
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

    /// Commits what the body left open.
    func commit() async throws(PQError) {
        switch phase.withLock({ $0 }) {
        case .fresh, .committed:
            phase.withLock { $0 = .committed }
        case .failed:
            throw Self.failedError
        case .running:
            throw .usedTwice
        case .open:
            _ = try await send([], end: .commit, isFresh: false, timeout: nil, isCancellable: false)
        }
    }

    /// Rolls back what the body left open.
    func rollback() async {
        guard phase.withLock({ $0 }) == .open else { return }
        // A ROLLBACK that fails closes the connection, and the server then rolls back by itself.
        _ = try? await send([], end: .rollback, isFresh: false, timeout: Self.rollbackTimeout, isCancellable: false)
    }

    /// Starts a call; returns whether it is the first.
    ///
    /// Throws when the transaction is over, or in a call already.
    private func begin() throws(PQError) -> Bool {
        let before = phase.withLock { phase in
            defer { if phase == .fresh || phase == .open { phase = .running } }
            return phase
        }
        switch before {
        case .fresh: return true
        case .open: return false
        case .running: throw .usedTwice
        case .failed: throw Self.failedError
        case .committed: throw PQError(.invalidInput, "the transaction has ended")
        }
    }

    private func send(
        _ statements: [PQStatement],
        end: Plan.End,
        isFresh: Bool,
        timeout: Duration?,
        isCancellable: Bool = true
    ) async throws(PQError) -> [PQResult] {
        let plan = Plan(begin: isFresh ? isolation : nil, statements: statements, end: end)
        do throws(PQError) {
            let results = try await pool.submit(plan, lease: lease, timeout: timeout, isCancellable: isCancellable)
            phase.withLock { $0 = end == .open ? .open : .committed }
            return results
        } catch {
            phase.withLock { $0 = .failed }
            throw error
        }
    }

    private static let failedError = PQError(.server, sqlState: "25P02", "the transaction was rolled back")
}
