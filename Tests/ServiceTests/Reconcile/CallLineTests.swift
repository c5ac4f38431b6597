import Domain
import Testing

@testable import Service

@Suite("CallLine")
struct CallLineTests {
    private var line = CallLine()

    @Test
    mutating func `people's commands leave first, then repairs, then looks, then the sweep`() {
        line.append(look(4, .sweep), priority: .sweep, now: 0)
        line.append(look(3, .repair), priority: .repair, now: 0)
        line.append(command(2), priority: .repair, now: 0)
        line.append(command(1), priority: .people, now: 0)
        #expect(instancesThatLeave(at: 0) == [1, 2, 3, 4])
    }

    @Test
    mutating func `a look that a person waits for leaves before repairs, and is not held back by a burst`() {
        line.append(look(5, .repair), priority: .repair, now: 0)
        line.append(command(3), priority: .repair, now: 0)
        line.append(look(2, .repair, for: .person), priority: .repair, now: 0)
        line.append(command(1), priority: .people, now: 0)
        #expect(line.counts == LineCounts(people: 1, repair: 1, look: 2, sweep: 0))
        #expect(line.lookCount == 2)
        #expect(instancesThatLeave(at: 0) == [1, 2, 3, 5])
        burst(at: 1_000_000)
        line.append(look(2, .repair, for: .person), priority: .repair, now: 1_000_000)
        #expect(instancesThatLeave(at: 1_000_000) == [2])
    }

    @Test
    mutating func `a look goes before repairs once a person waits for it, wherever it was`() {
        for number in 1...4 { line.append(look(Int64(number), .repair), priority: .repair, now: 0) }
        line.append(scan(5), priority: .repair, now: 0)
        line.append(look(6, .sweep), priority: .sweep, now: 0)
        line.append(command(9), priority: .repair, now: 0)
        // The first of its rank, one between others, the only one, and one twice.
        let promoted = [1, 3, 5, 3, 6].map { line.promote($0, .person, now: 0) }
        #expect(promoted == [true, true, true, false, true])
        #expect(line.counts == LineCounts(people: 0, repair: 1, look: 6, sweep: 0))
        #expect(instancesThatLeave(at: 0) == [1, 3, 5, 6, 9, 2, 4])
        #expect(line.counts == LineCounts())
        let isPromoted = line.promote(3, .person, now: 0)
        #expect(!isPromoted, "it has left")
    }

    @Test
    mutating func `what was moved is removed once`() {
        for number in 1...3 { line.append(look(Int64(number), .repair), priority: .repair, now: 0) }
        _ = line.promote(2, .person, now: 0)
        #expect(line.removeAll().count == 3)
        line.append(look(2, .repair), priority: .repair, now: 0)
        #expect(instancesThatLeave(at: 0) == [2])
    }

    @Test
    mutating func `a list leaves among the looks, or among the sweep's`() {
        line.append(.list(ListJob()), priority: .sweep, now: 0)
        line.append(look(3, .repair), priority: .repair, now: 0)
        line.append(command(2), priority: .repair, now: 0)
        #expect(instancesThatLeave(at: 0) == [2, 3, Self.list])
        line.append(look(4, .sweep), priority: .sweep, now: 0)
        line.append(.list(ListJob()), priority: .repair, now: 0)
        #expect(line.lookCount == 1)
        #expect(instancesThatLeave(at: 0) == [Self.list, 4])
    }

    @Test
    mutating func `the looks of a sweep that somebody ordered come after all other looks, and before the background's`()
    {
        line.append(look(5, .sweep), priority: .sweep, now: 0)
        line.append(look(4, .repair, run: SweepRun()), priority: .repair, now: 0)
        line.append(look(3, .repair), priority: .repair, now: 0)
        line.append(command(1), priority: .people, now: 0)
        #expect(line.counts == LineCounts(people: 1, repair: 0, look: 1, sweep: 2))
        #expect(line.lookCount == 2)
        #expect(instancesThatLeave(at: 0) == [1, 3, 4, 5])
        #expect(line.counts == LineCounts())
    }

    @Test(arguments: [true, false])
    mutating func `a look that waits in a sweep goes with the others once it is wanted`(isOrdered: Bool) {
        let run = isOrdered ? SweepRun() : nil
        for number in 1...4 {
            line.append(look(Int64(number), .sweep, run: run), priority: isOrdered ? .repair : .sweep, now: 0)
        }
        line.append(look(9, .repair), priority: .repair, now: 0)
        let promoted = [3, 3, 9, 77].map { line.promote($0, .usual, now: 0) }
        #expect(promoted == [true, false, false, false])
        #expect(instancesThatLeave(at: 0) == [9, 3, 1, 2, 4])
    }

    @Test
    mutating func `a few commands hold no look back`() {
        for number in 1...10 { line.append(command(Int64(number)), priority: .people, now: 0) }
        line.append(look(99, .repair), priority: .repair, now: 0)
        #expect(instancesThatLeave(at: 0).last == 99)
    }

    @Test
    mutating func `a look waits for the end of a burst of people's commands`() {
        burst(at: 1_000_000)
        line.append(look(99, .repair), priority: .repair, now: 1_000_000)
        #expect(instancesThatLeave(at: 1_000_000) == [])
        guard case .later(let instant) = line.next(now: 1_000_000) else {
            Issue.record("nothing is waited for")
            return
        }
        #expect(instant > 1_000_000 && instant <= 1_200_000)
        #expect(instancesThatLeave(at: instant) == [99])
    }

