import Logging

/// What happens on a connection once somebody has it.
extension PoolCore {
    /// Gives a connection to a job.
    func assign(_ job: Job, to id: UInt64) {
        guard let link = seats[id]?.link else { return tell(job, .failure(.poolClosed)) }
        let now = Tick.now()
        guard !link.isFoundDead(now) else {
            // Nothing was sent, so the job may have another connection, as the first of those that wait.
            seats[id] = nil
            let next = state.lost(id, now: now)
            wait(job, isRetry: true)
            return perform(next)
        }
        if job.isCancelled || job.lease.map({ leases[$0] != nil }) ?? false {
            tell(job, .failure(job.isCancelled ? .cancelled : .usedTwice))
            return perform(state.released(id, isReusable: true, now: now))
        }
        if let lease = job.lease {
            seats[id]?.lease = lease
            leases[lease] = .link(id)
        }
        start(job, on: link)
    }

    /// Runs a job on the connection that an earlier one of the same transaction or session used.
    func resume(_ lease: UInt64, _ state: Lease, with job: Job) {
        switch state {
        case .link(let id):
            guard let seat = seats[id], seat.job == nil else { return tell(job, .failure(.usedTwice)) }
            guard job.isCancelled else { return start(job, on: seat.link) }
            guard job.plan.isTransaction else { return tell(job, .failure(.cancelled)) }
            seats[id]?.job = job
            seats[id]?.refusal = .cancelled
            let limit = Tick.now() + configuration.cancelGrace
            handle(seat.link.start(Plan(end: .rollback), deadline: limit), of: id)
        case .broken(let error):
            if job.plan.isTransaction { leases[lease] = nil }
            tell(job, .failure(error))
        }
    }

    /// Ends a session: its connection may have settings, locks or tables of its own, so nobody else gets it.
    func end(lease: UInt64) {
        guard case .link(let id) = leases.removeValue(forKey: lease), let seat = seats[id] else { return }
        if seat.job == nil {
            perform(state.released(id, isReusable: false, now: .now()))
        } else {
            broke(id, seat.link.abandoned())
        }
    }

    private func start(_ job: Job, on link: Link) {
        seats[link.id]?.job = job
        handle(link.start(job.plan, deadline: job.deadline), of: link.id)
    }

    func handle(_ progress: Link.Progress, of id: UInt64) {
        switch progress {
        case .pending: break
        case .broken(let answer): broke(id, answer)
        case .finished(let answer, let isStale): conclude(id, answer, isStale: isStale)
        }
    }

    /// Everything was answered.
    private func conclude(_ id: UInt64, _ answer: Job.Answer, isStale: Bool) {
        guard let seat = seats[id], let job = seat.job else { return }
        if isStale {
            seat.link.cache.forgetAll()
            if !seat.isRetry, seat.refusal == nil, job.plan.isSelfContained, !job.isCancelled {
                seats[id]?.isRetry = true
                return start(job, on: seat.link)
            }
        }
        seats[id]?.job = nil
        seats[id]?.isRetry = false
        seats[id]?.refusal = nil
        let told = seat.refusal.map { .failure($0) } ?? answer
        if !keepsLease(job, told) { release(id, told) }
        tell(job, told)
    }

    /// Whether the connection stays with its transaction or session.
    private func keepsLease(_ job: Job, _ answer: Job.Answer) -> Bool {
        guard job.lease != nil else { return false }
        switch job.plan.end {
        case .implicit: return true
        case .commit, .rollback: return false
        case .open:
            if case .success = answer { return true }
            return false
        }
    }

    private func release(_ id: UInt64, _ answer: Job.Answer) {
        guard let seat = seats[id] else { return }
        if let lease = seat.lease { leases[lease] = nil }
        seats[id]?.lease = nil
        var isReusable = seat.link.isOutsideTransaction
        // The server was demoted under us; another one of the list can write.
        if case .failure(let error) = answer, error.sqlState == "25006" { isReusable = false }
        perform(state.released(id, isReusable: isReusable, now: .now()))
    }

    /// A connection is of no more use.
    func broke(_ id: UInt64, _ answer: Job.Answer) {
        guard let seat = seats.removeValue(forKey: id) else { return }
        if let lease = seat.lease {
            // Who runs something hears of it now; who does not, with the next call. A session may call again.
            let isOver = seat.job?.plan.isTransaction ?? false
            if case .failure(let error) = answer { leases[lease] = .broken(error) }
            if isOver { leases[lease] = nil }
        }
        logger.debug("database connection lost", metadata: ["connection": "\(id)"])
        perform(state.lost(id, now: .now()))
        if let job = seat.job { tell(job, seat.refusal.map { .failure($0) } ?? answer) }
    }

    /// The caller of a job gave up.
    func cancel(_ job: UInt64) {
        if let waiting = withdraw(job) { return tell(waiting, .failure(.cancelled)) }
        guard let (id, seat) = seats.first(where: { $0.value.job?.id == job }) else { return }
        stop(seat, .cancelled, id: id, now: .now())
    }

    /// Asks the server to cancel what runs; gives the connection up where that was done already or cannot be.
    func stop(_ seat: Seat, _ kind: PQError.Kind, id: UInt64, now: Tick) {
        let isOverdue = seat.link.deadline.map { $0 <= now } ?? false
        let wasStopped = seat.link.run?.stopKind != nil
        if wasStopped || cancelsUnderWay >= Self.cancelLimit {
            if isOverdue || !wasStopped { broke(id, seat.link.abandoned()) }
            return
        }
        let request = seat.link.stop(kind)
        guard request != nil || !isOverdue else { return broke(id, seat.link.abandoned()) }
        seat.link.deadline = now + configuration.cancelGrace
        guard let request else { return }
        cancelsUnderWay += 1
        request.send { [reactor] in _ = reactor.post(.cancelDelivered(id)) }
    }
}

extension PQError {
    static let poolClosed = PQError(.poolClosed, "the pool is shut down")
    static let cancelled = PQError(.cancelled, "the caller's task was cancelled")
    static let usedTwice = PQError(.invalidInput, "a transaction or session was used twice at a time")
    static let connectionLost = PQError(.connectionLost, "the connection broke")
}

extension PoolState.Limits {
    /// The bounds that a configuration names; what makes no sense is held within what does.
    init(_ configuration: PQConfiguration) {
        self.init(
            connections: max(1, configuration.maxConnections),
            minimum: min(max(0, configuration.minConnections), max(1, configuration.maxConnections)),
            waiters: max(0, configuration.maxWaiters),
            acquireTimeout: configuration.acquireTimeout,
            idleTimeout: configuration.idleTimeout
        )
    }
}
