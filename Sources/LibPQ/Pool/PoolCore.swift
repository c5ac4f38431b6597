import Logging

/// The pool on its reactor's thread: carries out what ``PoolState`` decides, and moves plans through connections.
final class PoolCore: ReactorCore {
    enum Command: Sendable {
        case run(Job)
        /// The caller of a job gave up.
        case cancel(UInt64)
        /// The user of a session is done with it.
        case endLease(UInt64)
        case started(StartedConnection)
        /// A cancel request for a connection has arrived.
        case cancelDelivered(UInt64)
        /// Let what runs end within a grace, then close everything.
        case shutdown(grace: Duration)
    }

    /// A connection and who has it.
    struct Seat {
        let link: Link
        var job: Job?
        var lease: UInt64?
        /// The job was made again once already.
        var isRetry = false
        /// What the job is told whatever the server answers: it was refused, and its transaction is being rolled back.
        var refusal: PQError?
    }

    /// What a lease stands for.
    enum Lease {
        case link(UInt64)
        /// The connection broke while nothing ran on it; the next call is told.
        case broken(PQError)
    }

    /// Cancel requests under way at a time; beyond that a connection is given up instead.
    static let cancelLimit = 16

    let configuration: PQConfiguration
    let reactor: PQReactor<Command>
    let dialer: Dialer
    let logger: Logger
    private let board: StatisticsBoard
    var state: PoolState
    var seats: [UInt64: Seat] = [:]
    var leases: [UInt64: Lease] = [:]
    private var waiting: [UInt64: Job] = [:]
    private var lastConnectError = PQError(.connectionFailed, "no connection could be made yet")
    private var isConnecting = true
    var cancelsUnderWay = 0
    private var closeAt: Tick?
    /// Answers that are told once the numbers others can see are right.
    private var answers: [(job: Job, answer: Job.Answer)] = []

    init(
        _ configuration: PQConfiguration,
        reactor: PQReactor<Command>,
        poll: EventPoll,
        board: StatisticsBoard,
        logger: Logger
    ) {
        self.configuration = configuration
        self.reactor = reactor
        self.board = board
        self.logger = logger
        self.state = PoolState(limits: PoolState.Limits(configuration), seed: .random(in: 0 ... .max))
        let target = Result { () throws(PQError) in
            try configuration.validate()
            return try ConnectTarget(configuration)
        }
        self.dialer = Dialer(target, poll: poll) { start in _ = reactor.post(.started(start)) }
        perform(state.openMore(.now()))
    }

    var isFinished: Bool { state.isDrained }

    var nextDeadline: Tick? {
        var next = Tick.earlier(state.nextDeadline, dialer.nextDeadline)
        next = Tick.earlier(next, closeAt)
        for seat in seats.values { next = Tick.earlier(next, seat.link.deadline) }
        return next
    }

    func receive(_ command: Command) {
        switch command {
        case .run(let job): accept(job)
        case .cancel(let id): cancel(id)
        case .endLease(let lease): end(lease: lease)
        case .started(let start): dialer.started(start, now: .now()).map(handle)
        case .cancelDelivered(let id):
            cancelsUnderWay -= 1
            if let link = seats[id]?.link { handle(link.cancelDelivered(), of: id) }
        case .shutdown(let grace):
            closeAt = Tick.now() + grace
            perform(state.close())
        }
        settle()
    }

    func refuse(_ command: Command) {
        if case .run(let job) = command { job.fail(.poolClosed) }
    }

    func ready(_ event: EventPoll.Event) {
        if let link = seats[event.id]?.link {
            handle(link.ready(event), of: event.id)
        } else {
            dialer.ready(event.id, now: .now()).map(handle)
        }
        settle()
    }

    func tick(_ now: Tick) {
        dialer.expire(now).forEach(handle)
        for (id, seat) in seats where seat.link.deadline.map({ $0 <= now }) ?? false {
            stop(seat, .timedOut, id: id, now: now)
        }
        perform(state.tick(now))
        if let closeAt, closeAt <= now {
            self.closeAt = nil
            for (id, seat) in seats { broke(id, seat.link.abandoned()) }
        }
        settle()
    }

    /// Takes a call: on its lease's connection, or on any.
    private func accept(_ job: Job) {
        if let lease = job.lease, let state = leases[lease] {
            resume(lease, state, with: job)
        } else if job.isCancelled {
            tell(job, .failure(.cancelled))
        } else if job.lease == nil || job.plan.opensLease {
            wait(job)
        } else {
            tell(job, .failure(.connectionLost))
        }
    }

    /// Asks for a connection for a job.
    func wait(_ job: Job, isRetry: Bool = false) {
        let now = Tick.now()
        let limit = now + configuration.acquireTimeout
        waiting[job.id] = job
        let deadline = min(limit, job.deadline ?? limit)
        perform(state.request(job.id, deadline: deadline, isRetry: isRetry, now: now))
    }

    /// Forgets a job that still waits; `nil` when it does not.
    func withdraw(_ id: UInt64) -> Job? {
        guard state.withdraw(id) else { return nil }
        return waiting.removeValue(forKey: id)
    }

    /// Carries out what the state machine decided.
    func perform(_ actions: [PoolState.Action]) {
        for action in actions {
            switch action {
            case .open(let id):
                dialer.dial(id, now: .now()).map(handle)
            case .close(let id):
                dialer.abandon(id)
                seats[id] = nil
            case .assign(let connection, let waiter):
                if let job = waiting.removeValue(forKey: waiter) { assign(job, to: connection) }
            case .refuse(let waiter, let refusal):
                if let job = waiting.removeValue(forKey: waiter) { tell(job, .failure(error(for: refusal))) }
            }
        }
    }

    private func error(for refusal: PoolState.Refusal) -> PQError {
        switch refusal {
        case .overloaded: PQError(.poolOverloaded, "\(state.limits.waiters) callers wait already")
        case .timedOut: PQError(.poolTimeout, "no connection became free")
        case .unreachable: lastConnectError
        case .closed: .poolClosed
        }
    }

    private func handle(_ event: Dialer.Event) {
        switch event {
        case .connected(let link):
            seats[link.id] = Seat(link: link)
            if !isConnecting { logger.notice("database reachable again") }
            isConnecting = true
            perform(state.opened(link.id, now: .now()))
        case .failed(let id, let error):
            if isConnecting { logger.warning("database cannot be reached", metadata: ["error": "\(error)"]) }
            isConnecting = false
            lastConnectError = error
            perform(state.openFailed(id, now: .now()))
        }
    }

    /// Has a job's caller told what came of it.
    func tell(_ job: Job, _ answer: Job.Answer) {
        answers.append((job, answer))
    }

    /// Shows the numbers to other threads, then lets the callers go on, who may look at them.
    private func settle() {
        board.show(state.counts, waiters: state.waiters.count)
        guard !answers.isEmpty else { return }
        for (job, answer) in answers { job.answer(answer) }
        answers.removeAll(keepingCapacity: true)
    }
}
