import Domain
import Synchronization
import Testing

@testable import Service

/// What every store has to do with clock events, and with what replicas tell each other.
@Suite("ReconcilerStore's events and hints", .timeLimit(.minutes(3)))
struct ReconcilerStoreEventTests {
    @Test(arguments: StoreKind.allCases)
    func `an event is in the ledger once, and intends a command where the lease is held`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            try await scene.pass(account, instance, term: term, news: [.read(.status(.stopped), sentAt: now)])
            let leases = LeaseBook(clock: StillClock())
            leases.replace(with: [account: HeldLease(term: term, deadline: 1)])
            let clockIn = scene.event("e1", "ana", .clockIn, at: now)
            let result = try await scene.append(clockIn, leases: leases)
            #expect(result.plans.map(\.command?.action) == [.start])
            #expect(try await scene.commands(of: instance).map(\.action) == [1])
            let again = try await scene.append(clockIn, leases: leases)
            #expect(again.plans.isEmpty)
            guard case .receipt(let receipt) = again.outcomes.first else {
                Issue.record("no receipt")
                return
            }
            #expect(receipt.sequence == 1 && receipt.agent?.desired == .running)
            leases.replace(with: [account: HeldLease(term: term + 1, deadline: 1)])
            let clockOut = scene.event("e2", "ana", .clockOut, at: now + .milliseconds(1))
            let kept = try await scene.append(clockOut, leases: leases)
            #expect(kept.plans.map(\.command) == [nil], "the term is not the lease's")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an event of the future is parked until a beat names it and it is folded again`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (holder, account, _) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            let soon = now + .seconds(1)
            let result = try await scene.append(scene.event("e1", "ana", .clockIn, at: soon), leases: LeaseBook())
            guard case .receipt(let receipt) = result.outcomes.first else {
                Issue.record("no receipt")
                return
            }
            #expect(receipt.effect == .parked)
            #expect(try await scene.unpark([agent]).isEmpty, "its time has not come")
            let patience = now + .seconds(30)
            while try await scene.beat(holder, account).parked != [agent] {
                try #require(try await scene.now() < patience)
            }
            #expect(try await scene.unpark([agent]) == [Wake(instance: instance, account: account)])
            #expect(try await scene.unpark([agent]).isEmpty, "its time has come once")
            #expect(try await scene.beat(holder, account).parked.isEmpty)
            #expect(try await scene.store.count(account, desired: .running) == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an instance goes once its agent leaves and it is proved to be down`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            try await scene.pass(account, instance, term: term, news: [.read(.status(.stopped), sentAt: now)])
            try await scene.store.letGo(of: [instance])
            #expect(try await scene.store.count(account, desired: .stopped) == 1, "its agent stays")
            try await scene.removeAgent(agent)
            try await scene.store.letGo(of: [instance])
            #expect(try await scene.store.count(account, desired: .stopped) == 0)
            #expect(try await scene.store.line(of: account).isEmpty)
        }
    }
    @Test(arguments: StoreKind.allCases)
    func `what one replica tells of is heard by another`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let other = scene.another
            let wakes = [Wake(instance: 7, account: 3), Wake(instance: 8, account: 3)]
            let heard = Mutex<[Wake]>([])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { @Sendable in
                    await other.hearOthers({ wakes in heard.withLock { $0 += wakes } }, onChange: { _ in })
                }
                // A hint may be lost.
                while heard.withLock({ $0.isEmpty }) {
                    try await scene.store.tellOthers(of: wakes)
                    try await scene.pause()
                }
                group.cancelAll()
            }
            #expect(heard.withLock { Set($0) } == Set(wakes))
        }
    }
}
