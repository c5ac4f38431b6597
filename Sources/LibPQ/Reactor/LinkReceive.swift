import CLibPQ

extension Link {
    /// Works through everything that has been read.
    func drain() -> Progress {
        guard let run else {
            // Has libpq look at notices, notifications and a farewell that came while nothing was asked.
            unsafe PQisBusy(connection)
            return isSevered ? .broken(abandoned()) : .pending
        }
        while !run.isAnswered {
            if unsafe PQisBusy(connection) == 1 {
                return isSevered ? .broken(abandoned()) : .pending
            }
            unsafe accept(PQgetResult(connection), run)
            if unsafe run.fatalState != nil || PQstatus(connection) == CONNECTION_BAD { isSevered = true }
            if isSevered, !run.isAnswered { return .broken(abandoned()) }
        }
        return isSevered ? .broken(abandoned()) : settle(run)
    }

    /// Everything is answered: rolls back where that is due, else ends the run.
    private func settle(_ run: Run) -> Progress {
        guard !isCancelling else { return .pending }
        let needsRollback = run.plan.isTransaction && run.failure != nil && !run.isRollingBack
        if needsRollback, !isOutsideTransaction {
            guard sendRollback(run) else { return .broken(abandoned()) }
            return .pending
        }
        let answer = run.answer(isReplicationSkipped: notices.sawReplicationSkipped)
        if run.plan.script != nil {
            cache.reset()
            unsafe PQenterPipelineMode(connection)
        }
        if run.failure != nil { cache.forgetUnconfirmed() }
        self.run = nil
        deadline = nil
        idleSince = Tick.now()
        return .finished(answer, isStale: run.isStale)
    }

    /// Takes one step of an answer: a result, or the `nil` that ends it.
    private func accept(_ result: OpaquePointer?, _ run: Run) {
        guard let result = unsafe result else {
            // The end of an answer that never began: libpq has given up.
            if !run.hasResult { isSevered = true } else { run.advance() }
            return
        }
        let storage = unsafe PQResultStorage(owning: result)
        run.hasResult = true
        // The storage frees the result with its last use; the pointer is read beside it.
        withExtendedLifetime(storage) { unsafe record(result, storage, run) }
    }

    private func record(_ result: OpaquePointer, _ storage: PQResultStorage, _ run: Run) {
        switch unsafe PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            succeed(storage, tag: unsafe String(cString: PQcmdStatus(result)), run)
        case PGRES_PIPELINE_SYNC:
            run.advance()
        case PGRES_PIPELINE_ABORTED:
            break
        case PGRES_FATAL_ERROR:
            fail(unsafe ServerReport(result), run)
        default:
            run.failure = run.failure ?? PQError(.invalidInput, "COPY is not supported")
            isSevered = true
        }
    }

    private func succeed(_ storage: PQResultStorage, tag: @autoclosure () -> String, _ run: Run) {
        switch run.expected[run.head] {
        case .deallocate(let name):
            cache.deallocated(name)
        case .prepare(let key, _):
            cache.confirm(key)
        case .statement:
            run.results.append(PQResult(storage))
        case .commit:
            // A COMMIT inside a failed transaction "succeeds" as ROLLBACK.
            guard tag() != "COMMIT" else { return }
            run.failure = PQError(.server, sqlState: "25P02", "the transaction had failed and was rolled back")
        case .begin, .rollback, .script, .sync:
            break
        }
    }

    private func fail(_ report: ServerReport, _ run: Run) {
        guard let state = report.sqlState else {
            // No code: libpq's own words about a connection that broke.
            isSevered = true
            return
        }
        guard !report.isFatal else {
            run.fatalState = state
            return
        }
        let statement: Int?
        switch run.expected[run.head] {
        case .deallocate(let name):
            cache.deallocated(name)
            return
        case .rollback where run.isRollingBack:
            isSevered = true
            return
        case .prepare(_, let index): statement = index
        case .statement(let index): statement = index
        case .begin, .commit, .rollback, .script, .sync: statement = nil
        }
        run.isStale = run.isStale || report.saysStatementIsStale
        run.failure = run.failure ?? report.error(.server, statement: statement)
    }
}

extension Run {
    /// The answer at ``head`` is complete.
    func advance() {
        head += 1
        hasResult = false
    }
}
