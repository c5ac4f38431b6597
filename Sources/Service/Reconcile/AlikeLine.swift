import Domain
import Synchronization

/// The ``AlikeWatch``es of an account, shared by its passes: many logged out, many unknown to the engine, many that it refuses a
/// command, many that may be dead, many in a state that nobody here knows, many that go down again and again.
final class AlikeLine: Sendable {
    /// An incident that begins or ends.
    struct News: Sendable, Hashable {
        var kind: IncidentKind
        var isMany: Bool
    }

    private struct State {
        var watches: [IncidentKind: AlikeWatch] = [:]
        /// What was last told.
        var told: Set<IncidentKind> = []
    }

    private static let kinds: [IncidentKind: Set<Reason>] = [
        .sessionsLoggedOut: [.pairingRequired], .sessionsUnknown: [.sessionMissing],
        .commandsRefused: [.startRefused, .stopRefused], .sessionsSuspect: [.suspect], .wordsUnknown: [.unknownWord],
        .sessionsKeepFalling: [.keepsFalling],
    ]

    /// The reasons that are watched.
    static let reasons: Set<Reason> = kinds.values.reduce(into: []) { $0.formUnion($1) }

    private let state = Mutex(State())

    /// Begins anew with a lease.
    ///
    /// `open`: the incidents that a predecessor left open. `calm`: for how long only few may be so before one ends.
    func begin(open: Set<IncidentKind>, calm: Duration = RestartGate.usualCalm) {
        state.withLock { state in
            state.told = open.intersection(Self.kinds.keys)
            state.watches = Dictionary(
                uniqueKeysWithValues: Self.kinds.keys.map { ($0, AlikeWatch(isMany: open.contains($0), calm: calm)) }
            )
        }
    }

    /// Takes in an instance as it is stored when a lease is taken, so that what a predecessor saw counts on.
    ///
    /// `readingSince`: since when it reads as it does; `attentionSince`: since when somebody is needed.
    func meet(_ instance: Int64, reason: Reason, readingSince: Timestamp?, attentionSince: Timestamp, now: Timestamp) {
        state.withLock { state in
            for (kind, wanted) in Self.kinds where wanted.contains(reason) {
                let since = reason.isRefusal ? attentionSince : readingSince ?? now
                state.watches[kind, default: AlikeWatch()].meet(instance, since: since, now: now)
            }
        }
    }

    /// Takes in an instance that keeps falling and is up when a lease is taken.
    ///
    /// `fall`: when it was last started again.
    func meet(_ instance: Int64, upSince fall: Timestamp, now: Timestamp) {
        state.withLock { state in
            let kind = IncidentKind.sessionsKeepFalling
            state.watches[kind, default: AlikeWatch()].meet(instance, since: now - RestartGate.window, now: now)
            state.watches[kind]?.release(instance, at: fall + RestartGate.window)
        }
    }

    /// Takes in what passes found, and lets time pass; says what begins and ends.
    func take(_ plans: [Plan], now: Timestamp) -> [News] {
        state.withLock { state in
            var news: [News] = []
            for (kind, reasons) in Self.kinds {
                let isMany = state.watches[kind, default: AlikeWatch()].take(plans, reasons, now: now)
                guard isMany != state.told.contains(kind) else { continue }
                if isMany { state.told.insert(kind) } else { state.told.remove(kind) }
                news.append(News(kind: kind, isMany: isMany))
            }
            return news
        }
    }
}

extension AlikeWatch {
    /// Takes in plans and lets time pass; says whether many are so.
    fileprivate mutating func take(_ plans: [Plan], _ reasons: Set<Reason>, now: Timestamp) -> Bool {
        for plan in plans { take(plan, reasons, now: now) }
        if !isIdle { settle(now) }
        return isMany
    }

    private mutating func take(_ plan: Plan, _ reasons: Set<Reason>, now: Timestamp) {
        let instance = plan.subject.instance
        let reason = plan.decision.reason
        if reasons.contains(reason) {
            meet(instance, since: since(of: plan, now: now), now: now)
        } else if reasons.contains(.keepsFalling), reason == .working, let fall = plan.subject.evidence.falls.last {
            // It works for a while after each start; who falls later than this after one is started again at once.
            release(instance, at: fall + RestartGate.window)
        } else if !plan.decision.isStep(ofTriesAt: reasons) {
            release(instance)
        }
    }

    /// Since when it is so: by what is read, or for what comes and goes with every try, since it was first met.
    private func since(of plan: Plan, now: Timestamp) -> Timestamp {
        let reason = plan.decision.reason
        guard reason.isRefusal || reason == .keepsFalling else { return plan.subject.evidence.since(of: reason) ?? now }
        // What was stored so and is not remembered began at some time before.
        let wasSo = reason.isRefusal ? plan.stored.reason.isRefusal : plan.stored.reason == reason
        let began = wasSo ? now - RestartGate.window : now
        return since(of: plan.subject.instance) ?? began
    }
}

extension Reason {
    /// Whether the engine keeps refusing a command.
    fileprivate var isRefusal: Bool { self == .startRefused || self == .stopRefused }
}

extension Decision {
    /// Whether this is a step of a try after which it may be as before, for one of these reasons: then nothing has changed yet.
    fileprivate func isStep(ofTriesAt reasons: Set<Reason>) -> Bool {
        if reasons.contains(where: \.isRefusal) { return isStepOfTry }
        return reasons.contains(.keepsFalling) && isStepOfTry && !reason.isRefusal
    }

    private var isStepOfTry: Bool {
        switch reason {
        case .shouldRun, .shouldStop, .startSent, .stopSent, .restartSent, .booting, .stopGap, .outcomeUnknown,
            .lookFirst,
            .neverRead, .confirmingDrift, .wentDown, .cameUp, .retryLater, .startRefused, .stopRefused, .failedRestart,
            .stuckRestart, .accountRefused, .rebootAsked, .stale, .noInstance:
            true
        case .working, .stopped, .failedCountsAsStopped, .missingOffShift, .restartSpacing, .restartBudgetUsed,
            .pairingRequired, .sessionMissing, .unknownWord, .listedOnly, .keepsFalling, .keepsComingUp, .failingAlike,
            .suspect:
            false
        }
    }
}

extension Evidence {
    /// Since when a session has been so that somebody has to see to it; one whose codes ran out, since it asked for a scan.
    fileprivate func since(of reason: Reason) -> Timestamp? {
        reason == .pairingRequired && waitsForPairing ? pairingSince : readingSince
    }
}
