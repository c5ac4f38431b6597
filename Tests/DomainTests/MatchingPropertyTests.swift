import Domain
import Testing

/// What holds of matching whatever happened, tried on cases drawn by seed.
@Suite("match, properties")
struct MatchingPropertyTests {
    static let seeds = Array(UInt64(1)...2_000)

    @Test
    func `nobody is on shift because of old unmatched news alone`() {
        for seed in Self.seeds {
            let drawn = DrawnNews(seed: seed)
            let ledger = drawn.held + drawn.taken(of: drawn.all, drawn.held)
            guard fold(ledger, now: drawn.now).shift != .out else { continue }
            let unmatched = Set(drawn.all.map(\.sequence))
            let fresh = ledger.contains { punch in
                // Some beginning that is not old unmatched news is open: leave it out, and nothing is.
                punch.kind == .clockIn && (!unmatched.contains(punch.sequence) || punch.effectiveAt >= drawn.youngFrom)
            }
            #expect(fresh, "seed \(seed)")
            let withoutOldBeginnings = ledger.filter { punch in
                !(unmatched.contains(punch.sequence) && punch.kind == .clockIn && punch.effectiveAt < drawn.youngFrom
                    && punch.record == nil)
            }
            #expect(fold(withoutOldBeginnings, now: drawn.now).shift != .out, "seed \(seed)")
        }
    }

    @Test
    func `asked again it takes nothing more`() {
        for seed in Self.seeds {
            let drawn = DrawnNews(seed: seed)
            let first = drawn.taken(of: drawn.all, drawn.held)
            let known = Set(first.map(\.sequence))
            let rest = drawn.all.filter { !known.contains($0.sequence) }
            #expect(drawn.taken(of: rest, drawn.held + first).isEmpty, "seed \(seed)")
        }
    }

    @Test
    func `it does not matter which name is mapped first`() {
        for seed in Self.seeds {
            // Without loose breaks: whether an old end of one may count depends on what the agent does at the moment.
            let drawn = DrawnNews(seed: seed, hasLooseBreaks: false)
            let together = Set(drawn.taken(of: drawn.all, drawn.held).map(\.sequence))
            for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
                var ledger = drawn.held
                var waiting: [LedgerPunch] = []
                for name in order {
                    waiting += drawn.names[name]
                    let taken = drawn.taken(of: waiting, ledger)
                    ledger += taken
                    waiting.removeAll(where: taken.contains)
                }
                let got = Set(ledger.map(\.sequence)).subtracting(drawn.held.map(\.sequence))
                #expect(got == together, "seed \(seed), \(order)")
            }
        }
    }

    @Test
    func `young news comes to the same whether it came before the mapping or after`() {
        for seed in Self.seeds {
            let drawn = DrawnNews(seed: seed, youngOnly: true)
            let taken = drawn.taken(of: drawn.all, drawn.held)
            #expect(taken.count == drawn.all.count, "seed \(seed)")
            let before = fold(drawn.held + taken, now: drawn.now)
            let after = fold(drawn.held + drawn.all, now: drawn.now)
            #expect(before == after, "seed \(seed)")
        }
    }

    @Test
    func `the order in which events are handed over does not matter`() {
        for seed in Self.seeds.prefix(300) {
            let drawn = DrawnNews(seed: seed)
            let forwards = match(drawn.all, held: drawn.held, maxAge: drawn.maxAge, now: drawn.now)
            let backwards = match(
                drawn.all.reversed(),
                held: drawn.held.reversed(),
                maxAge: drawn.maxAge,
                now: drawn.now
            )
            #expect(forwards == backwards, "seed \(seed)")
        }
    }
}

/// A random past of one agent: what the ledger holds, and what came under each of three names that nobody knew.
private struct DrawnNews {
    let maxAge = Duration.seconds(24 * 3600)
    let now = Timestamp(seconds: 1_800_000_000)
    var held: [LedgerPunch] = []
    /// Of three names, each of a source of its own.
    var names: [[LedgerPunch]] = [[], [], []]

    var youngFrom: Timestamp { now - maxAge }
    var all: [LedgerPunch] { names.flatMap { $0 } }

    init(seed: UInt64, youngOnly: Bool = false, hasLooseBreaks: Bool = true) {
        var draw = SplitMix(state: seed)
        var number: Int64 = 0
        let oldest = youngOnly ? 24 : 60
        func instant() -> Timestamp {
            // Whole hours, so that instants and the age's edge are often met exactly; some lie ahead.
            now - .seconds(3600 * Int64(draw.below(oldest + 3)) - 2 * 3600)
        }
        func single(_ source: Int32, version: Int64? = nil) -> LedgerPunch {
            number += 1
            let kinds: [PunchKind] =
                hasLooseBreaks
                ? [.clockIn, .clockIn, .clockOut, .breakStart, .breakEnd] : [.clockIn, .clockIn, .clockOut]
            return LedgerPunch(
                sequence: number,
                kind: kinds[draw.below(kinds.count)],
                effectiveAt: instant(),
                source: source,
                version: version
            )
        }
        func card(_ name: String, source: Int32, version: Int64) -> [LedgerPunch] {
            let record = RecordKey(source: source, id: name)
            if draw.below(12) == 0 {
                number += 1
                return [LedgerPunch(sequence: number, kind: .void, effectiveAt: instant(), record: record)]
            }
            let start = instant()
            var marks: [(PunchKind, Timestamp)] = [(.clockIn, start)]
            if draw.below(3) == 0 { marks.append((.breakStart, start + .seconds(1800))) }
            if draw.below(2) == 0 { marks.append((.clockOut, start + .seconds(3600 * Int64(draw.below(30) + 1)))) }
            return marks.enumerated().map { place, mark in
                number += 1
                return LedgerPunch(
                    sequence: number,
                    kind: mark.0,
                    effectiveAt: mark.1,
                    record: record,
                    ordinal: Int16(place),
                    version: version,
                    reportedAt: Timestamp(seconds: 1_700_000_000 + number)
                )
            }
        }
        for place in 0..<draw.below(4) { held.append(single(Int32(place % 2 + 1))) }
        for name in names.indices {
            let source = Int32(name + 1)
            for _ in 0..<draw.below(5) {
                switch draw.below(3) {
                case 0: names[name].append(single(source))
                default:
                    let card = card("\(name)-\(draw.below(2))", source: source, version: Int64(draw.below(3)))
                    names[name] += card
                }
            }
        }
    }

    func taken(of candidates: [LedgerPunch], _ ledger: [LedgerPunch]) -> [LedgerPunch] {
        let taken = Set(match(candidates, held: ledger, maxAge: maxAge, now: now).taken)
        return candidates.filter { taken.contains($0.sequence) }
    }
}

/// Numbers by seed.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
private struct SplitMix {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(limit))
    }
}
