import Synchronization

/// What a pool holds at one moment.
public struct PQPoolStatistics: Hashable, Sendable {
    /// Connections that exist: ``idle`` and ``busy``.
    public var open: Int { idle + busy }
    /// Connections nobody uses.
    public var idle = 0
    /// Connections in use, those of open transactions included.
    public var busy = 0
    /// Connections that are being made.
    public var connecting = 0
    /// Callers that wait for a connection.
    public var waiters = 0
}

/// Carries the numbers from the reactor's thread to whoever reads metrics.
final class StatisticsBoard: Sendable {
    private let shown = Mutex(PQPoolStatistics())

    var current: PQPoolStatistics { shown.withLock { $0 } }

    func show(_ counts: PoolState.Counts, waiters: Int) {
        shown.withLock { shown in
            shown = PQPoolStatistics(
                idle: counts.idle,
                busy: counts.busy,
                connecting: counts.connecting,
                waiters: waiters
            )
        }
    }
}
