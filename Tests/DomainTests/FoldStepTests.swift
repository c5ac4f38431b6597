import Domain
import Testing

/// Moving on from a state is only allowed where it comes to what folding everything comes to.
@Suite("fold, step by step")
struct FoldStepTests {
    private static let now = Timestamp(seconds: 1_800_000_500)

    private func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000) + .seconds(seconds) }

    private func card(_ version: Int64, _ punches: (PunchKind, Int64)..., id: String = "card") -> [LedgerPunch] {
        punches.enumerated().map { place, punch in
            LedgerPunch(
                sequence: version * 10 + Int64(place),
                kind: punch.0,
                effectiveAt: at(punch.1),
                record: RecordKey(source: 1, id: id),
                ordinal: Int16(place),
                version: version,
                reportedAt: at(400 + version)
            )
        }
    }

    private func known(_ version: Int64, areOrdinary: Bool = true) -> KnownReports {
        KnownReports(areOrdinary: areOrdinary, version: version, reportedAt: at(400))
    }

    @Test
    func `a timecard's whole day needs no more than the state`() throws {
        let day: [[LedgerPunch]] = [
            card(1, (.clockIn, 10)),
            card(2, (.clockIn, 10), (.breakStart, 20)),
            card(3, (.clockIn, 10), (.breakStart, 20), (.breakEnd, 30)),
            card(4, (.clockIn, 10), (.breakStart, 20), (.breakEnd, 30), (.clockOut, 40)),
            card(5, (.clockIn, 10), (.breakStart, 20), (.breakEnd, 31), (.clockOut, 41)),
        ]
        var state = ShiftState()
        for (place, report) in day.enumerated() {
            let before = place == 0 ? nil : known(Int64(place))
            state = try #require(step(state, report: report, known: before, now: Self.now), "version \(place + 1)")
            #expect(state == fold(day[...place].joined(), now: Self.now))
        }
        let next = card(1, (.clockIn, 50), id: "another")
        #expect(try #require(step(state, report: next, known: nil, now: Self.now)).shift == .in)
    }

    @Test
    func `what came before, is older or of somebody else is not stepped over`() throws {
        let first = card(2, (.clockIn, 10))
        let state = fold(first, now: Self.now)
        let end = card(3, (.clockIn, 10), (.clockOut, 40))
        #expect(step(state, report: end, known: known(2), now: Self.now) != nil)
        #expect(step(state, report: end, known: known(3), now: Self.now) == nil)
        #expect(step(state, report: end, known: nil, now: Self.now) == nil)
        #expect(step(state, report: end, known: known(2, areOrdinary: false), now: Self.now) == nil)
        let unnumbered = KnownReports(areOrdinary: true, version: nil, reportedAt: at(400))
        #expect(step(state, report: end, known: unnumbered, now: Self.now) == nil)
        let moved = card(3, (.clockIn, 11), (.clockOut, 40))
        #expect(step(state, report: moved, known: known(2), now: Self.now) == nil)
        #expect(step(state, report: card(1, (.clockIn, 10), id: "another"), known: nil, now: Self.now) == nil)
        let withdrawn = card(3, (.void, 20))
        #expect(step(state, report: withdrawn, known: known(2), now: Self.now) == nil)
        let both = first + card(3, (.clockIn, 10), (.clockOut, 40))
        #expect(step(ShiftState(), report: both, known: nil, now: Self.now) == nil)
    }

    @Test
    func `a state whose tail was left out is not gone on from`() {
        var state = fold(card(1, (.clockIn, 10)), now: Self.now)
        state.tail = nil
        let end = card(2, (.clockIn, 10), (.clockOut, 40))
        #expect(step(state, report: end, known: known(1), now: Self.now) == nil)
        #expect(step(state, LedgerPunch(sequence: 9, kind: .clockOut, effectiveAt: at(40)), now: Self.now) == nil)
    }

    /// Histories of single punches and of reports of a few records, mostly in their order, with breaks, corrections of times,
    /// deletions, things that happened at one instant and in the future.
    @Test
    func `a step gives what folding everything gives`() {
        var history = RandomHistory(seed: 23)
        var steps = (punches: 0, newRecords: 0, newerReports: 0)
        for number in 0..<6000 {
            history.begin(isNumbered: number.isMultiple(of: 2))
            var told: [LedgerPunch] = []
            var state = ShiftState()
            for _ in 0..<12 {
                let report = history.next()
                let known = history.known(of: report, in: told)
                let next =
                    report[0].record == nil
                    ? step(state, report[0], now: Self.now) : step(state, report: report, known: known, now: Self.now)
                told += report
                state = fold(told, now: Self.now)
                guard let next else { continue }
                #expect(next == state, "\(told)")
                if report[0].record == nil {
                    steps.punches += 1
                } else if known == nil {
                    steps.newRecords += 1
                } else {
                    steps.newerReports += 1
                }
            }
        }
        #expect(steps.punches > 2000 && steps.newRecords > 2000 && steps.newerReports > 1000, "\(steps)")
    }
}

