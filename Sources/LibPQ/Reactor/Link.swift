import CLibPQ
import Glibc

/// One connection and what runs on it.
///
/// Belongs to one reactor's thread; every libpq call on the connection is made there.
///
/// It is always in libpq's pipeline mode, except while a script runs.
@safe final class Link {
    /// What a step brought.
    enum Progress {
        case pending
        /// Everything is answered; the connection can take the next plan.
        case finished(Result<[PQResult], PQError>, isStale: Bool)
        /// The connection is of no more use; what ran on it failed with this.
        case broken(Result<[PQResult], PQError>)
    }

    /// Names the connection among those of its reactor; never reused.
    let id: UInt64
    // Proof: made by `PQconnectStart` before this object and handed over once; used by the reactor's thread alone
    // (this class is not Sendable); freed by `deinit`, after which nothing can reach it.
    let connection: OpaquePointer
    let notices: Notices
    private let poll: EventPoll
    private let descriptor: Int32
    var cache: StatementCache
    var run: Run?
    /// When the running plan must have ended, or the server's grace after a cancel.
    var deadline: Tick?
    /// Since when nothing runs.
    var idleSince = Tick.now()
    /// A cancel request is on its way; until it has arrived nothing else may run, or it would hit that.
    private(set) var isCancelling = false
    /// Nothing more can be read.
    var isSevered = false
    private var isWriting = false

    /// Takes over an established connection.
    init(id: UInt64, connection: OpaquePointer, notices: Notices, poll: EventPoll, cacheLimit: Int) {
        self.id = id
        unsafe self.connection = connection
        self.notices = notices
        self.poll = poll
        self.descriptor = unsafe PQsocket(connection)
        self.cache = StatementCache(limit: cacheLimit)
        unsafe PQsetnonblocking(connection, 1)
        unsafe PQenterPipelineMode(connection)
        poll.watch(descriptor, for: id, writing: false)
    }

    deinit {
        poll.forget(id)
        unsafe PQfinish(connection)
    }

    /// Whether the server sees no open transaction.
    var isOutsideTransaction: Bool {
        unsafe PQtransactionStatus(connection) == PQTRANS_IDLE
    }

    /// Whether the server has hung up or said goodbye, found without sending anything.
    ///
    /// A connection that was in use less than 2 ms ago is not asked: that would cost a system call for every statement
    /// under load.
    func isFoundDead(_ now: Tick) -> Bool {
        guard !isSevered, notices.fatalState == nil else { return true }
        guard idleSince + .milliseconds(2) <= now else { return false }
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
        if count < 0 { return errno != EAGAIN && errno != EINTR }
        if count > 0 { _ = receive() }
        return count == 0 || isSevered || notices.fatalState != nil
    }

    /// Handles a descriptor that can be read or written.
    func ready(_ event: EventPoll.Event) -> Progress {
        if event.isWritable, isWriting, !flush() { isSevered = true }
        return receive()
    }

    /// Reads what has come.
    private func receive() -> Progress {
        if unsafe PQconsumeInput(connection) == 0 { isSevered = true }
        return drain()
    }

    /// Sends what waits to be sent; false when the connection broke.
    func flush() -> Bool {
        let rest = unsafe PQflush(connection)
        let wantsWriting = rest == 1
        if wantsWriting != isWriting {
            isWriting = wantsWriting
            poll.watch(descriptor, for: id, writing: wantsWriting)
        }
        return rest >= 0
    }

    /// Prepares to ask the server to cancel what runs; `nil` when there is nothing to cancel, or it was asked already.
    func stop(_ kind: PQError.Kind) -> CancelRequest? {
        guard let run, run.stopKind == nil, !run.isAnswered, !run.isRollingBack else { return nil }
        run.stopKind = kind
        guard let request = unsafe CancelRequest(connection) else { return nil }
        isCancelling = true
        return request
    }

    /// The cancel request has arrived, or failed.
    func cancelDelivered() -> Progress {
        isCancelling = false
        return drain()
    }

    /// The end when the connection broke or is given up.
    func abandoned() -> Result<[PQResult], PQError> {
        guard let run else {
            return .failure(PQError(.connectionLost, sqlState: notices.fatalState, "the connection broke"))
        }
        guard run.isAnswered, !run.isRollingBack else {
            return .failure(run.lost(fatalState: notices.fatalState))
        }
        return run.answer(isReplicationSkipped: notices.sawReplicationSkipped)
    }

    /// Takes the next notification that was read.
    func nextNotification() -> PQNotification? {
        guard let notify = unsafe PQnotifies(connection) else { return nil }
        defer { unsafe PQfreemem(notify) }
        return PQNotification(
            channel: unsafe String(cString: notify.pointee.relname),
            payload: unsafe String(cString: notify.pointee.extra)
        )
    }
}
