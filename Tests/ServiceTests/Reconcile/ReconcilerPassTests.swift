import Domain
import FoundationEssentials
import LibPQ
import Testing

@testable import Service

/// Passes through every store, PostgreSQL's and the simulation's alike.
@Suite("ReconcilerStore passes", .timeLimit(.minutes(3)))
struct ReconcilerPassTests {
    @Test(arguments: StoreKind.allCases)
    func `a pass under another term writes nothing`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let read = News.read(.status(.working), sentAt: try await scene.now())
            await #expect(throws: PassTransaction.LeaseLost.self) {
                try await scene.pass(account, instance, term: term + 1, news: [read])
            }
            #expect(try await scene.commands(of: instance).isEmpty)
            let plans = try await scene.pass(account, instance, term: term)
            #expect(plans.map(\.stored.evidence.reading) == [nil])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a pass writes the intent with its term, and the outcome of it later`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            let read = News.read(.status(.working), sentAt: now)
            let plans = try await scene.pass(account, instance, term: term, news: [read])
            let command = try #require(plans.first?.command)
            #expect(command.action == .stop)
            let intended = StoredCommand(action: 2, generation: command.generation, term: term)
            #expect(try await scene.commands(of: instance) == [intended])
            let answer = EngineAnswer(verdict: .ok, status: .stopped, httpStatus: 200)
            let ended = try await scene.now()
            let outcome = News.outcome(command, answer, sentAt: ended, endedAt: ended)
            let next = try await scene.pass(account, instance, term: term, news: [outcome])
            var completed = intended
            completed.verdict = "ok"
            #expect(try await scene.commands(of: instance) == [completed])
            #expect(next.first?.subject.condition == .stopping)
            #expect(next.first?.stored.evidence.reading == .status(.working))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `without the lease a pass writes no intent but a row that is due`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (holder, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let read = News.read(.status(.working), sentAt: try await scene.now())
            let plans = try await scene.pass(account, instance, term: term, mayAct: false, news: [read])
            #expect(plans.first?.command == nil)
            #expect(try await scene.commands(of: instance).isEmpty)
            #expect(try await scene.beat(holder, account).due.map(\.instance) == [instance])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an event restarts nothing by itself: the row is due at once, and the pass over it decides`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (holder, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            let read = News.read(.status(.failed), sentAt: now)
            try await scene.pass(account, instance, term: term, mayAct: false, news: [read])
            let leases = LeaseBook(clock: StillClock())
            leases.replace(with: [account: HeldLease(term: term, deadline: 1)])
            let clockIn = scene.event("e1", "ana", .clockIn, at: now)
            let result = try await scene.append(clockIn, leases: leases)
            #expect(result.plans.map(\.decision.action) == [.restart] && result.plans.map(\.command) == [nil])
            #expect(try await scene.commands(of: instance).isEmpty)
            // The append's clock may be some milliseconds ahead of the database's.
            var due: [Int64] = []
            for _ in 0..<100 where due.isEmpty { due = try await scene.beat(holder, account).due.map(\.instance) }
            #expect(due == [instance])
            let plans = try await scene.pass(account, instance, term: term)
            #expect(plans.map(\.command?.action) == [.restart] && plans.map(\.priority) == [.people])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what decides may refuse, and then nothing is written`(kind: StoreKind) async throws {
        struct Refusal: Error {}
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            try await scene.enqueue(Wake(instance: instance, account: account), at: try await scene.now())
            let request = PassRequest(account: account, term: term, instances: [instance, 999], timeout: .seconds(20))
            await #expect(throws: Refusal.self) {
                _ = try await scene.store.pass(request) { reading in
                    #expect(reading.term == term)
                    #expect(reading.subjects.map(\.subject.instance) == [instance])
                    throw Refusal()
                }
            }
            #expect(try await scene.store.line(of: account).count == 1)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a look replaces an older one only, and only where it says what is stored`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            let stopped = SessionReading.status(.stopped)
            try await scene.store.record([Look(instance: instance, lookedAt: now, reading: stopped)], of: account)
            #expect(try await scene.look(of: instance) == nil, "nothing is stored yet")
            try await scene.pass(account, instance, term: term, news: [.read(stopped, sentAt: now)])
            let later = now + .seconds(5)
            let both = [later, now].map { Look(instance: instance, lookedAt: $0, reading: stopped) }
            try await scene.store.record(both, of: account)
            #expect(try await scene.look(of: instance) == later)
            let other = Look(instance: instance, lookedAt: later + .seconds(1), reading: .status(.working))
            try await scene.store.record([other], of: account)
            #expect(try await scene.look(of: instance) == later)
            let plans = try await scene.pass(account, instance, term: term)
            #expect(plans.first?.stored.evidence.readAt == later)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `that a session asked for a scan is remembered when its codes have run out`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (_, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            _ = try await scene.append(scene.event("e1", "ana", .clockIn, at: now), leases: LeaseBook())
            try await scene.pass(account, instance, term: term, news: [.read(.status(.scanQRCode), sentAt: now)])
            let failed = News.read(.status(.failed), sentAt: now + .milliseconds(1))
            try await scene.pass(account, instance, term: term, news: [failed])
            let plan = try #require(try await scene.pass(account, instance, term: term).first)
            #expect(plan.stored.evidence.pairingSince == now)
            #expect(
                plan.command == nil && plan.stored.reason == .pairingRequired
                    && plan.decision.condition == .needsPairing
            )
        }
    }

    @Test(arguments: StoreKind.allCases, ["MISSING", "WORKING?"])
    func `a word of an engine's that is one of ours stays the engine's, and lets nobody go`(
        kind: StoreKind,
        word: String
    ) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            try await scene.removeAgent(agent)
            let read = News.read(.status(.unknown(word)), sentAt: try await scene.now())
            try await scene.pass(account, instance, term: term, news: [read])
            let plan = try #require(try await scene.pass(account, instance, term: term).first)
            #expect(plan.stored.evidence.reading == .status(.unknown(word)))
            #expect(plan.command == nil && plan.decision.condition == .unknown && plan.decision.reason == .unknownWord)
            try await scene.store.letGo(of: [instance])
            #expect(try await scene.pass(account, instance, term: term).count == 1, "it is still there")
        }
    }
}
