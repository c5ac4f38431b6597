import Domain
import Foundation
import Testing

/// Runs every line of `punch-table.json`, whose results were worked out from the rules and not by the fold.
@Suite("punch table")
struct PunchTableTests {
    @Test
    func `every line comes out as the table says, however its reports arrive`() throws {
        let table = try PunchTable.load()
        let now = try PunchWords.instant(table.askedAt)
        var lines = 0
        for section in table.tables {
            for group in section.groups {
                let was = fold(try PunchWords.punches(group.known), now: now)
                #expect(PunchWords.status(was) == group.was, "\(section.title), \(group.open)")
                for row in group.rows {
                    for arrival in table.waysToArrive {
                        for reports in arrival.orders(known: group.known, told: row.reports) {
                            try expect(row, of: reports, now: now)
                        }
                    }
                    lines += 1
                }
            }
        }
        #expect(lines >= 500)
    }

    private func expect(_ row: PunchTable.Row, of reports: [String], now: Timestamp) throws {
        let punches = try PunchWords.punches(reports)
        var state = fold(punches, now: now)
        #expect(PunchWords.status(state) == row.is, "\(reports)")
        for later in row.later ?? [] {
            let time = try PunchWords.instant(later.prefix(5))
            #expect(state.nextPunchAt == time, "\(reports)")
            state = fold(punches, now: time)
            #expect(PunchWords.status(state) == later.dropFirst(6), "\(reports)")
        }
        #expect(state.nextPunchAt == nil, "\(reports)")
    }

    @Test
    func `stepping on by single reports comes to the same`() throws {
        let table = try PunchTable.load()
        let now = try PunchWords.instant(table.askedAt)
        var steps = 0
        for group in table.tables.flatMap(\.groups) {
            for row in group.rows where row.told.count == 1 {
                let punches = try PunchWords.punches(group.known + row.reports)
                let told = try #require(punches.last)
                guard let state = step(fold(punches.dropLast(), now: now), told, now: now) else { continue }
                steps += 1
                #expect(PunchWords.status(state) == row.is, "\(group.known), \(row.told)")
            }
        }
        #expect(steps >= 40)
    }

    @Test
    func `each combination has exactly one line`() throws {
        for section in try PunchTable.load().tables {
            #expect(section.groups.map(\.open) == section.open, "\(section.title)")
            for group in section.groups {
                let lines = group.rows.map { "\($0.report) / \($0.when ?? "")" }
                let combinations = section.reports.flatMap { report in
                    section.when.filter { when in
                        !section.impossible.contains { zip($0, [group.open, report, when]).allSatisfy(Self.matches) }
                    }.map { "\(report) / \($0)" }
                }
                #expect(lines.sorted() == combinations.sorted(), "\(section.title), \(group.open)")
            }
        }
    }

    private static func matches(pattern: String, word: String) -> Bool {
        pattern == "*" || pattern == word
    }

    @Test
    func `reports are tried in every way to arrive`() throws {
        #expect(try Set(PunchTable.load().waysToArrive) == Set(PunchTable.Arrival.allCases))
    }

    /// Needs `python3`; without it the test fails.
    @Test
    func `the document says what the table says`() throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../scripts/punches")
        let python = Process()
        python.executableURL = URL(filePath: "/usr/bin/env")
        python.arguments = ["python3", script.standardizedFileURL.path(percentEncoded: false), "--check"]
        let complaint = Pipe()
        python.standardError = complaint
        try python.run()
        let bytes = try complaint.fileHandleForReading.readToEnd()
        python.waitUntilExit()
        #expect(python.terminationStatus == 0, "\(String(decoding: bytes ?? Data(), as: UTF8.self))")
    }
}
