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
        loop.addIdleLook(look(7))
        loop.close()
        #expect(await reader.value.flatMap(\.self) == Array(1...7))
    }
}
