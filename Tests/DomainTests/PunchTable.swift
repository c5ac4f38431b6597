import Domain
import Foundation
import Testing

/// `punch-table.json`: what every combination of reports comes to.
struct PunchTable: Decodable {
    /// The time of day at which the lines are asked.
    var askedAt: String
    /// Ways in which a line's reports reach us; none may make a difference.
    var waysToArrive: [Arrival]
    var tables: [Section]

    enum CodingKeys: String, CodingKey {
        case tables
        case askedAt = "asked_at"
        case waysToArrive = "ways_to_arrive"
    }

    /// One table of the document.
    struct Section: Decodable {
        var title: String
        /// Where the person may stand before.
        var open: [String]
        /// What may be reported.
        var reports: [String]
        /// When it may have happened, beside what is known; `[""]` where that makes no sense.
        var when: [String]
        /// Combinations of the three that cannot be; `*` stands for all.
        var impossible: [[String]]
        var groups: [Group]
    }

    /// The lines that begin alike.
    struct Group: Decodable {
        var open: String
        var known: [String]
        var was: String
        var rows: [Row]
    }

    struct Row: Decodable {
        var report: String
        var when: String?
        var told: [String]
        /// What the document says beside the reports; ``PunchWords/anotherName`` also changes what they mean.
        var note: String?
        var `is`: String
        /// A time of day and what holds from then on, for every report that lies ahead.
        var later: [String]?

        /// What is told, with the note where that is part of it.
        var reports: [String] {
            note == PunchWords.anotherName ? told.map { "\($0) (\(PunchWords.anotherName))" } : told
        }
    }

    /// How reports reach us.
    enum Arrival: String, Decodable, CaseIterable {
        case asListed = "in the order of the line"
        case backwards
        case newFirst = "the new report first"
        case twice = "each of them twice"
        case backwardsTwice = "backwards and each of them twice"
        case everyOrder = "in every other order"

        /// What is known and what is told, in each of the orders meant.
        func orders(known: [String], told: [String]) -> [[String]] {
            let listed = known + told
            return switch self {
            case .asListed: [listed]
            case .backwards: [listed.reversed()]
            case .newFirst: [told + known]
            case .twice: [listed + listed, listed.flatMap { [$0, $0] }]
            case .backwardsTwice: [(listed + listed).reversed()]
            case .everyOrder: Self.permutations(listed)
            }
        }

        private static func permutations(_ reports: [String]) -> [[String]] {
            guard reports.count > 1 else { return [reports] }
            return reports.indices.flatMap { index in
                var rest = reports
                let first = rest.remove(at: index)
                return permutations(rest).map { [first] + $0 }
            }
        }
    }

    static func load() throws -> PunchTable {
        let url = try #require(Bundle.module.url(forResource: "punch-table", withExtension: "json"))
        return try JSONDecoder().decode(PunchTable.self, from: Data(contentsOf: url))
    }
}

/// Reads the table's own words.
enum PunchWords {
    /// Said of a numbered report that is under another name of the person than those of which nothing is said.
    static let anotherName = "under another name"

    private struct Unreadable: Error {
        var text: String
    }

    /// The instant at which clocks show a time like `08:00`, on a day of no importance.
    static func instant(_ text: some StringProtocol) throws -> Timestamp {
        try #require(Timestamp(rfc3339: "2027-01-15T\(text):00Z"), "\(text)")
    }

    /// The punches of reports, in the order in which they reach us.
    static func punches(_ reports: [String]) throws -> [LedgerPunch] {
        try reports.flatMap(punches).enumerated().map { position, punch in
            var punch = punch
            punch.sequence = Int64(position)
            return punch
        }
    }

    /// `08:00 clock_in`, `number 5: 08:00 clock_in`, the same with ` (under another name)` after it,
    /// `card A v1: 08:00 clock_in, 17:00 clock_out`, the same with `received 11:05` or `of another` before the colon, or
    /// `card A deleted at 11:00`.
    private static func punches(_ report: String) throws -> [LedgerPunch] {
        if let deletion = try /(\w+ \w+) deleted at ([\d:]+)/.wholeMatch(in: report) {
            return [try punch("void", at: deletion.2, record: String(deletion.1))]
        }
        if let numbered = try /number (\d+): (\S+ \S+)(?: \((.+)\))?/.wholeMatch(in: report) {
            if let note = numbered.3, note != anotherName { throw Unreadable(text: report) }
            var punch = try single(numbered.2)
            punch.version = Int64(numbered.1)
            punch.externalID = numbered.3 == nil ? "one" : "other"
            return [punch]
        }
        let record = try /(\w+ \w+)(?: v(\d+))?(?: received ([\d:]+))?( of another)?: (.+)/.wholeMatch(in: report)
        guard let record else { return [try single(Substring(report))] }
        return try record.5.split(separator: ", ").enumerated().map { place, mark in
            var punch = try single(mark, record: String(record.1))
            punch.version = record.2.flatMap { Int64($0) }
            punch.ordinal = Int16(place)
            if let received = record.3 { punch.reportedAt = try instant(received) }
            punch.isOfAnother = record.4 != nil
            return punch
        }
    }

    private static func single(_ mark: Substring, record: String? = nil) throws -> LedgerPunch {
        let words = mark.split(separator: " ")
        guard words.count == 2 else { throw Unreadable(text: String(mark)) }
        return try punch(String(words[1]), at: words[0], record: record)
    }

    private static func punch(_ kind: String, at time: Substring, record: String?) throws -> LedgerPunch {
        guard let kind = PunchKind(rawValue: kind) else { throw Unreadable(text: kind) }
        return LedgerPunch(
            sequence: 0,
            kind: kind,
            effectiveAt: try instant(time),
            record: record.map { RecordKey(source: 1, id: $0) }
        )
    }

    /// `in since 08:00`, or `never in`.
    static func status(_ state: ShiftState) -> String {
        guard let since = state.since else { return state.shift == .out ? "never in" : state.shift.rawValue }
        return "\(state.shift.rawValue) since \(since.rfc3339.dropFirst(11).prefix(5))"
    }
}
