import Domain
import Testing

/// What an agent gets of what nobody could match: asked at 18:00, when what happened before 12:00 is too old to start.
@Suite("match")
struct MatchingTests {
    /// One case: what the ledger holds, what was unmatched, which of that is left out, and where the agent then stands.
    struct Line: Sendable, CustomTestStringConvertible {
        var held: [String] = []
        var unmatched: [String]
        var leftOut: [String] = []
        var status: String

        var testDescription: String { "\(held) + \(unmatched)" }
    }

    static let table: [Line] = [
        // Young news counts like any other.
        Line(unmatched: ["13:00 clock_in"], status: "in since 13:00"),
        Line(unmatched: ["13:00 clock_in", "14:00 clock_out"], status: "out since 14:00"),
        Line(unmatched: ["card A v1: 13:00 clock_in"], status: "in since 13:00"),
        // At the age's edge: exactly as old as allowed is not too old.
        Line(unmatched: ["12:00 clock_in"], status: "in since 12:00"),
        Line(unmatched: ["11:59 clock_in"], leftOut: ["11:59 clock_in"], status: "never in"),
        Line(unmatched: ["card A v1: 12:00 clock_in"], status: "in since 12:00"),
        Line(unmatched: ["card A v1: 11:59 clock_in"], leftOut: ["card A v1: 11:59 clock_in"], status: "never in"),
        // Pairs without a record.
        Line(unmatched: ["08:00 clock_in", "11:00 clock_out"], status: "out since 11:00"),
        Line(unmatched: ["08:00 clock_in", "13:00 clock_out"], status: "out since 13:00"),
        Line(unmatched: ["08:00 clock_in", "19:00 clock_out"], leftOut: ["08:00 clock_in"], status: "never in"),
        Line(
            unmatched: ["08:00 clock_in", "09:00 break_start", "13:00 break_end"],
            leftOut: ["08:00 clock_in", "09:00 break_start", "13:00 break_end"],
            status: "never in"
        ),
        Line(
            unmatched: ["08:00 clock_in", "09:00 break_start", "13:00 clock_in"],
            leftOut: ["08:00 clock_in", "09:00 break_start"],
            status: "in since 13:00"
        ),
        Line(
            unmatched: ["07:00 clock_in", "08:00 clock_out", "09:00 clock_in", "10:00 break_start"],
            leftOut: ["09:00 clock_in", "10:00 break_start"],
            status: "out since 08:00"
        ),
        Line(
            unmatched: ["08:00 clock_in", "13:00 clock_in", "14:00 break_start"],
            leftOut: ["08:00 clock_in"],
            status: "break since 14:00"
        ),
        Line(unmatched: ["08:00 clock_in", "08:00 clock_out"], leftOut: ["08:00 clock_in"], status: "never in"),
        // What the ledger holds closes it, or does not.
        Line(held: ["10:00 clock_out"], unmatched: ["08:00 clock_in"], status: "out since 10:00"),
        Line(held: ["13:00 clock_out"], unmatched: ["card A v1: 08:00 clock_in"], status: "out since 13:00"),
        Line(held: ["07:00 clock_out"], unmatched: ["08:00 clock_in"], leftOut: ["08:00 clock_in"], status: "never in"),
        Line(
            held: ["09:00 clock_in"],
            unmatched: ["08:00 clock_in"],
            leftOut: ["08:00 clock_in"],
            status: "in since 09:00"
        ),
        Line(held: ["09:00 clock_in"], unmatched: ["10:00 clock_out"], status: "out since 10:00"),
        Line(held: ["09:00 clock_in"], unmatched: ["10:00 break_start"], status: "break since 10:00"),
        // Records: versions, edits, ends, deletions, breaks.
        Line(unmatched: ["card A v1: 08:00 clock_in, 11:00 clock_out"], status: "out since 11:00"),
        Line(
            unmatched: ["card A v1: 08:00 clock_in", "card A v2: 08:00 clock_in, 11:00 clock_out"],
            status: "out since 11:00"
        ),
        Line(
            unmatched: ["card A v1: 08:00 clock_in", "card A v2: 13:00 clock_in"],
            status: "in since 13:00"
        ),
        Line(
            unmatched: ["card A v1: 13:00 clock_in", "card A v2: 08:00 clock_in"],
            leftOut: ["card A v1: 13:00 clock_in", "card A v2: 08:00 clock_in"],
            status: "never in"
        ),
        Line(
            unmatched: ["card A v1: 08:00 clock_in, 11:00 clock_out", "card A v2: 08:00 clock_in"],
            leftOut: ["card A v1: 08:00 clock_in, 11:00 clock_out", "card A v2: 08:00 clock_in"],
            status: "never in"
        ),
        Line(
            unmatched: ["card A v1: 08:00 clock_in, 09:00 break_start, 13:00 break_end"],
            leftOut: ["card A v1: 08:00 clock_in, 09:00 break_start, 13:00 break_end"],
            status: "never in"
        ),
        Line(
            unmatched: ["card A v1: 08:00 clock_in, 19:00 clock_out"],
            leftOut: ["card A v1: 08:00 clock_in, 19:00 clock_out"],
            status: "never in"
        ),
        Line(unmatched: ["card A v1: 08:00 clock_in", "card A deleted at 10:00"], status: "never in"),
        Line(unmatched: ["card A v1: 13:00 clock_in", "card A deleted at 14:00"], status: "never in"),
        Line(unmatched: ["card A v1: 08:00 clock_in, 07:00 clock_out"], status: "never in"),
        Line(
            unmatched: ["card A v1: 08:00 clock_in", "card B v1: 13:00 clock_in"],
            leftOut: ["card A v1: 08:00 clock_in"],
            status: "in since 13:00"
        ),
        Line(
            unmatched: ["card A v1: 08:00 clock_in, 12:30 clock_out", "card B v1: 12:15 clock_in"],
            status: "in since 08:00"
        ),
        Line(
            held: ["card A v1: 08:00 clock_in, 10:00 clock_out"],
            unmatched: ["card A v2: 08:00 clock_in"],
            leftOut: ["card A v2: 08:00 clock_in"],
            status: "out since 10:00"
        ),
        Line(
            held: ["card A v2 of another: 09:00 clock_in"],
            unmatched: ["card A v1: 08:00 clock_in"],
            status: "never in"
        ),
        // Parked: what lies ahead waits for its time, and closes nothing before.
        Line(unmatched: ["19:00 clock_in"], status: "never in"),
        Line(unmatched: ["13:00 clock_in", "19:00 clock_out"], status: "in since 13:00"),
        // Numbers order what a source says: what the one left out contradicts does not come up in its place.
        Line(
            unmatched: ["number 4: 13:00 clock_in", "number 5: 08:00 clock_in"],
            leftOut: ["number 4: 13:00 clock_in", "number 5: 08:00 clock_in"],
            status: "never in"
        ),
        // Under another name there are other numbers.
        Line(
            held: ["number 9: 12:30 clock_out"],
            unmatched: ["number 1: 13:00 clock_in (under another name)"],
            status: "in since 13:00"
        ),
        Line(
            unmatched: ["number 9: 12:30 clock_out", "number 1: 13:00 clock_in (under another name)"],
            status: "in since 13:00"
        ),
        // Old news does not end a break either, where that would start a session.
        Line(
            held: ["08:00 clock_in", "09:00 break_start"],
            unmatched: ["10:00 break_end"],
            leftOut: ["10:00 break_end"],
            status: "break since 09:00"
        ),
        Line(
            held: ["08:00 clock_in", "09:00 break_start"],
            unmatched: ["card A v1: 10:00 clock_in, 11:00 clock_out"],
            leftOut: ["card A v1: 10:00 clock_in, 11:00 clock_out"],
            status: "break since 09:00"
        ),
        Line(held: ["08:00 clock_in", "09:00 break_start"], unmatched: ["13:00 break_end"], status: "in since 13:00"),
        // Nothing at all.
        Line(unmatched: [], status: "never in"),
        Line(held: ["13:00 clock_in"], unmatched: [], status: "in since 13:00"),
    ]

