import Domain
import Testing

@testable import Service

@Suite("PassLoop", .timeLimit(.minutes(1)))
struct PassLoopTests {
    private func look(_ instance: Int64) -> Look {
        Look(instance: instance, lookedAt: Timestamp(seconds: instance), reading: .status(.working))
    }

    @Test
    func `looks that nobody waits for are written with what else is`() async {
        let loop = PassLoop()
        loop.addIdleLook(look(1))
        loop.add(PassItem(instance: 2, priority: .people))
        let batch = await loop.next()
        #expect(batch?.items.map(\.instance) == [2] && batch?.looks.map(\.instance) == [1])
    }

    @Test
    func `a few of them are written together, and none is lost at the end`() async {
        let loop = PassLoop()
        let reader = Task {
            var batches: [[Int64]] = []
            while let batch = await loop.next() { batches.append(batch.looks.map(\.instance)) }
            return batches
        }
        for instance in 1...Int64(PassLoop.idleLookLimit) { loop.addIdleLook(look(instance)) }
        while loop.count > 0 { await Task.yield() }
        let last = Int64(PassLoop.idleLookLimit + 1)
        loop.addIdleLook(look(last))
        loop.close()
        #expect(await reader.value.flatMap(\.self) == Array(1...last))
    }

    @Test
    func `a batch that is not written for long is told of, from its beginning on, until it is`() async throws {
        let clock = DatabaseClock()
        let loop = PassLoop(clock: clock)
        let begin = clock.now()
        loop.add(PassItem(instance: 1, priority: .people))
        #expect(loop.unwrittenSince(now: begin + .seconds(60)) == nil, "nobody began to write it")
        _ = await loop.next()
        loop.add(PassItem(instance: 2, priority: .people))
        #expect(loop.unwrittenSince(now: clock.now()) == nil, "so long may it take")
        let since = try #require(loop.unwrittenSince(now: clock.now() + .seconds(60)))
        #expect((begin...clock.now()).contains(since))
        let batch = await loop.next()
        let later = try #require(loop.unwrittenSince(now: clock.now() + .seconds(60)))
        #expect(batch?.items.map(\.instance) == [2] && later >= since)
        loop.close()
        _ = await loop.next()
        #expect(loop.unwrittenSince(now: clock.now() + .seconds(60)) == nil)
    }
}
