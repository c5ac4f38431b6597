import Domain
import Testing

@testable import Service

@Suite("StalestLook")
struct StalestLookTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    /// A situation and what follows from it.
    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var situation: StalestLook
        var step: StalestLook.Step
        var isOutage = false

        /// Instants are milliseconds before now.
        init(
            _ name: String,
            acting: Int64? = 60_000,
            answered: Int64? = nil,
            asked: Int64? = nil,
            unanswered: Int64? = nil,
            waiting: Int = 0,
            isPaused: Bool = false,
            calls: (underWay: Int, unheard: Int, slowest: Int64) = (0, 0, 0),
            last: (asked: Int64, left: Int64?, verdict: EngineVerdict?)? = nil,
            failures: Int = 0,
            _ step: Int64?,
            isOutage: Bool = false
        ) {
            testDescription = name
            situation = StalestLook(
                actingSince: acting.map(Self.ago),
                calls: EngineActivity.Calls(
                    unansweredSince: unanswered.map(Self.ago),
                    askedAt: asked.map(Self.ago),
                    answeredAt: answered.map(Self.ago),
                    underWay: calls.underWay,
                    unheard: calls.unheard,
                    slowestAnswer: .milliseconds(calls.slowest)
                ),
                waiting: waiting,
                isPaused: isPaused,
                last: last.map { last in
                    Probe.State(askedAt: Self.ago(last.asked), leftAt: last.left.map(Self.ago), verdict: last.verdict)
                },
                failures: failures
            )
            self.step = step.map { .wait(until: now + .milliseconds($0)) } ?? .look
            self.isOutage = isOutage
        }

        private static func ago(_ milliseconds: Int64) -> Timestamp { now - .milliseconds(milliseconds) }
    }

    /// Calls wait in line behind some that have had no answer for `silent` milliseconds.
    private static func crowded(
        _ name: String,
        silent: Int64 = 8000,
        waiting: Int = 3,
        isPaused: Bool = false,
        calls: (underWay: Int, unheard: Int, slowest: Int64) = (2, 0, 0),
        _ step: Int64? = 250,
        isOutage: Bool = false
    ) -> Row {
        Row(
            name,
            answered: silent + 10,
            asked: silent - 100,
            unanswered: silent,
            waiting: waiting,
            isPaused: isPaused,
            calls: calls,
            step,
            isOutage: isOutage
        )
    }

    /// The step is milliseconds from now until it is thought over again; `nil` for a look.
    private static let rows: [Row] = [
        Row("another acts, or the credential is refused", acting: nil, answered: 60_000, 1000),
        Row("it acts since a moment", acting: 1000, 4000),
        Row("it acts for long and nobody ever asked", acting: 5000, nil),
        Row("answered a moment ago", answered: 2000, asked: 2100, 3000),
        Row("answered 5 s ago", answered: 5000, asked: 5010, nil),
        Row("answered before it acted", acting: 3000, answered: 9000, 2000),
        Row("a call left a moment ago and will tell", answered: 6000, asked: 500, unanswered: 500, 250),
        Row("a call is away for long, so it does not tell", answered: 6000, asked: 4000, unanswered: 4000, nil),
        Row("something waits in line and will tell", answered: 6000, asked: 6010, waiting: 1, 250),
        Row("such a look waits", answered: 6000, last: (900, nil, nil), 250),
        Row("such a look is under way", answered: 6900, asked: 1900, unanswered: 1900, last: (1900, 1900, nil), 250),
        Row(
            "such a look is under way for 3 s",
            answered: 8000,
            asked: 3000,
            unanswered: 3000,
            last: (3000, 3000, nil),
            250,
            isOutage: true
        ),
        Row(
            "such a look reached nobody, a moment ago",
            answered: 7000,
            asked: 2000,
            unanswered: 2000,
            last: (2000, 2000, .unreachable),
            failures: 1,
            250
        ),
        Row(
            "such a look reached nobody, 3 s ago",
            answered: 8000,
            asked: 3000,
            unanswered: 3000,
            last: (3000, 3000, .unreachable),
            failures: 1,
            250,
            isOutage: true
        ),
        Row(
            "such a look ran out of time, and 5 s are over",
            answered: 10_000,
            asked: 5000,
            unanswered: 5000,
            last: (5000, 5000, .ambiguous),
            failures: 1,
            nil,
            isOutage: true
        ),
        Row(
            "the engine failed to serve one session",
            answered: 9000,
            asked: 4000,
            unanswered: 4000,
            last: (4000, 4000, .transient),
            failures: 1,
            250
        ),
        Row(
            "the engine failed to serve two sessions",
            answered: 14_000,
            asked: 4000,
            unanswered: 9000,
            last: (4000, 4000, .transient),
            failures: 2,
            250,
            isOutage: true
        ),
        Row("such a look was answered", answered: 4990, asked: 5000, last: (5000, 5000, .ok), 10),
        Row(
            "a command is slow, but such a look was answered",
            answered: 3000,
            asked: 3010,
            last: (3010, 3010, .ok),
            2000
        ),
        Row(
            "a command is slow and such a look was before it",
            answered: 6000,
            asked: 4000,
            unanswered: 4000,
            last: (6010, 6010, .ok),
            nil
        ),
        crowded("all lanes hang for 8 s and calls wait", isOutage: true),
        crowded("all lanes hang for a moment", silent: 7900),
        crowded("nothing waits, so a look will tell", waiting: 0, nil),
        crowded("one call hangs, which may be slow", calls: (1, 0, 0)),
        crowded("one call ran out of time, and so may the next", calls: (1, 1, 0), isOutage: true),
        crowded("the engine asked for a pause", isPaused: true),
        crowded("starts lately took 6 s, two are slower now", calls: (2, 0, 6000)),
        crowded("starts lately took 6 s, and 12 s are over", silent: 12_000, calls: (2, 0, 6000), isOutage: true),
        Row(
            "another acts for an account whose calls hang here",
            acting: nil,
            asked: 9000,
            unanswered: 9000,
            waiting: 3,
            calls: (2, 0, 0),
            1000
        ),
        Row("such a look was kept back", answered: 9000, last: (1000, nil, .notSent), 4000),
    ]

    @Test(arguments: rows)
    func `an engine is looked at when nobody else will tell, and is out when such a look has no answer`(row: Row) {
        #expect(row.situation.step(now: Self.now) == row.step)
        #expect(row.situation.isOutage(now: Self.now) == row.isOutage)
    }
}
