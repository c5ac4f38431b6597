import Service
import Testing

/// `kill -9` at places that are hard to hit, while events come in.
@Suite("Faults: crash points", .timeLimit(.minutes(15)))
struct CrashPointTests {
    /// The most telling ones, in every run of the tests.
    private static let quick: [CrashPoints.Point] = [
        .appendBetweenSteps, .appendCommitted, .afterEngineCall, .passCommitted,
    ]

    @Test
    func `there are twenty places at least, and the two steps of an append are told apart`() {
        #expect(CrashPoints.Point.allCases.count >= 20)
        #expect(CrashPoints.Point.allCases.contains(.appendBetweenSteps))
    }

    @Test
    func `kill -9 at a labelled point loses nothing and doubles nothing`() async throws {
        try await crash(at: Self.quick)
    }

    @Test(.enabled(if: FaultSuite.runsAll))
    func `kill -9 at every labelled point in turn loses nothing and doubles nothing`() async throws {
        try await crash(at: CrashPoints.Point.allCases)
    }

    private func crash(at points: [CrashPoints.Point]) async throws {
        let deed = "kill -9 of one of two replicas at \(points.count) labelled points in turn"
        try await FaultRun.endure("crash points", deed) { run in
            // Of the two the first stays, so that events are taken all the while; the other dies again and again.
            try await run.stop(1)
            for (index, point) in points.enumerated() {
                // The second time it is reached, every other time: the first is often the very first thing done.
                let time = index % 2 == 0 || point.isMetOnce ? 1 : 2
                let victim = try run.begin(["ROLLCALL_CRASH_AT": "\(point.rawValue):\(time)"])
                if point.isMetBeforeListening {
                    try await run.replicas[victim].process.ending()
                } else {
                    _ = try? await run.listen(victim)  // It may die on its way there.
                    try await run.meet(point, victim)
                }
                let ending = try await run.replicas[victim].process.ending(within: .seconds(60))
                #expect(ending == .signal(9), "\(point.rawValue)")
                run.countFromNow()
                run.leave(victim)
            }
        }
    }
}

extension CrashPoints.Point {
    /// Whether it lies on the way to the first request.
    fileprivate var isMetBeforeListening: Bool { self == .bootMigrated }

    /// Whether a process meets it only once.
    fileprivate var isMetOnce: Bool {
        switch self {
        case .bootMigrated, .bootRegistered, .beforeLeave, .afterLeave, .leaseTaken, .lineRead, .unparkFolded,
            .beforeNotify:
            true
        case .beforeBeat, .afterBeat, .appendTaken, .appendBetweenSteps, .appendDecided, .appendCommitted,
            .appendCarriedOut, .beforeReceipt, .beforeEngineCall, .afterLeaseCheck, .afterEngineCall, .outcomeWaiting,
            .afterLook, .passBetweenSteps, .passDecided, .passCommitted:
            false
        }
    }
}

extension FaultRun {
    /// Brings about what the load alone does not.
    fileprivate func meet(_ point: CrashPoints.Point, _ victim: Int) async throws {
        switch point {
        case .beforeLeave, .afterLeave:
            replicas[victim].process.signal(15)
        case .unparkFolded:
            // An event of the near future, which whoever beats first after its time folds.
            let event = History.Event(
                id: "parked-\(victim)",
                agent: FaultRun.crowd[0],
                kind: "clock_in",
                occurredAt: FaultLoad.now() + 4_000_000
            )
            await load.post(event)
            // Two replicas beat, and only one of them is to die.
            freeze(0)
            try await replicas[victim].process.ending(within: .seconds(60))
            thaw(0)
        default:
            break
        }
    }
}