    @Test(arguments: table)
    func `an agent gets what is theirs, and old news starts nothing`(line: Line) throws {
        let scene = try Scene(line)
        let matching = scene.match()
        let expected = Set(try line.leftOut.flatMap { try #require(scene.sequences[$0], "\($0)") })
        #expect(Set(matching.leftOut.keys) == expected)
        #expect(Set(matching.taken) == Set(scene.candidates.map(\.sequence)).subtracting(expected))
        #expect(PunchWords.status(fold(scene.held + scene.punches(matching.taken), now: scene.now)) == line.status)
    }

    @Test
    func `what is taken is told in the order in which it happened`() throws {
        let scene = try Scene(Line(unmatched: ["14:00 clock_out", "13:30 break_end", "13:00 clock_in"], status: ""))
        #expect(scene.match().taken == scene.candidates.map(\.sequence).reversed())
    }

    @Test(
        arguments: [
            ("card A v1: 08:00 clock_in", "card A v2: 08:00 clock_in, 16:00 clock_out", "out since 16:00"),
            ("08:00 clock_in", "16:00 clock_out", "out since 16:00"),
            ("card A v1: 08:00 clock_in", "16:00 clock_out", "out since 16:00"),
        ]
    )
    func `what was left out comes with its end`(unmatched: String, end: String, status: String) throws {
        let before = try Scene(Line(unmatched: [unmatched], status: ""))
        #expect(before.match().taken.isEmpty)
        let after = try Scene(Line(held: [end], unmatched: [unmatched], status: ""))
        let matching = after.match()
        #expect(matching.leftOut.isEmpty)
        #expect(PunchWords.status(fold(after.held + after.punches(matching.taken), now: after.now)) == status)
        guard !end.hasPrefix("card") else { return }
        let parked = try Scene(Line(held: [end], unmatched: [unmatched], status: ""), now: "15:59")
        #expect(parked.match().taken.isEmpty, "an end that lies ahead closes nothing yet")
    }

    @Test
    func `a correction that reopens an old card after the mapping is news of its own`() throws {
        let mapped = try Scene(Line(unmatched: ["card A v1: 08:00 clock_in, 11:00 clock_out"], status: ""))
        #expect(mapped.match().leftOut.isEmpty)
        let reopened = try PunchWords.punches([
            "card A v1: 08:00 clock_in, 11:00 clock_out", "card A v2: 08:00 clock_in",
        ])
        #expect(PunchWords.status(fold(reopened, now: mapped.now)) == "in since 08:00")
    }
}

/// A line of the table as punches.
private struct Scene {
    var held: [LedgerPunch]
    var candidates: [LedgerPunch]
    /// What each report became.
    var sequences: [String: [Int64]]
    var now: Timestamp

    init(_ line: MatchingTests.Line, now: String = "18:00") throws {
        self.now = try PunchWords.instant(now)
        var number: Int64 = 0
        var known: [String: [Int64]] = [:]
        func punches(_ reports: [String]) throws -> [LedgerPunch] {
            try reports.flatMap { report in
                try PunchWords.punches([report]).map { punch in
                    var punch = punch
                    number += 1
                    punch.sequence = number
                    known[report, default: []].append(number)
                    return punch
                }
            }
        }
        held = try punches(line.held)
        candidates = try punches(line.unmatched)
        sequences = known
    }

    func match() -> Matching {
        Domain.match(candidates, held: held, maxAge: .seconds(6 * 3600), now: now)
    }

    func punches(_ taken: [Int64]) -> [LedgerPunch] {
        candidates.filter { taken.contains($0.sequence) }
    }
}
