import Domain
import Testing

@Suite("fold")
struct FoldTests {
    private let day = Timestamp(seconds: 1_800_000_000)

    private func at(_ seconds: Int64) -> Timestamp { day + .seconds(seconds) }

    private func punch(
        _ kind: PunchKind,
        _ seconds: Int64,
        sequence: Int64 = 0,
        record: String? = nil,
        version: Int64? = nil,
        ordinal: Int16 = 0,
        reported: Int64 = 0,
        isOfAnother: Bool = false
    ) -> LedgerPunch {
        LedgerPunch(
            sequence: sequence,
            kind: kind,
            effectiveAt: at(seconds),
            record: record.map { RecordKey(source: 1, id: $0) },
            ordinal: ordinal,
            version: version,
            reportedAt: at(reported),
            isOfAnother: isOfAnother
        )
    }

    @Test
    func `neither order nor repetition of the punches matters`() {
        var draw = Draw(seed: 7)
        for _ in 0..<2000 {
            let punches = draw.punches(records: true)
            let expected = fold(punches, now: at(500))
            #expect(fold(draw.shuffled(punches + punches), now: at(500)) == expected)
        }
    }

    @Test
    func `a step gives what folding everything gives`() {
        var draw = Draw(seed: 11)
        var stepped = 0
        for _ in 0..<4000 {
            let punches = draw.punches(records: false)
            var state = ShiftState()
            for (index, punch) in punches.enumerated() {
                let folded = fold(punches[...index], now: at(500))
                if let next = step(state, punch, now: at(500)) {
                    stepped += 1
                    #expect(next == folded)
                }
                state = folded
            }
        }
        #expect(stepped > 4000)
    }

    @Test
    func `a late punch is not stepped over`() {
        let state = fold([punch(.clockIn, 100)], now: at(500))
        #expect(step(state, punch(.clockOut, 50), now: at(500)) == nil)
    }

    @Test
    func `at the same instant a clock-in stands over a clock-out`() {
        let state = fold([punch(.clockIn, 10, sequence: 1), punch(.clockOut, 10, sequence: 2)], now: at(500))
        #expect(state.shift == .in)
    }

    @Test
    func `a clock-in during a break ends it`() {
        let state = fold([punch(.clockIn, 1), punch(.breakStart, 2), punch(.clockIn, 3)], now: at(500))
        #expect(state.shift == .in)
        #expect(state.since == at(3))
    }

    @Test
    func `a break-start while out changes nothing`() {
        #expect(fold([punch(.breakStart, 2)], now: at(500)).shift == .out)
    }

    @Test
    func `a punch in the future is parked`() {
        let state = fold([punch(.clockIn, 1), punch(.clockOut, 900)], now: at(500))
        #expect(state.shift == .in)
        #expect(state.nextPunchAt == at(900))
    }

    @Test
    func `a later version of a record supersedes all of the earlier one`() {
        let first = [punch(.clockIn, 1, record: "a", version: 1)]
        let second = [
            punch(.clockIn, 1, record: "a", version: 2),
            punch(.clockOut, 9, record: "a", version: 2, ordinal: 1),
        ]
        #expect(fold(first, now: at(500)).shift == .in)
        #expect(fold(first + second, now: at(500)).shift == .out)
        #expect(fold(second + [punch(.clockIn, 1, record: "a", version: 3)], now: at(500)).shift == .in)
    }

    @Test
    func `a withdrawn record stays withdrawn, whatever comes later`() {
        let void = punch(.void, 5, record: "a", version: 2)
        let punches = [punch(.clockIn, 1, record: "a", version: 1), void, punch(.clockIn, 1, record: "a", version: 3)]
        #expect(fold(punches, now: at(500)).shift == .out)
    }