    @Test
    mutating func `a look waits no longer than 5 s, however long the burst is`() {
        line.append(look(99, .repair), priority: .repair, now: 0)
        for tenth in 0..<50 {
            let now = Int64(tenth) * 100_000
            burst(at: now)
            #expect(instancesThatLeave(at: now) == [])
        }
        burst(at: 5_000_000)
        #expect(instancesThatLeave(at: 5_000_000) == [99])
    }

    @Test
    mutating func `a repair is not held back by a burst`() {
        burst(at: 0)
        line.append(command(5), priority: .repair, now: 0)
        #expect(instancesThatLeave(at: 0) == [5])
    }

    @Test
    mutating func `what a person waits for at the screen goes first, also in a burst`() {
        burst(at: 0)
        line.append(command(5), priority: .people, now: 0)
        line.append(pairing(), priority: .people, now: 0)
        #expect(instancesThatLeave(at: 0) == [Self.pairing, 5])
    }

    @Test
    mutating func `looks at who has not scanned a code come after all other looks, by turns with the sweep`() {
        for number in 10...13 { line.append(scan(Int64(number)), priority: .repair, now: 0) }
        for number in 20...22 { line.append(look(Int64(number), .sweep), priority: .sweep, now: 0) }
        line.append(look(3, .repair), priority: .repair, now: 0)
        line.append(look(4, .repair, run: SweepRun()), priority: .repair, now: 0)
        #expect(line.counts == LineCounts(people: 0, repair: 0, look: 1, sweep: 8))
        #expect(line.lookCount == 2, "an ordered sweep waits for none of them")
        #expect(instancesThatLeave(at: 0) == [3, 4, 10, 20, 11, 21, 12, 22, 13])
    }

    @Test
    mutating func `a look at who has not scanned a code goes with the others once it is wanted`() {
        for number in 1...3 { line.append(scan(Int64(number)), priority: .repair, now: 0) }
        line.append(look(9, .repair), priority: .repair, now: 0)
        let isPromoted = line.promote(2, .usual, now: 0)
        #expect(isPromoted)
        #expect(instancesThatLeave(at: 0) == [9, 2, 1, 3])
    }

    @Test
    mutating func `however many screens show a code, every second call is somebody else's`() {
        for _ in 1...4 { line.append(pairing(), priority: .people, now: 0) }
        line.append(command(1), priority: .people, now: 0)
        line.append(command(2), priority: .repair, now: 0)
        line.append(look(3, .repair), priority: .repair, now: 0)
        #expect(instancesThatLeave(at: 0) == [Self.pairing, 1, Self.pairing, 2, Self.pairing, 3, Self.pairing])
        // Nothing else may leave in a burst, so nothing is waited for.
        burst(at: 1_000_000)
        for _ in 1...2 { line.append(pairing(), priority: .people, now: 1_000_000) }
        line.append(look(3, .repair), priority: .repair, now: 1_000_000)
        #expect(instancesThatLeave(at: 1_000_000) == [Self.pairing, Self.pairing])
    }

    @Test
    mutating func `what is removed is everything that waits`() {
        line.append(look(2, .sweep), priority: .sweep, now: 0)
        line.append(command(1), priority: .people, now: 0)
        #expect(line.removeAll().count == 2)
        #expect(instancesThatLeave(at: 0) == [])
    }

    @Test
    mutating func `only the commands that are named are withdrawn, in the order in which they would have left`() {
        for number in 1...4 { line.append(command(Int64(number)), priority: .people, now: 0) }
        line.append(command(5), priority: .repair, now: 0)
        line.append(look(3, .repair), priority: .repair, now: 0)
        let keys = [CommandKey(instance: 5, id: 1), CommandKey(instance: 3, id: 1), CommandKey(instance: 2, id: 7)]
        let withdrawn = line.withdraw(Set(keys)).map { job -> Int64? in
            guard case .command(let command, _, _) = job else { return nil }
            return command.instance
        }
        #expect(withdrawn == [3, 5])
        #expect(instancesThatLeave(at: 0) == [1, 2, 4, 3])
    }

    /// Fifty people's commands that leave at once.
    private mutating func burst(at now: Int64) {
        for number in 1...50 { line.append(command(Int64(number)), priority: .people, now: now) }
        for _ in 1...50 {
            guard case .job(let rank) = line.next(now: now) else { return }
            _ = line.take(rank, now: now)
        }
    }

    private mutating func instancesThatLeave(at now: Int64) -> [Int64] {
        var instances: [Int64] = []
        while case .job(let rank) = line.next(now: now), let job = line.take(rank, now: now) {
            switch job {
            case .command(let command, _, _): instances.append(command.instance)
            case .look(let look): instances.append(look.instance)
            case .list: instances.append(Self.list)
            case .pairing: instances.append(Self.pairing)
            }
        }
        return instances
    }

    private func look(
        _ instance: Int64,
        _ priority: JobPriority,
        run: SweepRun? = nil,
        for purpose: LookPurpose = .usual
    ) -> CallJob {
        var look = LookJob(instance: instance, address: Self.address, priority: priority, run: run)
        look.purpose = purpose
        return .look(look)
    }

    private func scan(_ instance: Int64) -> CallJob { look(instance, .repair, for: .scan) }

    private func pairing() -> CallJob {
        .pairing(PairingJob(wish: .qr, address: Self.address, answer: OneShot()))
    }

    private func command(_ instance: Int64) -> CallJob {
        let command = PlannedCommand(
            id: 1,
            instance: instance,
            address: Self.address,
            action: .start,
            reason: .shouldRun,
            priority: .people
        )
        return .command(command, term: 1, run: nil)
    }

    /// Stands for a list, which is about no instance.
    private static let list: Int64 = -1
    private static let pairing: Int64 = -2
    private static let address = SessionAddress(instanceID: "3EB0BCB2E3D4", sessionName: nil)
}