/// Draws what a clock source might tell of one agent.
private struct RandomHistory {
    private var state: UInt64
    private var time: Int64 = 0
    private var sequence: Int64 = 0
    private var latest = "a"
    private var isNumbered = true
    private var cards: [String: [(kind: PunchKind, at: Int64)]] = [:]
    private var versions: [String: Int64] = [:]

    init(seed: UInt64) { state = seed }

    private mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }

    /// `isNumbered`: whether reports of records have versions, but for one now and then.
    mutating func begin(isNumbered: Bool) {
        self.isNumbered = isNumbered
        time = 0
        cards = [:]
        versions = [:]
    }

    /// What is told next: a punch alone, or all punches of a record's report.
    mutating func next() -> [LedgerPunch] {
        // Now and then at the same instant, seldom beyond now.
        time += Int64(below(8) == 0 ? 0 : below(12) == 0 ? 300 : 1 + below(30))
        let happened = below(10) == 0 ? Int64(below(Int(time) + 1)) : time
        if below(4) == 0 {
            let kinds: [PunchKind] = [.clockIn, .clockOut, .breakStart, .breakEnd]
            return [punch(kinds[below(4)], happened, nil, 0, nil)]
        }
        // Mostly the same record goes on.
        if below(3) == 0 { latest = ["a", "b", "c", "d", "e"][below(5)] }
        let id = latest
        var card = cards[id] ?? []
        var version: Int64?
        if isNumbered != (below(20) == 0) {
            let next = (versions[id] ?? 0) + Int64(below(12) == 0 ? 0 : 1)
            version = next
            versions[id] = max(next, versions[id] ?? 0)
        }
        if below(25) == 0 { return [punch(.void, happened, id, 0, version)] }
        switch card.last?.kind {
        case nil: card = [(below(20) == 0 ? .breakStart : .clockIn, happened)]
        case .clockOut where below(2) == 0: card.removeLast()
        case .clockOut: card[card.count - 1].at += Int64(below(5))
        case .breakStart: card.append((.breakEnd, max(happened, card.last?.at ?? 0)))
        default:
            let kind: PunchKind = below(3) == 0 ? .breakStart : .clockOut
            card.append((kind, max(happened, card.last?.at ?? 0)))
        }
        if below(15) == 0 { card[0].at -= Int64(below(10)) }
        cards[id] = card
        sequence += 1
        let reportedAt = sequence
        return card.enumerated().map { place, item in
            var made = punch(item.kind, item.at, id, Int16(place), version)
            made.reportedAt = Timestamp(seconds: 1_800_000_000 + reportedAt)
            return made
        }
    }

    private mutating func punch(
        _ kind: PunchKind,
        _ seconds: Int64,
        _ id: String?,
        _ ordinal: Int16,
        _ version: Int64?
    ) -> LedgerPunch {
        sequence += 1
        return LedgerPunch(
            sequence: sequence,
            kind: kind,
            effectiveAt: Timestamp(seconds: 1_800_000_000 + seconds),
            record: id.map { RecordKey(source: 1, id: $0) },
            ordinal: ordinal,
            version: version,
            reportedAt: Timestamp(seconds: 1_800_000_000 + sequence)
        )
    }

    /// What the ledger would say of the report's record.
    func known(of report: [LedgerPunch], in told: [LedgerPunch]) -> KnownReports? {
        let earlier = told.filter { $0.record == report[0].record }
        guard report[0].record != nil, !earlier.isEmpty else { return nil }
        let isNumbered = Set(earlier.map { $0.version != nil })
        return KnownReports(
            areOrdinary: isNumbered.count == 1 && earlier.allSatisfy { $0.kind != .void },
            version: earlier.compactMap(\.version).max(),
            reportedAt: earlier.map(\.reportedAt).max() ?? report[0].reportedAt
        )
    }
}
