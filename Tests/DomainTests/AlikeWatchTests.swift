import Domain
import Testing

@Suite("AlikeWatch")
struct AlikeWatchTests {
    private let start = Timestamp(microseconds: 1_800_000_000_000_000)
    private let many = Int64(RestartGate.stormLimit)

    /// Meets instances that are so since `since`, and lets them be judged.
    private func meet(_ watch: inout AlikeWatch, _ instances: Range<Int64>, since: Timestamp, now: Timestamp) {
        for instance in instances { watch.meet(instance, since: since, now: now) }
        watch.settle(now)
    }

    @Test
    func `few are not many, and one more is`() {
        var watch = AlikeWatch()
        meet(&watch, 0..<many - 1, since: start, now: start)
        #expect(!watch.isMany)
        // The same again is no other one.
        meet(&watch, 0..<many - 1, since: start, now: start + .seconds(1))
        #expect(!watch.isMany)
        meet(&watch, many..<many + 1, since: start, now: start + .seconds(2))
        #expect(watch.isMany)
        #expect(watch.newCount(now: start + .seconds(2)) == RestartGate.stormLimit)
    }

    @Test
    func `what came about one by one, or long ago, is not many at once`() {
        var watch = AlikeWatch()
        for instance in 0..<Int64(100) {
            let now = start + .seconds(60 * Int(instance))
            watch.meet(instance, since: now, now: now)
            watch.settle(now)
        }
        #expect(!watch.isMany)
        var later = AlikeWatch()
        meet(&later, 0..<100, since: start, now: start + RestartGate.window)
        #expect(!later.isMany)
    }

    @Test
    func `it is over once few are left for a while, and not before`() {
        var watch = AlikeWatch()
        meet(&watch, 0..<20, since: start, now: start)
        let left = Int64(RestartGate.calmLimit)
        for instance in left..<20 { watch.release(instance) }
        let later = start + .seconds(600)
        meet(&watch, 0..<left, since: start, now: later)
        watch.settle(later + RestartGate.usualCalm)
        #expect(watch.isMany)
        watch.release(0)
        watch.settle(later + RestartGate.usualCalm)
        #expect(watch.isMany)
        watch.settle(later + RestartGate.usualCalm * 2)
        #expect(!watch.isMany)
        // Those that are left since then begin nothing.
        meet(&watch, 1..<left, since: start, now: later + RestartGate.usualCalm * 3)
        #expect(!watch.isMany)
    }

    @Test
    func `who takes over goes on with it, and ends it`() {
        var watch = AlikeWatch(isMany: true)
        meet(&watch, 0..<20, since: start, now: start + .seconds(3600))
        watch.settle(start + .seconds(3600) + RestartGate.usualCalm * 2)
        #expect(watch.isMany)
        for instance in 0..<Int64(20) { watch.release(instance) }
        watch.settle(start + .seconds(4000))
        watch.settle(start + .seconds(4000) + RestartGate.usualCalm)
        #expect(!watch.isMany)
    }

    @Test
    func `a whole fleet is not over as long as some of it had no place in memory`() {
        var watch = AlikeWatch()
        meet(&watch, 0..<10_000, since: start, now: start)
        #expect(watch.newCount(now: start) == AlikeWatch.limit)
        for instance in 0..<Int64(10_000) { watch.release(instance) }
        watch.settle(start + RestartGate.usualCalm)
        watch.settle(start + RestartGate.usualCalm * 3)
        #expect(watch.isMany)
        watch.settle(start + AlikeWatch.memory)
        watch.settle(start + AlikeWatch.memory + RestartGate.usualCalm)
        #expect(!watch.isMany)
    }

    @Test
    func `what may be so again counts until then, and longer once it is`() {
        var watch = AlikeWatch()
        meet(&watch, 0..<20, since: start, now: start)
        let until = start + .seconds(300)
        for instance in 0..<Int64(20) { watch.release(instance, at: until) }
        watch.release(20, at: until)
        watch.settle(until - .seconds(1))
        #expect(watch.since(of: 0) == start && watch.since(of: 20) == nil)
        watch.meet(0, since: start, now: until - .seconds(1))
        watch.settle(until)
        #expect(watch.since(of: 0) == start && watch.since(of: 1) == nil && watch.isMany)
        watch.settle(until + RestartGate.usualCalm)
        #expect(!watch.isMany)
    }

    @Test
    func `what is not met any more counts no more`() {
        var watch = AlikeWatch()
        meet(&watch, 0..<20, since: start, now: start)
        watch.settle(start + AlikeWatch.memory)
        watch.settle(start + AlikeWatch.memory + RestartGate.usualCalm)
        #expect(!watch.isMany && watch.isIdle)
    }
}
