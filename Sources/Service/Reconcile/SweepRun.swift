import Domain
import Synchronization

/// One sweep that somebody asked for: counts what comes of it, and tells when it is over.
final class SweepRun: Sendable {
    /// What a sweep found and did, so far.
    struct Counts: Sendable, Hashable {
        /// Instances to look at.
        var instances = 0
        /// Looks that succeeded.
        var read = 0
        /// Looks that did not.
        var unread = 0
        /// Instances found otherwise than they should be.
        var drifted = 0
        /// Repairs whose outcome is there.
        var repaired = 0
        /// Repairs that wait: for confirmation, gap, budget, hold or a person.
        var deferred = 0
    }

    private struct State {
        var counts = Counts()
        /// Looks and repairs under way, and 1 until all pages are read, which may never be.
        var open = 1
        var waiter: CheckedContinuation<Void, Never>?
        /// Whether nobody is to wait any more.
        var isGivenUp = false
    }

    private let state = Mutex(State())

    /// Whether all pages are read, and every look and repair is over.
    var isOver: Bool { state.withLock { $0.open == 0 } }

    var counts: Counts { state.withLock { $0.counts } }

    /// So many instances more are to be looked at; each look ends with ``look(succeeded:drifted:isDeferred:)`` or a repair.
    func expect(looks count: Int) {
        state.withLock { state in
            state.counts.instances += count
            state.open += count
        }
    }

    /// A look ended and nothing is to be done.
    func look(succeeded: Bool, drifted: Bool = false, isDeferred: Bool = false) {
        finish { counts in
            counts.read += succeeded ? 1 : 0
            counts.unread += succeeded ? 0 : 1
            counts.drifted += drifted ? 1 : 0
            counts.deferred += isDeferred ? 1 : 0
        }
    }

    /// A look led to a command, whose outcome is now awaited instead.
    func lookLedToRepair() {
        state.withLock { state in
            state.counts.read += 1
            state.counts.drifted += 1
        }
    }

    /// A command that a look led to has its outcome, whatever that is.
    func repairEnded() {
        finish { $0.repaired += 1 }
    }

    /// All pages are read.
    func allExpected() {
        finish { _ in }
    }

    /// Waits until every look and repair is over, or ``giveUp()``, which may have come before.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                let isOver = state.open == 0 || state.isGivenUp
                if !isOver { state.waiter = continuation }
                return isOver
            }
            if isOver { continuation.resume() }
        }
    }

    /// Stops whoever waits, with the counts so far: their patience is at its end, or a page could not be read.
    func giveUp() {
        let waiter = state.withLock { state in
            state.isGivenUp = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    private func finish(_ change: (inout Counts) -> Void) {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            change(&state.counts)
            state.open -= 1
            guard state.open == 0 else { return nil }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }
}

extension SweepRun {
    /// Which sweep waits for which instance.
    static func byInstance(_ items: [PassItem]) -> [Int64: SweepRun] {
        var runs: [Int64: SweepRun] = [:]
        for item in items {
            guard let run = item.run else { continue }
            // Of two sweeps that looked at the same instance, the later one hears what comes of it.
            runs.updateValue(run, forKey: item.instance)?.look(succeeded: true)
        }
        return runs
    }

    /// Tells each sweep what was decided about its instances; one without a plan is gone.
    static func settle(_ runs: [Int64: SweepRun], with plans: [Plan]) {
        for plan in plans {
            guard let run = runs[plan.subject.instance] else { continue }
            if plan.command != nil {
                run.lookLedToRepair()
            } else {
                let isFine = plan.decision.condition == .converged || plan.decision.condition == .held
                run.look(succeeded: true, drifted: !isFine, isDeferred: !isFine)
            }
        }
        let existing = Set(plans.map(\.subject.instance))
        for (instance, run) in runs where !existing.contains(instance) { run.look(succeeded: false) }
    }
}
