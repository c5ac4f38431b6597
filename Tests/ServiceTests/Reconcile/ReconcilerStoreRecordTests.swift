import Domain
import Testing

@testable import Service

/// What every store has to do with the records of senders who keep them, and change and withdraw them.
@Suite("ReconcilerStore's records", .timeLimit(.minutes(3)))
struct ReconcilerStoreRecordTests {
    @Test(arguments: StoreKind.allCases)
    func `the highest version of a record stands, whatever comes after it`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            try await scene.pass(account, instance, term: term, news: [.read(.status(.stopped), sentAt: now)])
            let start = now - .seconds(600)
            let later = now - .seconds(500)
            let end = now - .seconds(300)
            try await scene.tell(scene.report("r1", of: "ana", version: 1, from: start, at: now - .seconds(50)))
            var expected = StoredShift(shift: .in, since: start, desired: .running, rule: .shift, generation: 1)
            #expect(try await scene.shift(of: agent) == expected)
            #expect(try await scene.store.line(of: account) == [QueuedInstance(instance: instance, priority: .people)])
            try await scene.tell(scene.report("r1", of: "ana", version: 3, from: later, at: now - .seconds(40)))
            expected.since = later
            #expect(try await scene.shift(of: agent) == expected)
            let old = scene.report("r1", of: "ana", version: 2, from: start, to: end, at: now - .seconds(30))
            #expect(try await scene.tell(old).map(\.effect) == [.superseded, .recorded])
            #expect(try await scene.shift(of: agent) == expected, "an older one comes late")
            let ended = scene.report("r1", of: "ana", version: 4, from: later, to: end, at: now - .seconds(20))
            try await scene.tell(ended)
            expected = StoredShift(shift: .out, since: end, rule: .shift, generation: 2)
            #expect(try await scene.shift(of: agent) == expected)
            let again = try await scene.tell(ended)
            #expect(again.map(\.agent?.generation) == [2, 2])
            #expect(try await scene.shift(of: agent) == expected, "it comes again")
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a withdrawal that names nobody is about whoever the record was said of`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, instance) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            let start = now - .seconds(600)
            let unknown = try #require(try await scene.tell(scene.withdrawal("r0", at: now - .seconds(55))).first)
            #expect(unknown.effect == .unmatched && unknown.agent == nil, "nobody ever said anything of it")
            try await scene.tell(scene.report("r1", of: "ana", version: 1, from: start, at: now - .seconds(50)))
            #expect(try await scene.shift(of: agent).shift == .in)
            let withdrawn = try await scene.tell(scene.withdrawal("r1", at: now - .seconds(40)))
            let receipt = try #require(withdrawn.first)
            #expect(receipt.effect == .recorded && receipt.agentID == nil)
            #expect(receipt.agent?.agent == agent && receipt.instance == instance)
            #expect(try await scene.shift(of: agent) == StoredShift(generation: 2))
            let again = try #require(try await scene.tell(scene.withdrawal("r1", at: now - .seconds(30))).first)
            #expect(again.isReplay && again.sequence == receipt.sequence && again.agent?.agent == agent)
            try await scene.tell(scene.report("r1", of: "ana", version: 9, from: start, at: now - .seconds(20)))
            #expect(try await scene.shift(of: agent) == StoredShift(generation: 2), "it is gone for good")
            // As a record of which nothing was said before it was withdrawn.
            try await scene.tell(scene.report("r0", of: "ana", version: 1, from: start, at: now - .seconds(10)))
            #expect(try await scene.shift(of: agent) == StoredShift(generation: 2))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a record that is given to another is the first one's no more, until it comes back`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (_, account, term) = try await scene.lease()
            let (ana, _) = try await scene.addAgent("ana", account: account)
            let (bo, instance) = try await scene.addAgent("bo", account: account)
            let now = try await scene.now()
            try await scene.pass(account, instance, term: term, news: [.read(.status(.stopped), sentAt: now)])
            let start = now - .seconds(600)
            try await scene.tell(scene.report("r1", of: "ana", version: 1, from: start, at: now - .seconds(50)))
            let onShift = StoredShift(shift: .in, since: start, desired: .running, rule: .shift, generation: 1)
            #expect(try await scene.shift(of: ana) == onShift)
            try await scene.tell(scene.report("r1", of: "bo", version: 2, from: start, at: now - .seconds(40)))
            #expect(try await scene.shift(of: ana) == StoredShift(generation: 2))
            #expect(try await scene.shift(of: bo) == onShift)
            #expect(
                try await scene.store.line(of: account).contains(QueuedInstance(instance: instance, priority: .people))
            )
            try await scene.tell(scene.report("r1", of: "ana", version: 3, from: start, at: now - .seconds(30)))
            var back = onShift
            back.generation = 3
            #expect(try await scene.shift(of: ana) == back)
            #expect(try await scene.shift(of: bo) == StoredShift(generation: 2))
            // Withdrawn by who names neither, it is nobody's.
            try await scene.tell(scene.withdrawal("r1", at: now - .seconds(20)))
            #expect(try await scene.shift(of: ana) == StoredShift(generation: 4))
            #expect(try await scene.shift(of: bo) == StoredShift(generation: 2))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `two reports of a record and its withdrawal in one batch come to nothing`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (ana, _) = try await scene.addAgent("ana", account: account)
            let (bo, _) = try await scene.addAgent("bo", account: account)
            let now = try await scene.now()
            let start = now - .seconds(600)
            let end = now - .seconds(300)
            let received = now - .seconds(50)
            let first = scene.report("r1", of: "ana", version: 1, from: start, at: received)
            let second = scene.report("r1", of: "ana", version: 2, from: start, to: end, at: received)
            let receipts = try await scene.tell(first + scene.withdrawal("r1", at: received) + second)
            #expect(Set(receipts.map(\.sequence)) == [1, 2, 3, 4])
            #expect(try await scene.shift(of: ana) == StoredShift())
            #expect(try await scene.store.line(of: account).isEmpty)
            // Of two reports in one batch the higher version stands, and each has its own agent.
            let third = scene.report("r2", of: "ana", version: 2, from: start, at: received)
            let fourth = scene.report("r2", of: "bo", version: 1, from: start, to: end, at: received)
            try await scene.tell(third + fourth)
            #expect(
                try await scene.shift(of: ana)
                    == StoredShift(shift: .in, since: start, desired: .running, rule: .shift, generation: 1)
            )
            #expect(try await scene.shift(of: bo) == StoredShift())
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a record's times to come are parked, and go when it is changed or withdrawn`(kind: StoreKind) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, _) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            let start = now - .seconds(600)
            let soon = now + .seconds(3600)
            let end = now + .seconds(7200)
            let first = scene.report("r1", of: "ana", version: 1, from: soon, to: end, at: now - .seconds(50))
            #expect(try await scene.tell(first).map(\.effect) == [.parked, .parked])
            #expect(try await scene.shift(of: agent) == StoredShift(nextPunchAt: soon))
            let second = scene.report("r1", of: "ana", version: 2, from: start, to: end, at: now - .seconds(40))
            try await scene.tell(second)
            var expected = StoredShift(shift: .in, since: start, nextPunchAt: end, desired: .running, rule: .shift)
            expected.generation = 1
            #expect(try await scene.shift(of: agent) == expected)
            try await scene.tell(scene.withdrawal("r1", of: "ana", at: now - .seconds(30)))
            #expect(try await scene.shift(of: agent) == StoredShift(generation: 2))
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a report without a version is newer than all before, and what stands said again is a repetition`(
        kind: StoreKind
    ) async throws {
        try await kind.withScene { scene in
            let (_, account, _) = try await scene.lease()
            let (agent, _) = try await scene.addAgent("ana", account: account)
            let now = try await scene.now()
            let start = now - .seconds(600)
            let end = now - .seconds(300)
            let open = { (ago: Int64) in
                scene.report("r1", of: "ana", version: nil, from: start, at: now - .seconds(ago))
            }
            try await scene.tell(open(50))
            let closed = scene.report("r1", of: "ana", version: nil, from: start, to: end, at: now - .seconds(40))
            try await scene.tell(closed)
            #expect(try await scene.shift(of: agent) == StoredShift(since: end, rule: .shift, generation: 2))
            let reopened = try #require(try await scene.tell(open(30)).first)
            #expect(!reopened.isReplay)
            let expected = StoredShift(shift: .in, since: start, desired: .running, rule: .shift, generation: 3)
            #expect(try await scene.shift(of: agent) == expected)
            let again = try #require(try await scene.tell(open(20)).first)
            #expect(again.isReplay && again.sequence == reopened.sequence)
            #expect(try await scene.shift(of: agent) == expected)
        }
    }
}