    @Test
    func `what comes without a version replaces all of what was known of its record`() {
        let open = [punch(.clockIn, 1, record: "a", reported: 1)]
        let closed = [
            punch(.clockIn, 1, record: "a", reported: 9), punch(.clockOut, 8, record: "a", ordinal: 1, reported: 9),
        ]
        let reopened = [punch(.clockIn, 2, record: "a", reported: 20)]
        #expect(fold(open + closed, now: at(500)).shift == .out)
        #expect(fold(closed + reopened + open, now: at(500)).since == at(2))
        let made = [punch(.clockIn, 1, record: "a", version: 0, reported: 30)]
        #expect(fold(closed + made, now: at(500)).shift == .out)
    }

    @Test
    func `two reports under one version never mix`() {
        let first = [
            punch(.clockIn, 1, record: "a", version: 4, reported: 9),
            punch(.clockOut, 8, record: "a", version: 4, ordinal: 1, reported: 9),
        ]
        let second = [punch(.clockIn, 2, record: "a", version: 4, reported: 10)]
        #expect(fold(first + second, now: at(500)).since == at(2))
    }

    @Test
    func `a record that is given to somebody else is ours no more, until it comes back`() {
        let ours = punch(.clockIn, 1, record: "a", version: 1)
        let theirs = punch(.clockIn, 1, record: "a", version: 2, isOfAnother: true)
        #expect(fold([ours, theirs], now: at(500)).shift == .out)
        #expect(fold([ours, theirs, punch(.clockIn, 3, record: "a", version: 3)], now: at(500)).since == at(3))
        #expect(fold([ours, punch(.void, 9, record: "a", isOfAnother: true)], now: at(500)).shift == .out)
    }

    @Test
    func `among numbered punches of one source the number wins over the clock`() {
        let online = punch(.clockIn, 10, sequence: 1, version: 7)
        let offline = punch(.clockOut, 10, sequence: 2, version: 8)
        #expect(fold([online, offline], now: at(500)).shift == .out)
        #expect(fold([offline, punch(.clockIn, 12, sequence: 3, version: 6)], now: at(500)).shift == .out)
        let back = punch(.clockIn, 14, sequence: 4, version: 9)
        #expect(fold([back, offline, online], now: at(500)).since == at(14))
        #expect(step(ShiftState(), online, now: at(500)) == nil)
    }

    @Test
    func `numbers of two sources say nothing of each other`() {
        let one = LedgerPunch(sequence: 1, kind: .clockIn, effectiveAt: at(10), source: 1, version: 1)
        let other = LedgerPunch(sequence: 2, kind: .clockOut, effectiveAt: at(5), source: 2, version: 9)
        #expect(fold([one, other], now: at(500)).shift == .in)
    }

    @Test
    func `numbers of two names of one source say nothing of each other`() {
        func numbered(_ kind: PunchKind, _ seconds: Int64, _ version: Int64, of name: String) -> LedgerPunch {
            LedgerPunch(
                sequence: seconds,
                kind: kind,
                effectiveAt: at(seconds),
                source: 1,
                externalID: name,
                version: version
            )
        }
        let left = numbered(.clockOut, 5, 500, of: "10011")
        let joined = numbered(.clockIn, 10, 1, of: "20022")
        #expect(fold([left, joined], now: at(500)).since == at(10))
        #expect(standings([left, joined]) == [5: .stands, 10: .stands])
        #expect(standings([left, numbered(.clockIn, 10, 1, of: "10011")]) == [5: .stands, 10: .overtaken])
        #expect(standings([left, joined, numbered(.clockOut, 9, 2, of: "20022")])[10] == .overtaken)
    }

    @Test
    func `a record's end closes that record only`() {
        let punches = [
            punch(.clockIn, 1, record: "a", version: 1), punch(.clockIn, 2, record: "b", version: 1),
            punch(.clockOut, 9, record: "b", version: 1, ordinal: 1),
        ]
        #expect(fold(punches, now: at(500)).shift == .in)
    }

