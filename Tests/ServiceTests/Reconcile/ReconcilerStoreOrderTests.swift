import Domain
import Testing

@testable import Service

/// What every store has to do with the orders of people, and with what webhooks ask about.
@Suite("ReconcilerStore's orders", .timeLimit(.minutes(3)))
struct ReconcilerStoreOrderTests {
    private func hold(_ state: RunState, until: Timestamp) -> PersonsOrder {
        .hold(Hold(state: state, until: until, reason: "exam", author: "test"))
    }

    @Test(arguments: StoreKind.allCases)
    func `a hold decides at once, is replaced by the next, and its end gives the shift back`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            let until = try await scene.now() + .seconds(3600)
            let wakes = [Wake(instance: instance, account: account)]
            #expect(try await scene.take(hold(.running, until: until), about: "ana") == wakes)
            #expect(try await scene.shift(of: agent) == StoredShift(desired: .running, rule: .hold, generation: 1))
            #expect(try await scene.store.line(of: account) == [QueuedInstance(instance: instance, priority: .people)])
            #expect(try await scene.take(hold(.stopped, until: until), about: "ana") == wakes)
            #expect(try await scene.shift(of: agent) == StoredShift(rule: .hold, generation: 2))
            #expect(try await scene.known(of: agent)?.facts.hold?.state == .stopped)
            #expect(try await scene.take(.release, about: "ana") == wakes)
            #expect(try await scene.shift(of: agent) == StoredShift(generation: 3))
            #expect(try await scene.known(of: agent)?.facts.hold == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who is not held cannot be let go, and nobody is put in line`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, _) = try await scene.addAgent("ana", account: account)
            #expect(try await scene.take(.release, about: "ana").isEmpty)
            #expect(try await scene.store.line(of: account).isEmpty)
            #expect(try await scene.shift(of: agent) == StoredShift())
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a reboot is asked for where somebody is on shift`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            #expect(try await scene.take(.reboot, about: "ana").isEmpty)
            #expect(try await scene.store.line(of: account).isEmpty)
            let start = try await scene.now() - .seconds(60)
            try await scene.tell([scene.event("e1", "ana", .clockIn, at: start)])
            let onShift = StoredShift(shift: .in, since: start, desired: .running, rule: .shift, generation: 1)
            #expect(try await scene.shift(of: agent) == onShift)
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt == nil)
            #expect(try await scene.take(.reboot, about: "ana") == [Wake(instance: instance, account: account)])
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt != nil)
            #expect(try await scene.store.line(of: account) == [QueuedInstance(instance: instance, priority: .people)])
            #expect(try await scene.shift(of: agent) == onShift, "nothing else is desired")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a session that is read so that no reboot helps loses the wish for one, and gets none`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            try await scene.tell([scene.event("e1", "ana", .clockIn, at: now - .seconds(60))])
            #expect(try await scene.take(.reboot, about: "ana") == [Wake(instance: instance, account: account)])
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt != nil)
            try await scene.pass(account, instance, term: term, news: [.read(.status(.scanQRCode), sentAt: now)])
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt == nil)
            #expect(try await scene.take(.reboot, about: "ana").isEmpty)
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who is held gets no reboot until somebody lets go`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            try await scene.tell([scene.event("e1", "ana", .clockIn, at: now - .seconds(60))])
            let wakes = [Wake(instance: instance, account: account)]
            #expect(try await scene.take(hold(.running, until: now + .seconds(3600)), about: "ana") == wakes)
            #expect(try await scene.take(.reboot, about: "ana").isEmpty)
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt == nil)
            #expect(try await scene.take(.release, about: "ana") == wakes)
            #expect(try await scene.take(.reboot, about: "ana") == wakes)
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt != nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a hold that ran out gives nobody a reboot who is off shift, whatever was derived last`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            let until = try await scene.now() + .seconds(3600)
            let held = try await scene.take(hold(.running, until: until), about: "ana")
            #expect(held == [Wake(instance: instance, account: account)])
            try await scene.runOutHold(of: agent)
            #expect(try await scene.shift(of: agent).desired == .running, "no pass has been since")
            #expect(try await scene.take(.reboot, about: "ana").isEmpty)
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `who leaves gets no reboot`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, _) = try await scene.addAgent("ana", account: account)
            let start = try await scene.now() - .seconds(60)
            try await scene.tell([scene.event("e1", "ana", .clockIn, at: start)])
            try await scene.removeAgent(agent)
            #expect(try await scene.take(.reboot, about: "ana").isEmpty)
            #expect(try await scene.known(of: agent)?.subject?.evidence.rebootAskedAt == nil)
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a webhook is judged by the last read and the last command of its session`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            #expect(try await scene.hinted("i-nobody") == nil)
            #expect(try await scene.hinted("i-ana") == HintedSession())
            let now = try await scene.now()
            try await scene.pass(account, instance, term: term, news: [.read(.status(.stopped), sentAt: now)])
            #expect(try await scene.hinted("i-ana") == HintedSession(reading: .status(.stopped), readAt: now))
            let leases = LeaseBook(clock: StillClock())
            leases.replace(with: [account: HeldLease(term: term, deadline: 1)])
            let result = try await scene.append(scene.event("e1", "ana", .clockIn, at: now), leases: leases)
            let intended = try #require(result.plans.first?.subject.evidence.lastCommand)
            var known = HintedSession(
                reading: .status(.stopped),
                readAt: now,
                action: .start,
                sentAt: intended.sentAt
            )
            #expect(try await scene.hinted("i-ana") == known)
            // A look that finds what is stored is noted elsewhere, and is the last read all the same.
            let look = Look(instance: instance, lookedAt: now + .seconds(1), reading: .status(.stopped))
            try await scene.store.record([look], of: account)
            known.readAt = look.lookedAt
            #expect(try await scene.hinted("i-ana") == known)
            try await scene.removeAgent(agent)
            try await scene.store.letGo(of: [instance])
            #expect(try await scene.hinted("i-ana") == nil)
        }
    }
}
