import Domain
import Synchronization

/// The ``AlikeWatch``es of an account, shared by its passes: many logged out, and many unknown to the engine.
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

    private static let kinds: [IncidentKind: Reason] = [
        .sessionsLoggedOut: .pairingRequired, .sessionsUnknown: .sessionMissing,
    ]

    private let state = Mutex(State())

    /// Begins anew with a lease.
    ///
    /// `open`: the incidents that a predecessor left open.
    func begin(open: Set<IncidentKind>) {
        state.withLock { state in
            state.told = open.intersection(Self.kinds.keys)
            state.watches = Dictionary(
                uniqueKeysWithValues: Self.kinds.keys.map { ($0, AlikeWatch(isMany: open.contains($0))) }
            )
        }
    }

    /// Takes in an instance as it is stored when a lease is taken, so that what a predecessor saw counts on.
    func meet(_ instance: Int64, reason: Reason, since: Timestamp, now: Timestamp) {
        state.withLock { state in
            for (kind, wanted) in Self.kinds where wanted == reason {
                state.watches[kind, default: AlikeWatch()].meet(instance, since: since, now: now)
            }
        }
    }

    /// Takes in what passes found, and lets time pass; says what begins and ends.
    func take(_ plans: [Plan], now: Timestamp) -> [News] {
        state.withLock { state in
            var news: [News] = []
            for (kind, reason) in Self.kinds {
                var watch = state.watches[kind] ?? AlikeWatch()
                for plan in plans {
                    let instance = plan.subject.instance
                    if plan.decision.reason == reason {
                        watch.meet(instance, since: plan.subject.evidence.readingSince ?? now, now: now)
                    } else {
                        watch.release(instance)
                    }
                }
                if !watch.isIdle { watch.settle(now) }
                state.watches[kind] = watch
                guard watch.isMany != state.told.contains(kind) else { continue }
                if watch.isMany { state.told.insert(kind) } else { state.told.remove(kind) }
                news.append(News(kind: kind, isMany: watch.isMany))
            }
            return news
        }
    }
}
