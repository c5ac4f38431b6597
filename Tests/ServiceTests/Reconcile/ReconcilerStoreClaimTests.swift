import Domain
import Testing

@testable import Service

/// What every store has to do with events that nobody could match, once somebody is made an agent.
@Suite("ReconcilerStore's unmatched events", .timeLimit(.minutes(3)))
struct ReconcilerStoreClaimTests {
    @Test(arguments: StoreKind.allCases)
    func `what came before its agent takes effect when there is one`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let now = try await scene.now()
            let start = now - .seconds(600)
            let told = try await scene.tell([
                scene.event("e1", "s1", .clockIn, at: start), scene.event("e2", "s2", .clockIn, at: start),
            ])
            #expect(told.map(\.effect) == [.unmatched, .unmatched] && told.allSatisfy { $0.agent == nil })
            let (agent, instance) = try await scene.mapAgent("s1", account: account)
            let onShift = StoredShift(shift: .in, since: start, desired: .running, rule: .shift, generation: 1)
            #expect(try await scene.shift(of: agent) == onShift)
            #expect(try await scene.store.line(of: account) == [QueuedInstance(instance: instance, priority: .people)])
            let end = now - .seconds(60)
            let ended = try await scene.tell([scene.event("e3", "s1", .clockOut, at: end)])
            #expect(ended.map(\.effect) == [.applied])
            #expect(try await scene.shift(of: agent) == StoredShift(since: end, rule: .shift, generation: 2))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who is new and of whom nothing was said is put in line as well`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, instance) = try await scene.mapAgent("s1", account: account)
            #expect(try await scene.shift(of: agent) == StoredShift())
            #expect(try await scene.store.line(of: account) == [QueuedInstance(instance: instance, priority: .people)])
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `old news starts nothing, and comes once its end is known`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let now = try await scene.now()
            let start = now - .seconds(25 * 3600)
            let end = now - .seconds(3600)
            try await scene.tell([scene.event("e1", "s1", .clockIn, at: start)])
            let (agent, instance) = try await scene.mapAgent("s1", account: account)
            #expect(try await scene.shift(of: agent) == StoredShift())
            #expect(try await scene.store.line(of: account) == [QueuedInstance(instance: instance, priority: .people)])
            try await scene.tell([scene.event("e2", "s1", .clockOut, at: end)])
            #expect(try await scene.shift(of: agent) == StoredShift(since: end, rule: .shift, generation: 1))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `an old record that was left out is withdrawn by who names nobody, or ended`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let now = try await scene.now()
            let start = now - .seconds(25 * 3600)
            let end = now - .seconds(3600)
            for (record, name) in [("r1", "s1"), ("r2", "s2")] {
                try await scene.tell(scene.report(record, of: name, version: 1, from: start, at: start))
            }
            let (one, _) = try await scene.mapAgent("s1", account: account)
            let (other, _) = try await scene.mapAgent("s2", account: account)
            #expect(try await scene.shift(of: one) == StoredShift())
            let withdrawn = try await scene.tell(scene.withdrawal("r1", at: now - .seconds(50)))
            #expect(withdrawn.map(\.agent?.agent) == [one], "it is the one's to decide on")
            #expect(try await scene.shift(of: one) == StoredShift())
            let ended = scene.report("r2", of: "s2", version: 2, from: start, to: end, at: now - .seconds(40))
            try await scene.tell(ended)
            #expect(try await scene.shift(of: other) == StoredShift(since: end, rule: .shift, generation: 1))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a record that was withdrawn, or given to another, before its agent came starts nothing`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (ana, _) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            let start = now - .seconds(600)
            try await scene.tell(scene.report("r1", of: "s1", version: 1, from: start, at: now - .seconds(50)))
            let withdrawn = try await scene.tell(scene.withdrawal("r1", at: now - .seconds(40)))
            #expect(withdrawn.map(\.effect) == [.unmatched])
            try await scene.tell(scene.report("r2", of: "s1", version: 1, from: start, at: now - .seconds(30)))
            try await scene.tell(scene.report("r2", of: "ana", version: 2, from: start, at: now - .seconds(20)))
            let onShift = StoredShift(shift: .in, since: start, desired: .running, rule: .shift, generation: 1)
            #expect(try await scene.shift(of: ana) == onShift)
            let (agent, _) = try await scene.mapAgent("s1", account: account)
            #expect(try await scene.shift(of: agent) == StoredShift())
            #expect(try await scene.shift(of: ana) == onShift)
            // Given back, it is theirs, and Ana's no more.
            try await scene.tell(scene.report("r2", of: "s1", version: 3, from: start, at: now - .seconds(10)))
            #expect(try await scene.shift(of: agent) == onShift)
            #expect(try await scene.shift(of: ana) == StoredShift(generation: 2))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `what somebody left out goes with them: who comes under the same name inherits nothing`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let now = try await scene.now()
            let start = now - .seconds(25 * 3600)
            let end = now - .seconds(3600)
            try await scene.tell([scene.event("e1", "s1", .clockIn, at: start)])
            let (first, instance) = try await scene.mapAgent("s1", account: account)
            try await scene.pass(account, instance, term: term, news: [.read(.status(.stopped), sentAt: now)])
            try await scene.removeAgent(first)
            try await scene.store.letGo(of: [instance])
            #expect(try await scene.known(of: first)?.facts == nil)
            let (second, _) = try await scene.mapAgent("s1", account: account)
            #expect(second != first)
            try await scene.tell([scene.event("e2", "s1", .clockOut, at: end)])
            #expect(try await scene.shift(of: second) == StoredShift(), "it closes nothing of theirs")
        }
    }
}
