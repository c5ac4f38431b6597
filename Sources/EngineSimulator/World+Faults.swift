import Domain

extension World {
    /// Puts a fault into force: what concerns sessions as they are now happens at once, the rest waits in
    /// the book.
    ///
    /// - Returns: the fault's number in the book, `nil` when it does not stay, and how many sessions it
    ///   changed now.
    mutating func strike(_ order: FaultOrder, now: Timestamp) -> (id: Int?, sessions: Int) {
        var order = order
        var struck = 0
        let concerned = instanceIDs(in: order.scope)
        for instanceID in concerned {
            if let count = order.count, struck >= count { break }
            guard let index = find(instanceID, now: now) else { continue }
            if strike(order.kind, order.params ?? FaultParameters(), index, now: now) { struck += 1 }
        }
        guard order.kind.isKept else { return (nil, struck) }
        if let count = order.count, order.kind == .failed || order.kind == .stuckStarting {
            // Those struck now count as well.
            order.count = count - struck
            if count <= struck { return (nil, struck) }
        }
        return (faults.add(order, now: now), struck)
    }

    /// Changes one session as the fault says; `false` when there is nothing to change.
    private mutating func strike(
        _ kind: FaultKind,
        _ parameters: FaultParameters,
        _ index: Int,
        now: Timestamp
    ) -> Bool {
        let session = sessions[index]
        let later = now + .milliseconds(parameters.afterMs ?? 0)
        switch kind {
        case .stuckStarting:
            guard session.status == .starting else { return false }
            edit(index) { $0.steps = [] }
        case .failed:
            guard session.isRunning else { return false }
            edit(index) { $0.steps = [] }
            enter(index, .failed, at: now)
        case .needsQR:
            unpair(index, now: now)
        case .vanish:
            remove(session.instanceID)
        case .selfStop:
            guard session.isRunning else { return false }
            edit(index) { $0.steps = [] }
            schedule(index, .stopped, at: later)
        case .selfStart:
            guard !session.isRunning else { return false }
            schedule(index, .starting, at: later)
        case .selfRestart:
            guard session.isRunning else { return false }
            edit(index) { $0.steps = [] }
            schedule(index, .starting, at: later)
        case .flicker:
            guard session.status == .working else { return false }
            let word = SessionStatus(word: parameters.word ?? "STOPPED")
            enter(index, word, at: now)
            schedule(index, .working, at: now + .milliseconds(parameters.ms ?? 10_000))
        case .dead:
            guard session.status == .working else { return false }
            // No change that the engine knows of, so it tells nobody.
            edit(index) { $0.status = .suspect }
        case .slow, .late, .hang, .dropBeforeEffect, .dropAfterEffect, .cutReply, .lying200, .empty200, .errorIn200,
            .garbage200, .oversize, .unauthorized, .rateLimited, .error, .outage, .staleRead, .resurrect, .startWins,
            .unlisted:
            return false
        }
        if kind != .vanish { settle(index, now: now) }
        return true
    }

    private func instanceIDs(in scope: FaultScope) -> [String] {
        switch scope {
        case .all: sessions.map(\.instanceID)
        case .instances(let ids): ids.sorted()
        }
    }
}
