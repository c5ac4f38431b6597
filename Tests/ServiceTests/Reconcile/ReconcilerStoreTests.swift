import Domain
import FoundationEssentials
import LibPQ
import Testing

@testable import Service

/// What every store has to do, PostgreSQL's and the simulation's alike.
@Suite("ReconcilerStore", .timeLimit(.minutes(3)))
struct ReconcilerStoreTests {
    @Test(arguments: StoreKind.allCases)
    func `an account is registered once, under one key`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let first = try await scene.store.register(["main", "spare"])
            #expect(first.count == 2 && first["main"] != first["spare"])
            #expect(try await scene.store.register(["spare"]) == ["spare": first["spare"]])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `the first beat takes nothing, the second what is free`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let account = try #require(try await scene.store.register(["main"])["main"])
            let (one, other) = (UUID(), UUID())
            #expect(try await scene.beat(one, account).terms.isEmpty)
            let taken = try await scene.beat(one, account)
            #expect(taken.terms == [account: 1] && taken.otherReplicas == 0)
            _ = try await scene.beat(other, account)
            let second = try await scene.beat(other, account)
            #expect(second.terms.isEmpty && second.otherReplicas == 1)
            #expect(try await scene.beat(one, account).terms == [account: 1])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a lease changes hands when its holder's heartbeat ran out, and its term grows`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (holder, account, term) = try await scene.lease()
            let next = UUID()
            _ = try await scene.beat(next, account)
            try await scene.expire(holder)
            let taken = try await scene.beat(next, account)
            #expect(taken.terms == [account: term + 1])
            // Nothing left in the last part of the lease, and before it nobody knows.
            let handover = try #require(taken.handovers[account])
            #expect(handover.spent == nil && handover.age >= Housekeeping.quietAtExpiry)
            #expect(try await scene.beat(holder, account).terms.isEmpty)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who leaves gives its leases up at once`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (holder, account, term) = try await scene.lease()
            let next = UUID()
            _ = try await scene.beat(next, account)
            try await scene.store.leave(holder, spent: [account: 7])
            let taken = try await scene.beat(next, account)
            #expect(taken.terms == [account: term + 1])
            let handover = try #require(taken.handovers[account])
            #expect(handover.spent == 7 && handover.age < .seconds(30))
            // It is told once, to who takes over.
            #expect(try await scene.beat(next, account).handovers.isEmpty)
            try await scene.store.leave(next, spent: [:])
            _ = try await scene.beat(holder, account)
            let unsaid = try await scene.beat(holder, account).handovers[account]
            #expect(unsaid.map { $0.spent } == .some(nil))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who drains gives up what is drained at once, keeps the rest, and takes nothing`(kind: StoreKind) async throws
    {
        try await kind.withScene { scene in
            let keys = try await scene.store.register(["main", "spare"])
            let (main, spare) = (try #require(keys["main"]), try #require(keys["spare"]))
            let (holder, next) = (UUID(), UUID())
            func beat(_ replica: UUID, _ accounts: [Int32]) async throws -> HeartbeatAnswer {
                let heartbeat = Heartbeat(replica: replica, release: "test", accounts: accounts, lastWake: 0)
                return try await scene.store.beat(heartbeat)
            }
            _ = try await beat(holder, [main, spare])
            // Told to stop in that instant: what is free stays free.
            #expect(try await beat(holder, []).terms.isEmpty)
            #expect(try await beat(holder, [main, spare]).terms == [main: 1, spare: 1])

            try await scene.store.layDown([main], of: holder, spent: [main: 7])
            #expect(try await beat(holder, []).terms == [spare: 1])
            _ = try await beat(next, [main, spare])
            let taken = try await beat(next, [main, spare])
            #expect(taken.terms == [main: 2])
            #expect(taken.handovers[main]?.spent == 7)
            // The other has as many now; still nothing is yielded but what is drained.
            #expect(try await beat(holder, []).yielding.isEmpty)
            #expect(try await beat(holder, []).terms == [spare: 1])
            try await scene.store.leave(holder, spent: [:])
            #expect(try await beat(next, [main, spare]).terms == [main: 2, spare: 2])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a beat names what was put in line since the last one, and what lies there too long`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (holder, account, _) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let wake = Wake(instance: instance, account: account)
            try await scene.enqueue(wake, at: try await scene.now() - .milliseconds(100))
            let first = try await scene.beat(holder, account)
            #expect(first.due == [wake] && first.lastWake > 0)
            #expect(try await scene.beat(holder, account, lastWake: first.lastWake).due.isEmpty)
            try await scene.enqueue(wake, at: try await scene.now() - .seconds(3))
            #expect(try await scene.beat(holder, account, lastWake: .max).due == [wake])
            #expect(try await scene.store.line(of: account) == [QueuedInstance(instance: instance, priority: .people)])
            #expect(try await scene.beat(UUID(), account).due.isEmpty, "only the holder hears of it")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what was put in line last is named however much lies there too long, and all of that in turn`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (holder, account, _) = try await scene.lease()
            var late: [Wake] = []
            for number in 1...5 {
                let (_, instance) = try await scene.addAgent("a\(number)", account: account)
                late.append(Wake(instance: instance, account: account))
                try await scene.enqueue(late[number - 1], at: try await scene.now() - .seconds(60))
            }
            var last = try await scene.beat(holder, account)
            #expect(last.due == late)
            let (_, instance) = try await scene.addAgent("new", account: account)
            try await scene.enqueue(Wake(instance: instance, account: account), at: try await scene.now())
            var named: [Int64] = []
            for _ in 1...4 {
                last = try await scene.beat(
                    holder,
                    account,
                    lastWake: named.isEmpty ? last.lastWake : .max,
                    lastOverdue: last.lastOverdue,
                    rowLimit: 2
                )
                named += last.due.map(\.instance)
            }
            // The fourth begins anew.
            let inTurn = [instance] + late.prefix(5).map(\.instance) + late.prefix(2).map(\.instance)
            #expect(named.filter { $0 != instance } == Array(inTurn.dropFirst()) && named.first == instance)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `more than one beat names is named by the next ones`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (holder, account, _) = try await scene.lease()
            var wakes: [Wake] = []
            for number in 1...3 {
                let (_, instance) = try await scene.addAgent("a\(number)", account: account)
                wakes.append(Wake(instance: instance, account: account))
                try await scene.enqueue(wakes[number - 1], at: try await scene.now())
            }
            let first = try await scene.beat(holder, account, rowLimit: 2)
            #expect(first.due == Array(wakes.prefix(2)) && first.hasMore)
            let rest = try await scene.beat(holder, account, lastWake: first.lastWake, rowLimit: 2)
            #expect(rest.due.first == wakes[2] && !rest.hasMore)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a page holds the instances of which the same is desired, by number`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            var instances: [Int64] = []
            for number in 1...5 { instances.append(try await scene.addAgent("a\(number)", account: account).instance) }
            let now = try await scene.now()
            _ = try await scene.append(scene.event("e1", "a2", .clockIn, at: now), leases: LeaseBook())
            #expect(try await scene.store.count(account, desired: .running) == 1)
            #expect(try await scene.store.count(account, desired: .stopped) == 4)
            let first = try await scene.store.page(account, desired: .stopped, after: 0, limit: 2)
            #expect(first.map(\.instance) == [instances[0], instances[2]])
            let rest = try await scene.store.page(account, desired: .stopped, after: instances[2], limit: 10)
            #expect(rest.map(\.instance) == [instances[3], instances[4]])
            #expect(first.map(\.address.instanceID) == ["i-a1", "i-a3"] && first.allSatisfy { $0.reading == nil })
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `the stalest come first, those that were never read before all others`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            #expect(try await scene.store.stalest(account, after: 0) == StalestPage(), "there is nobody")
            var instances: [Int64] = []
            for number in 1...15 { instances.append(try await scene.addAgent("a\(number)", account: account).instance) }
            let now = try await scene.now()
            for (age, instance) in instances.dropLast(2).enumerated() {
                let sentAt = now - .seconds(Int64(age))
                try await scene.pass(account, instance, term: term, news: [.read(.status(.stopped), sentAt: sentAt)])
            }
            // A look that finds what is stored is noted elsewhere.
            let clean = Look(instance: instances[12], lookedAt: now + .milliseconds(1), reading: .status(.stopped))
            try await scene.store.record([clean], of: account)
            let page = try await scene.store.stalest(account, after: 0)
            let expected = [instances[13], instances[14]] + instances[2...11].reversed()
            #expect(page.entries.map(\.instance) == expected && page.next == 0)
            #expect(page.entries.last?.reading == .status(.stopped) && page.entries.first?.reading == nil)
            #expect(
                try await scene.store.stalest(account, after: instances[13]).entries.map(\.instance) == [instances[14]]
            )
            #expect(try await scene.store.stalest(account + 1, after: 0) == StalestPage(), "they are another's")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what waits for an account is published by its holder alone`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (holder, account, _) = try await scene.lease()
            _ = try await scene.beat(holder, account)
            let forecast = LineForecast(asked: 3, counts: LineCounts(people: 2), finishesAt: try await scene.now())
            #expect(try await scene.store.publish([account: forecast], by: UUID()).isEmpty)
            #expect(try await scene.store.publish([account: forecast, account + 1: forecast], by: holder) == [account])
            try await scene.expire(holder)
            let next = UUID()
            _ = try await scene.beat(next, account)
            _ = try await scene.beat(next, account)
            #expect(try await scene.store.publish([account: forecast], by: holder).isEmpty)
            #expect(try await scene.store.publish([account: forecast], by: next) == [account])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a pass learns on whose behalf an instance is in line`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            try await scene.enqueue(Wake(instance: instance, account: account), at: now)
            let request = PassRequest(account: account, term: term, instances: [instance], timeout: .seconds(20))
            let written = try await scene.store.pass(request) { reading in
                #expect(reading.subjects.map(\.subject.priority) == [.people])
                return PassWriting(term: term, now: now)
            }
            #expect(written.plans.isEmpty)
        }
    }
}
