import Domain
import LibPQ
import Logging

/// Asks an account's engine now and then while nothing is due, by a look at the instance that was longest not looked at, and
/// says when the engine is out.
///
/// Where sweeps ask more often it asks nothing. In a quiet installation that is one call in 5 s and account, and one statement a
/// minute for whom to look at.
struct SilenceWatch: Sendable {
    /// Sessions that are passed over because a look at them proved nothing; older ones are forgotten.
    static let suspectLimit = 16

    let worker: AccountWorker
    let store: any ReconcilerStore
    let leases: LeaseBook
    /// Without a sign of life for so long the engine is asked.
    let quietLimit: Duration
    let logger: Logger

    /// What it remembers between two looks.
    private struct Memory {
        var actingSince: Timestamp?
        /// Of the lease that was held last; it outlives a heartbeat that came late.
        var term: Int64?
        var probe: Probe?
        var instance: Int64?
        var failures = 0
        /// The stalest instances, as far as they were not looked at.
        var page: [SweepEntry] = []
        /// Where the walk through the account's instances goes on.
        var position: Int64 = 0
        var suspects: [Int64] = []
    }

    /// Watches while the task runs.
    func run() async {
        var memory = Memory()
        while !Task.isCancelled {
            let now = worker.clock.now()
            take(&memory, now: now)
            let load = worker.calls.load
            let situation = StalestLook(
                quietLimit: quietLimit,
                actingSince: leases.isRefused(worker.account) ? nil : memory.actingSince,
                calls: worker.standing.activity.calls,
                waiting: load.counts.total,
                isPaused: load.isPaused,
                last: memory.probe?.state,
                failures: memory.failures
            )
            if situation.isOutage(now: now) { worker.standing.noteOutage() }
            var pause = StalestLook.longPause
            switch situation.step(now: now) {
            case .wait(let instant): pause = max(instant - now, .milliseconds(1))
            case .look:
                pause = await look(&memory, situation, now: now) ? StalestLook.shortPause : quietLimit
            }
            try? await worker.clock.sleep(for: pause)  // Cancelled: the loop ends.
        }
    }

    /// Takes in whose the account is by now, and what came of the last look.
    private func take(_ memory: inout Memory, now: Timestamp) {
        let term = leases.lease(of: worker.account)?.term
        if let term, term != memory.term {
            memory = Memory(term: term)
            worker.standing.activity.begin()
        }
        if term == nil { memory.actingSince = nil } else { memory.actingSince = memory.actingSince ?? now }
        guard let verdict = memory.probe?.state.verdict, let instance = memory.instance else { return }
        memory.instance = nil
        memory.suspects.removeAll { $0 == instance }
        if EngineActivity.isSignOfLife(verdict, ofRead: true) {
            memory.failures = 0
        } else if verdict != .notSent {
            // One that is refused is neither served nor left without an answer.
            if !verdict.provesNothingWhenRead { memory.failures += 1 }
            memory.suspects.append(instance)
            if memory.suspects.count > Self.suspectLimit { memory.suspects.removeFirst() }
        }
    }

    /// Looks at the stalest instance; `false` when there is none, or the database does not say.
    private func look(_ memory: inout Memory, _ situation: StalestLook, now: Timestamp) async -> Bool {
        // Whatever else was looked at meanwhile may be fresher now than what was read.
        if situation.calls.askedAt != memory.probe?.state.leftAt { memory.page = [] }
        do {
            guard let entry = try await next(&memory) else { return false }
            let probe = Probe(askedAt: now)
            let isTaken = worker.look(
                entry.instance,
                entry.address,
                priority: .sweep,
                expected: entry.isSettled ? entry.reading : nil,
                probe: probe
            )
            guard isTaken else { return true }
            memory.probe = probe
            memory.instance = entry.instance
            return true
        } catch {
            logger.debug("stalest instances not read", metadata: [LogKeys.error: "\(error)"])
            return false
        }
    }

    /// The stalest instance that is no suspect; a suspect where there is nobody else.
    private func next(_ memory: inout Memory) async throws(PQError) -> SweepEntry? {
        if memory.page.isEmpty {
            var page = try await store.stalest(worker.account, after: memory.position)
            // The walk ended with the page before.
            if page.entries.isEmpty, memory.position > 0 { page = try await store.stalest(worker.account, after: 0) }
            memory.position = page.next
            memory.page = page.entries
        }
        let suspects = memory.suspects
        guard
            let place = memory.page.firstIndex(where: { !suspects.contains($0.instance) }) ?? memory.page.indices.first
        else { return nil }
        return memory.page.remove(at: place)
    }
}
