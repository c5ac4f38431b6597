package import Domain
package import LibPQ
import ServiceLifecycle
import Synchronization

/// How fresh the looks of every engine account must be.
package struct FreshnessTable: Sendable, Hashable {
    private let accounts: [Int32: Freshness]
    private let fallback: Freshness
    /// The name of each account that was there when it was counted.
    let names: [Int32: String]

    init(accounts: [Int32: Freshness], fallback: Freshness, names: [Int32: String] = [:]) {
        self.accounts = accounts
        self.fallback = fallback
        self.names = names
    }

    /// The rule for an account; for one we do not know, the intervals as set.
    package subscript(account: Int32?) -> Freshness {
        account.flatMap { accounts[$0] } ?? fallback
    }

    /// For each account id from 1 on, the instant before which a look is stale.
    func staleBefore(_ desired: RunState, now: Timestamp) -> [Timestamp] {
        let last = accounts.keys.max() ?? 0
        return (0..<max(last, 1)).map { now - self[$0 + 1].lifetime(desired: desired) }
    }

    /// How long a look counts where nobody knows any more what was desired.
    var longestLifetimes: LookLifetimes {
        LookLifetimes(
            ofAccounts: (0..<max(accounts.keys.max() ?? 0, 1)).map { self[$0 + 1].longestLifetime.inSeconds },
            ofOthers: self[nil].longestLifetime.inSeconds
        )
    }
}

/// Knows how many instances each account has, and so how long a round of looks takes.
package final class FreshnessBook: Service {
    private struct State {
        var table: FreshnessTable
        var readAt: ContinuousClock.Instant?
    }

    private let pool: PQPool
    private let sweep: SweepPolicy
    private let callsPerSecond: [String: Int]
    private let state: Mutex<State>

    /// How long counts are used: fleets grow slowly, and a large one takes long to count.
    private static let recount = Duration.seconds(30)
    /// Between two counts where nobody asks.
    private static let interval = Duration.seconds(60)
    private static let recountOfLargeFleet = Duration.seconds(600)
    private static let largeFleet = 50_000
    /// Calls a second that an account counts with which is configured elsewhere.
    private static let otherCallsPerSecond = 50

    /// `callsPerSecond`: the budget of each configured account, by name.
    package init(pool: PQPool, sweep: SweepPolicy, callsPerSecond: [String: Int]) {
        self.pool = pool
        self.sweep = sweep
        self.callsPerSecond = callsPerSecond
        let fallback = Freshness(onShift: sweep.onShift, offShift: sweep.offShift, instances: 0, callsPerSecond: 1)
        state = Mutex(State(table: FreshnessTable(accounts: [:], fallback: fallback), readAt: nil))
    }

    /// The table as it was counted last, for those who must not wait; before that the intervals as set.
    var known: FreshnessTable { state.withLock { $0.table } }

    /// The table, counted anew when its time is over.
    package func table() async throws(PQError) -> FreshnessTable {
        let now = ContinuousClock.now
        let known = state.withLock { state -> FreshnessTable? in
            guard let readAt = state.readAt, readAt > now else {
                // Others go on with the old table while this request counts.
                if state.readAt != nil { state.readAt = now + .seconds(5) }
                return nil
            }
            return state.table
        }
        if let known { return known }
        let (table, instances) = try await count()
        state.withLock { state in
            state.table = table
            state.readAt = now + (instances > Self.largeFleet ? Self.recountOfLargeFleet : Self.recount)
        }
        return table
    }

    /// The names of all accounts, of those too that came after the last count.
    func names() async throws(PQError) -> [Int32: String] {
        let names = try await pool.rows("SELECT account, name FROM engine_accounts") { row throws(PQError) in
            (try row.column("account", as: Int32.self), try row.column("name", as: String.self))
        }
        return Dictionary(names) { first, _ in first }
    }

    /// Counts now and then, for ``known``, until the task is cancelled or shut down gracefully.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                _ = try? await self.table()  // Counted again the next time.
                try? await Task.sleep(for: Self.interval)  // Cancelled: the loop ends.
            }
        }
    }

    /// Counts the instances of every account; reads `instances` as a whole.
    private func count() async throws(PQError) -> (table: FreshnessTable, instances: Int) {
        let counts = try await pool.rows(
            """
            SELECT e.account, e.name, count(x.instance) AS instances
            FROM engine_accounts e
            LEFT JOIN instances x ON x.account = e.account
            GROUP BY e.account, e.name
            """
        ) { row throws(PQError) in
            (
                account: try row.column("account", as: Int32.self),
                name: try row.column("name", as: String.self),
                instances: Int(try row.column("instances", as: Int64.self))
            )
        }
        var accounts: [Int32: Freshness] = [:]
        for count in counts {
            accounts[count.account] = Freshness(
                onShift: sweep.onShift,
                offShift: sweep.offShift,
                instances: count.instances,
                callsPerSecond: callsPerSecond[count.name] ?? Self.otherCallsPerSecond
            )
        }
        let fallback = state.withLock { $0.table[nil] }
        let names = Dictionary(counts.map { ($0.account, $0.name) }) { first, _ in first }
        return (
            FreshnessTable(accounts: accounts, fallback: fallback, names: names),
            counts.reduce(0) { $0 + $1.instances }
        )
    }
}
