import Domain
import FoundationEssentials
import LibPQ
import Testing

@testable import Service

/// What both suites of the store do.
extension StoreScene {
    func beat(
        _ replica: UUID,
        _ account: Int32,
        lastWake: Int64 = 0,
        lastOverdue: Int64 = 0,
        rowLimit: Int64 = Housekeeping.rowLimit
    ) async throws -> HeartbeatAnswer {
        try await store.beat(
            Heartbeat(
                replica: replica,
                release: "test",
                accounts: [account],
                lastWake: lastWake,
                lastOverdue: lastOverdue,
                rowLimit: rowLimit
            )
        )
    }

    /// Folds agents again whose parked events have come due.
    func unpark(_ agents: [Int64]) async throws -> [Wake] {
        let clock = DatabaseClock()
        clock.put(to: try await now())
        return try await store.unpark(agents, policy: ReconcilePolicy(), clock: clock)
    }

    /// Registers the account and lets a replica take it.
    func lease() async throws -> (replica: UUID, account: Int32, term: Int64) {
        let account = try #require(try await store.register(["main"])["main"])
        let replica = UUID()
        _ = try await beat(replica, account)
        let term = try #require(try await beat(replica, account).terms[account])
        return (replica, account, term)
    }

    func event(_ id: String, _ agent: String, _ kind: PunchKind, at instant: Timestamp) -> IncomingEvent {
        IncomingEvent(
            dedupe: EventIdentity.named(id, sourceID: 1),
            sourceID: 1,
            externalID: agent,
            matchesAgentID: true,
            kind: kind,
            occurredAt: instant,
            hasOwnTime: true,
            receivedAt: instant,
            effectiveAt: instant,
            eventID: id
        )
    }

    /// A pass that takes in one read, and what it wrote.
    @discardableResult
    func pass(
        _ account: Int32,
        _ instance: Int64,
        term: Int64,
        mayAct: Bool = true,
        news: [News] = []
    ) async throws -> [Plan] {
        let clock = DatabaseClock()
        clock.put(to: try await now())
        let transaction = PassTransaction(
            store: store,
            account: account,
            policy: ReconcilePolicy(),
            clock: clock,
            timeout: .seconds(20)
        )
        var items = news.map { PassItem(instance: instance, news: $0, priority: .repair) }
        if items.isEmpty { items = [PassItem(instance: instance, priority: .repair)] }
        return try await transaction.run(items, term: term, mayAct: mayAct, isRefused: false)
    }
}

/// A clock by which no lease runs out.
struct StillClock: ProcessClock {
    func monotonic() -> Int64 { 0 }
    func sleep(until instant: Int64) async throws {}
}
