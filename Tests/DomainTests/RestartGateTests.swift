import Domain
import Testing

@Suite("RestartGate")
struct RestartGateTests {
    private let start = Timestamp(microseconds: 1_800_000_000_000_000)

    /// Which of some instances may have a restart, asked in their order.
    private func granted(_ gate: inout RestartGate, _ instances: Range<Int64>, at now: Timestamp) -> [Int64] {
        instances.filter { gate.permits($0, now: now) }
    }

    private func storm(_ count: Int64 = 40) -> RestartGate {
        var gate = RestartGate()
        for instance in 0..<count { _ = gate.permits(instance, now: start) }
        return gate
    }

    @Test
    func `few that fail have nothing to do with each other, and all may go`() {
        var gate = RestartGate()
        for instance in 0..<Int64(RestartGate.stormLimit) - 1 {
            for second in 0..<5 {
                let goes = gate.permits(instance, now: start + .seconds(second))
                #expect(goes)
            }
        }
        #expect(!gate.isStorm)
    }

    @Test
    func `failures that are long apart are no storm`() {
        var gate = RestartGate()
        for instance in 0..<Int64(100) {
            let goes = gate.permits(instance, now: start + .seconds(Int(instance) * 60))
            #expect(goes)
        }
        #expect(!gate.isStorm)
    }

    @Test
    func `many that fail alike go one at a time, and one that asks again did not get well`() {
        var gate = RestartGate()
        let granted = granted(&gate, 0..<500, at: start)
        #expect(gate.isStorm)
        // Those before the limit, and one trial.
        #expect(granted.count == RestartGate.stormLimit)
        let later = start + .seconds(30)
        let others = self.granted(&gate, 400..<500, at: later)
        #expect(others.isEmpty)
        // The one that had its turn wants another; the turn goes on, still one at a time.
        let last = granted[granted.count - 1]
        let again = self.granted(&gate, last..<last + 1, at: later) + self.granted(&gate, 400..<500, at: later)
        #expect(again == [last])
    }

    @Test
    func `each one that gets well doubles how many may go, up to a bound`() {
        var gate = storm()
        var granted: [Int64] = [Int64(RestartGate.stormLimit) - 1]
        var counts: [Int] = []
        var next: Int64 = 1_000
        for round in 1...12 {
            let now = start + .seconds(round * 10)
            for instance in granted { gate.recovered(instance, now: now) }
            // Others still ask, so it is not over.
            granted = self.granted(&gate, next..<next + 2_000, at: now)
            next += 2_000
            counts.append(granted.count)
        }
        #expect(counts[0] == 2)
        #expect(zip(counts, counts.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(counts.last == RestartGate.widest)
    }

    @Test
    func `a trial of which nothing is heard did not help`() {
        var gate = storm()
        gate.recovered(Int64(RestartGate.stormLimit) - 1, now: start)
        let first = granted(&gate, 100..<110, at: start)
        #expect(first == [100, 101])
        let second = granted(&gate, 110..<120, at: start + RestartGate.patience)
        #expect(second == [110])
    }

    @Test
    func `it is over once few want anything for a while, and then all may go again`() {
        var gate = storm(20)
        for instance in 0..<Int64(18) { gate.recovered(instance, now: start + .seconds(1)) }
        #expect(gate.isStorm)
        gate.prune(start + .seconds(1) + RestartGate.usualCalm - .milliseconds(1))
        #expect(gate.isStorm)
        gate.prune(start + .seconds(1) + RestartGate.usualCalm)
        #expect(!gate.isStorm)
        let goes = granted(&gate, 70..<75, at: start + .seconds(70))
        #expect(goes.count == 5)
    }

    @Test
    func `an engine that nobody hears of any more is forgotten`() {
        var gate = storm()
        gate.prune(start + RestartGate.window)
        gate.prune(start + RestartGate.window + RestartGate.usualCalm)
        #expect(gate.isIdle)
    }

    /// A gate that met instances without budget, a second apart.
    private func spent(
        _ instances: Range<Int64>,
        _ gate: RestartGate = RestartGate(),
        from first: Timestamp? = nil
    ) -> RestartGate {
        var gate = gate
        for instance in instances {
            let now = (first ?? start) + .seconds(Int(instance))
            gate.ranOut(instance, since: now, now: now)
        }
        return gate
    }

    @Test
    func `who has no budget left counts, and many of them are many without a single wish`() {
        let few = spent(0..<Int64(RestartGate.stormLimit) - 1)
        #expect(!few.isStorm && !few.isIdle)
        var gate = spent(0..<Int64(RestartGate.stormLimit))
        #expect(gate.isStorm)
        // As long as they are met: a sweep does.
        for minute in 1...400 {
            let now = start + .seconds(minute * 60)
            if minute % 60 == 0 { gate = spent(0..<Int64(RestartGate.stormLimit), gate, from: now) }
            gate.prune(now)
            #expect(gate.isStorm, "\(minute)")
        }
        let over = start + .seconds(400 * 60)
        let well = Int64(RestartGate.stormLimit - RestartGate.calmLimit) + 1
        for instance in 0..<well { gate.recovered(instance, now: over) }
        gate.prune(over + RestartGate.usualCalm - .milliseconds(1))
        #expect(gate.isStorm)
        gate.prune(over + RestartGate.usualCalm)
        #expect(!gate.isStorm)
    }

    @Test
    func `who wants a restart and who has no budget left are counted together, each once`() {
        var gate = RestartGate()
        for instance in 0..<Int64(6) {
            let goes = gate.permits(instance, now: start)
            #expect(goes)
        }
        gate = spent(2..<9, gate)
        #expect(!gate.isStorm, "nine")
        gate = spent(9..<10, gate)
        #expect(gate.isStorm)
    }

    @Test
    func `who has had no budget left for long begins nothing`() {
        var gate = RestartGate()
        for instance in 0..<Int64(9) { gate.ranOut(instance, since: start - RestartGate.window, now: start) }
        for instance in 9..<Int64(18) { gate.ranOut(instance, since: start, now: start) }
        #expect(!gate.isStorm)
        gate.ranOut(18, since: start, now: start)
        #expect(gate.isStorm)
    }

    @Test
    func `a trial that nobody wants to run any more says nothing of the others`() {
        var gate = storm()
        gate.left(Int64(RestartGate.stormLimit) - 1, now: start)
        let next = granted(&gate, 100..<110, at: start)
        #expect(next == [100])
    }

    @Test
    func `who was not met for two hours is forgotten, and what is remembered is bounded`() {
        var gate = RestartGate()
        for instance in 0..<Int64(2 * RestartGate.spentLimit) { gate.ranOut(instance, since: start, now: start) }
        for instance in 0..<Int64(RestartGate.spentLimit) { gate.recovered(instance, now: start) }
        gate.prune(start + RestartGate.usualCalm)
        gate.prune(start + RestartGate.usualCalm + RestartGate.usualCalm)
        #expect(gate.isIdle)
        gate = spent(0..<20)
        gate.prune(start + .seconds(20) + RestartGate.spentMemory)
        gate.prune(start + .seconds(20) + RestartGate.spentMemory + RestartGate.usualCalm)
        #expect(gate.isIdle)
    }
}
