import Synchronization

/// One call of a caller: what to do, until when, and who waits for it.
final class Job: Sendable {
    typealias Answer = Result<[PQResult], PQError>

    /// Never reused in this process.
    let id: UInt64
    let plan: Plan
    /// The transaction or session it belongs to; `nil` takes any connection, for this call only.
    let lease: UInt64?
    /// When the caller gives up; `nil` is never.
    let deadline: Tick?
    private let ticket: JobTicket
    private let continuation: CheckedContinuation<Answer, Never>

    init(
        _ plan: Plan,
        lease: UInt64?,
        deadline: Tick?,
        ticket: JobTicket,
        continuation: CheckedContinuation<Answer, Never>
    ) {
        self.id = ticket.id
        self.plan = plan
        self.lease = lease
        self.deadline = deadline
        self.ticket = ticket
        self.continuation = continuation
    }

    /// Whether the caller's task was cancelled, maybe before the job arrived.
    var isCancelled: Bool { ticket.isCancelled }

    /// Answers the caller; called exactly once.
    func answer(_ answer: Answer) {
        continuation.resume(returning: answer)
    }

    func fail(_ error: PQError) {
        answer(.failure(error))
    }
}

/// What a caller keeps of its job, to cancel it.
final class JobTicket: Sendable {
    private static let lastID = Atomic<UInt64>(0)
    private let cancelled = Atomic(false)
    let id: UInt64

    init() {
        id = Self.nextID()
    }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func cancel() {
        cancelled.store(true, ordering: .releasing)
    }

    /// A number that no job or lease of this process has had.
    static func nextID() -> UInt64 {
        lastID.wrappingAdd(1, ordering: .relaxed).newValue
    }
}