    @Test
    func `a clock-out without a record closes what began before it`() {
        let open = [punch(.clockIn, 1, record: "a", version: 1), punch(.clockIn, 2)]
        #expect(fold(open + [punch(.clockOut, 5)], now: at(500)).shift == .out)
        let began = [punch(.clockIn, 7, record: "b", version: 1)]
        #expect(fold(open + [punch(.clockOut, 5)] + began, now: at(500)).shift == .in)
    }

    @Test
    func `a record that ends when it starts leaves nobody in`() {
        let punches = [
            punch(.clockIn, 5, record: "a", version: 1),
            punch(.clockOut, 5, record: "a", version: 1, ordinal: 1),
        ]
        #expect(fold(punches, now: at(500)).shift == .out)
    }

    @Test
    func `records that say one thing each work like punches without a record`() {
        let came = punch(.clockIn, 1, record: "1", version: 1)
        let cameAgain = punch(.clockIn, 2, record: "2", version: 1)
        let left = punch(.clockOut, 9, record: "3", version: 1)
        #expect(fold([came, cameAgain], now: at(500)).shift == .in)
        #expect(fold([came, cameAgain, left], now: at(500)).shift == .out)
        #expect(fold([left, cameAgain, came], now: at(500)).since == at(9))
        let returned = punch(.clockIn, 12, record: "4", version: 1)
        #expect(fold([came, left, returned], now: at(500)).shift == .in)
        let pause = [
            punch(.breakStart, 4, record: "p", version: 1), punch(.breakEnd, 6, record: "p", version: 1, ordinal: 1),
        ]
        #expect(fold([came] + pause, now: at(5)).shift == .onBreak)
        #expect(fold([came] + pause, now: at(500)).shift == .in)
        #expect(fold(pause, now: at(5)).shift == .out)
    }

    @Test
    func `records that say one thing each can be corrected and withdrawn`() {
        let came = punch(.clockIn, 1, record: "1", version: 1)
        let left = punch(.clockOut, 9, record: "2", version: 1)
        let meantCame = punch(.clockIn, 9, record: "2", version: 2)
        #expect(fold([came, left, meantCame], now: at(500)).shift == .in)
        #expect(fold([came, left, punch(.void, 20, record: "2")], now: at(500)).shift == .in)
        let later = punch(.clockOut, 90, record: "2", version: 2)
        #expect(fold([came, left, later], now: at(50)).shift == .in)
        #expect(fold([came, left, later], now: at(500)).since == at(90))
    }

    @Test
    func `back-to-back breaks of a record end in the second`() {
        let punches = [
            punch(.clockIn, 1, record: "a", version: 1),
            punch(.breakStart, 5, record: "a", version: 1, ordinal: 1),
            punch(.breakEnd, 9, record: "a", version: 1, ordinal: 2),
            punch(.breakStart, 9, record: "a", version: 1, ordinal: 3),
        ]
        #expect(fold(punches, now: at(500)).shift == .onBreak)
    }
}

/// Punches drawn by lot, the same for the same seed.
private struct Draw {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }

    mutating func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for index in elements.indices.dropFirst() { elements.swapAt(index, below(index + 1)) }
        return elements
    }

    /// Up to twelve punches over a short time, so that instants coincide; some lie in the future.
    mutating func punches(records: Bool) -> [LedgerPunch] {
        (0..<(1 + below(12))).map { number in
            let record = records && below(2) == 0 ? RecordKey(source: 1, id: ["a", "b"][below(2)]) : nil
            let kinds: [PunchKind] = [.clockIn, .clockOut, .breakStart, .breakEnd] + (record == nil ? [] : [.void])
            return LedgerPunch(
                sequence: Int64(number),
                kind: kinds[below(kinds.count)],
                effectiveAt: Timestamp(seconds: 1_800_000_000 + Int64(below(30) * 20)),
                record: record,
                ordinal: Int16(number),
                version: record.map { _ in Int64(below(3)) }
            )
        }
    }
}
