/// A trip that is on its way: what was asked, what was answered.
final class Run {
    let plan: Plan
    /// What is answered, in order; those before ``head`` are.
    var expected: [Expectation] = []
    var head = 0
    /// Whether the answer at ``head`` has begun.
    var hasResult = false
    var results: [PQResult] = []
    /// The first error, as the server told it.
    var failure: PQError?
    /// The server ended the connection with this code.
    var fatalState: String?
    /// A statement failed because what was prepared no longer fits.
    var isStale = false
    var isRollingBack = false
    /// Why the server was asked to cancel: `timedOut` or `cancelled`.
    var stopKind: PQError.Kind?

    init(_ plan: Plan) {
        self.plan = plan
    }

    var isAnswered: Bool { head == expected.count }

    /// Whether the transaction cannot have been committed, whatever was lost.
    var isProvenAborted: Bool {
        if failure != nil || isRollingBack { return true }
        guard fatalState != nil, head < expected.count else { return false }
        return switch expected[head] {
        case .commit, .sync, .script: false
        case .deallocate, .prepare, .begin, .statement, .rollback: true
        }
    }

    /// What the caller is told once everything is answered.
    func answer(isReplicationSkipped: Bool) -> Result<[PQResult], PQError> {
        if var failure {
            if let stopKind, failure.sqlState == "57014" { failure.kind = stopKind }
            return .failure(failure)
        }
        guard !isReplicationSkipped else {
            return .failure(PQError(.notReplicated, sqlState: "01000", "the wait for a standby was cancelled"))
        }
        return .success(results)
    }

    /// What the caller is told when no more answers can come.
    func lost(fatalState idleState: String?) -> PQError {
        if let failure { return failure }
        let state = fatalState ?? idleState
        guard plan.mayCommit, !isProvenAborted else {
            return PQError(stopKind ?? .connectionLost, sqlState: state, "the connection broke")
        }
        return PQError(.commitUnknown, sqlState: state, "the connection broke before the answer to the commit")
    }
}
