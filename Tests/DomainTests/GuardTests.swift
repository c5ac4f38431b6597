import Domain
import Testing

@Suite("guardVerdict")
struct GuardTests {
    private func effects(_ count: Int, _ before: RunState, _ after: RunState) -> [DesiredEffect] {
        (0..<count).map { DesiredEffect(agentID: "\(after.rawValue)-\($0)", before: before, after: after) }
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var starts = 0
        var stops = 0
        var isListing = false
        var recent: Int64 = 0
        var fleet: Int64 = 20
        /// How many wait, and how many of them because there are too many.
        var waits: Int
        var tooMany: Int
        var testDescription: String {
            "\(starts) starts, \(stops) stops, listing \(isListing), recent \(recent), fleet \(fleet)"
        }
    }

    @Test(arguments: [
        Row(waits: 0, tooMany: 0),
        Row(starts: 5, waits: 0, tooMany: 0), Row(starts: 6, waits: 6, tooMany: 6),
        Row(stops: 5, waits: 0, tooMany: 0), Row(stops: 6, waits: 6, tooMany: 6),
        Row(starts: 3, stops: 3, waits: 6, tooMany: 6),
        Row(starts: 1, recent: 4, waits: 0, tooMany: 0), Row(starts: 1, recent: 5, waits: 1, tooMany: 1),
        Row(stops: 20, fleet: 200, waits: 0, tooMany: 0), Row(stops: 21, fleet: 200, waits: 21, tooMany: 21),
        Row(stops: 5, fleet: 0, waits: 0, tooMany: 0), Row(stops: 6, fleet: 59, waits: 6, tooMany: 6),
        Row(stops: 6, fleet: 60, waits: 0, tooMany: 0),
        Row(stops: 1, isListing: true, waits: 1, tooMany: 0),
        Row(starts: 5, isListing: true, waits: 0, tooMany: 0),
        Row(starts: 2, stops: 2, isListing: true, waits: 2, tooMany: 0),
        Row(starts: 4, stops: 4, isListing: true, waits: 8, tooMany: 4),
        Row(isListing: true, recent: 100, waits: 0, tooMany: 0),
    ])
    func `beyond the larger of floor and share everything waits, and a listing's stops always do`(row: Row) {
        let verdict = guardVerdict(
            effects(row.starts, .stopped, .running) + effects(row.stops, .running, .stopped),
            isListing: row.isListing,
            recent: row.recent,
            fleet: row.fleet,
            policy: GuardPolicy()
        )
        #expect(verdict.count == row.waits)
        #expect(verdict.values.filter { $0 == .tooMany }.count == row.tooMany)
    }

    @Test
    func `an agent with two instances in it waits once, for the graver reason`() {
        let moved = [
            DesiredEffect(agentID: "ana", before: .stopped, after: .running),
            DesiredEffect(agentID: "ana", before: .running, after: .stopped),
        ]
        for order in [moved, moved.reversed()] {
            let verdict = guardVerdict(order, isListing: true, recent: 9, fleet: 1, policy: GuardPolicy())
            #expect(verdict == ["ana": .fromListing])
        }
    }

    @Test(arguments: GuardReason.allCases)
    func `every reason has its sentence`(reason: GuardReason) {
        #expect(reason.sentence.hasSuffix("."))
    }
}
