import CLibPQ

extension Link {
    /// Sends a plan in one go, with one Sync at its end.
    ///
    /// The deadline is kept for the reactor, which watches it.
    func start(_ plan: Plan, deadline: Tick?) -> Progress {
        let run = Run(plan)
        self.run = run
        self.deadline = deadline
        notices.reset()
        let isSent = plan.script.map { send(script: $0, run) } ?? send(plan, run)
        guard isSent, flush() else {
            isSevered = true
            return drain()
        }
        return .pending
    }

    /// Ends a transaction that failed.
    func sendRollback(_ run: Run) -> Bool {
        run.isRollingBack = true
        return send(Plan.rollback, as: .rollback, run) && sync(run) && flush()
    }

    private func send(_ plan: Plan, _ run: Run) -> Bool {
        guard sendDeallocations(run) else { return false }
        if let isolation = plan.begin, !send(isolation.begin, as: .begin, run) { return false }
        for (index, statement) in plan.statements.enumerated() {
            guard send(statement, as: .statement(index), run) else { return false }
        }
        switch plan.end {
        case .implicit, .open: break
        case .commit: guard send(Plan.commit, as: .commit, run) else { return false }
        case .rollback: guard send(Plan.rollback, as: .rollback, run) else { return false }
        }
        return sync(run)
    }

    /// Has the server forget evicted statements.
    ///
    /// With a Sync of its own: some statements must stand alone between two of them, and an error must not spread.
    private func sendDeallocations(_ run: Run) -> Bool {
        guard !cache.discarded.isEmpty else { return true }
        for name in cache.discarded {
            let sql = "DEALLOCATE \(name)"
            guard unsafe PQsendQueryParams(connection, sql, 0, nil, nil, nil, nil, 1) == 1 else { return false }
            run.expected.append(.deallocate(name))
        }
        return sync(run)
    }

    private func sync(_ run: Run) -> Bool {
        run.expected.append(.sync)
        return unsafe PQpipelineSync(connection) == 1
    }

    private func send(script: String, _ run: Run) -> Bool {
        guard unsafe PQexitPipelineMode(connection) == 1 else { return false }
        run.expected.append(.script)
        return unsafe PQsendQuery(connection, script) == 1
    }

    /// Sends one statement, and before it what prepares it where the connection has not done so yet.
    private func send(_ statement: PQStatement, as expectation: Expectation, _ run: Run) -> Bool {
        let key = StatementCache.Key(text: statement.text, types: statement.types)
        let (name, isNew) = cache.name(for: key)
        if isNew {
            let count = Int32(truncatingIfNeeded: statement.types.count)
            guard unsafe PQsendPrepare(connection, name, statement.text, count, statement.types) == 1 else {
                return false
            }
            let index: Int? = if case .statement(let index) = expectation { index } else { nil }
            run.expected.append(.prepare(key, statement: index))
        }
        run.expected.append(expectation)
        return sendPrepared(name, statement)
    }

    /// Binds and runs a prepared statement; values and results travel in binary.
    private func sendPrepared(_ name: String, _ statement: PQStatement) -> Bool {
        let count = statement.slots.count
        guard count > 0 else {
            return unsafe PQsendQueryPrepared(connection, name, 0, nil, nil, nil, 1) == 1
        }
        // libpq copies the values into its own buffer before it returns, so the pointers need to live no longer.
        return unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
            unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 2 * count) { numbers in
                unsafe statement.withPayload { payload in
                    for (index, slot) in statement.slots.enumerated() {
                        unsafe values[index] = slot.length < 0 ? nil : payload + slot.offset
                        unsafe numbers[index] = Int32(truncatingIfNeeded: max(0, slot.length))
                        unsafe numbers[count + index] = 1
                    }
                    let lengths = numbers.baseAddress
                    let formats = unsafe lengths.map { unsafe $0 + count }
                    return unsafe PQsendQueryPrepared(
                        connection,
                        name,
                        Int32(truncatingIfNeeded: count),
                        values.baseAddress,
                        lengths,
                        formats,
                        1
                    ) == 1
                }
            }
        }
    }
}

extension PQStatement {
    /// Gives the bytes of the binds to a closure.
    ///
    /// Never a null pointer, which libpq would take for NULL.
    fileprivate func withPayload<Answer>(_ body: (UnsafePointer<CChar>) -> Answer) -> Answer {
        let bytes = payload.isEmpty ? [0] : payload
        return unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array that is not empty") }
            return unsafe body(base.assumingMemoryBound(to: CChar.self))
        }
    }
}
