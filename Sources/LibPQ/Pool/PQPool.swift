public import Logging

/// A bounded pool of connections to one database.
///
/// One thread of its own does all waiting for the network, so a call never blocks a thread of the cooperative pool. A call
/// costs one hop there and one back, however many statements it carries. Connections are made when first needed.
/// Every call ends: with its answer, by its deadline, or soon after its task is cancelled.
public final class PQPool: Sendable {
    /// How the pool was set up.
    public let configuration: PQConfiguration
    private let reactor: PQReactor<PoolCore.Command>
    private let board = StatisticsBoard()

    /// Starts the pool's thread; a connection string that cannot be read makes every call fail with `invalidInput`.
    ///
    /// - Parameters:
    ///   - configuration: where to connect, and the bounds.
    ///   - logger: told when the database becomes unreachable and reachable again.
    public init(_ configuration: PQConfiguration, logger: Logger) {
        self.configuration = configuration
        let board = self.board
        self.reactor = PQReactor { reactor, poll in
            PoolCore(configuration, reactor: reactor, poll: poll, board: board, logger: logger)
        }
    }

    deinit {
        _ = reactor.post(.shutdown(grace: .zero))
    }

    /// Refuses new calls, lets running ones end, closes every connection and ends the thread.
    ///
    /// - Parameter grace: how long running calls and transactions may take before they are cut off.
    public func shutdown(grace: Duration = .seconds(5)) async {
        _ = reactor.post(.shutdown(grace: grace))
        await reactor.finished()
    }

    /// The pool's own thread, for tasks that do little besides calling this pool: `withTaskExecutorPreference(pool.executor)`.
    ///
    /// Their calls then change no thread, which spares two hops a call. While such a task computes, no connection of this pool
    /// is served, so it must never compute for long nor block.
    public var executor: any TaskExecutor { reactor }

    /// Connections and waiters at this moment.
    public var statistics: PQPoolStatistics { board.current }

    /// Runs one statement in a transaction of its own: one round trip.
    ///
    /// - Parameters:
    ///   - statement: what to run.
    ///   - timeout: how long the caller waits, for a connection included; `nil` is ``PQConfiguration/callTimeout``.
    ///     Then the server is asked to cancel.
    /// - Returns: the rows, or how many were affected.
    /// - Throws: `commitUnknown` when the answer to a statement that may write was lost.
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

    /// Runs statements in one transaction and one round trip: all take effect, or none does.
    ///
    /// - Returns: one result for each statement, in order.
    /// - Throws: the first statement's error, with ``PQError/statementIndex``; those after it were skipped.
    @discardableResult
    public func pipeline(_ statements: [PQStatement], timeout: Duration? = nil) async throws(PQError) -> [PQResult] {
        guard !statements.isEmpty else { return [] }
        return try await submit(Plan(statements: statements), lease: nil, timeout: timeout)
    }

    /// Runs a body in a transaction.
    ///
    /// Takes a connection when the first statement is sent, and BEGIN travels with it. When the body returns without
    /// having committed, COMMIT is sent; when it throws, ROLLBACK. After an error of a statement the transaction is
    /// rolled back at once, and the body should throw.
    ///
    /// - Throws: what the body throws, or a ``PQError`` of the commit: `commitUnknown`, `notReplicated`, …
    @discardableResult
    public func withTransaction<Value>(
        isolation: PQIsolation = .readCommitted,
        _ body: (PQTransaction) async throws -> Value
    ) async throws -> Value {
        let transaction = PQTransaction(self, isolation: isolation)
        let value: Value
        do {
            value = try await body(transaction)
        } catch {
            await transaction.rollback()
            throw error
        }
        try await transaction.commit()
        return value
    }

    /// Runs a body with one connection for itself, for what lasts longer than a transaction: advisory locks, scripts.
    ///
    /// The connection is closed afterwards, so nothing of the session reaches anybody else.
    @discardableResult
    public func withConnection<Value>(_ body: (PQConnection) async throws -> Value) async rethrows -> Value {
        let connection = PQConnection(self)
        defer { connection.end() }
        return try await body(connection)
    }
}

extension PQPool {
    /// Hands a plan to the reactor and waits for its answer.
    ///
    /// - Parameters:
    ///   - plan: what to send.
    ///   - lease: the transaction or session it belongs to.
    ///   - timeout: how long the caller waits; `nil` is the configuration's limit, for a script none.
    ///   - isCancellable: false for what must be sent even by a cancelled task: COMMIT and ROLLBACK.
    /// - Returns: one result for each statement.
    /// - Throws: why there is none.
    func submit(
        _ plan: Plan,
        lease: UInt64?,
        timeout: Duration?,
        isCancellable: Bool = true
    ) async throws(PQError) -> [PQResult] {
        for statement in plan.statements { try statement.check() }
        let ticket = JobTicket()
        let limit = timeout ?? (plan.script == nil ? configuration.callTimeout : nil)
        let deadline = limit.map { Tick.now() + $0 }
        guard isCancellable else {
            return try await enqueue(plan, lease, deadline, ticket).get()
        }
        return try await withTaskCancellationHandler {
            await enqueue(plan, lease, deadline, ticket)
        } onCancel: {
            ticket.cancel()
            _ = reactor.post(.cancel(ticket.id))
        }.get()
    }

    /// Tells the reactor that a session is over.
    func end(lease: UInt64) {
        _ = reactor.post(.endLease(lease))
    }

    private func enqueue(_ plan: Plan, _ lease: UInt64?, _ deadline: Tick?, _ ticket: JobTicket) async -> Job.Answer {
        await withCheckedContinuation { continuation in
            let job = Job(plan, lease: lease, deadline: deadline, ticket: ticket, continuation: continuation)
            if !reactor.post(.run(job)) { job.fail(.poolClosed) }
        }
    }
}

extension PQResult {
    /// Reads each row.
    public func decoded<Value>(_ decode: (PQRow) throws(PQError) -> Value) throws(PQError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(rowCount)
        for index in 0..<rowCount { values.append(try decode(self[index])) }
        return values
    }
}
