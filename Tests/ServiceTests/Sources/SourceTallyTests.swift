import Domain
import Testing

@testable import Service

@Suite("SourceTally")
struct SourceTallyTests {
    private static let noon = Timestamp(seconds: 1_800_014_400)

    private static func note(_ detail: String = "no proof", at: Timestamp = noon) -> SourceRefusalNote {
        SourceRefusalNote(at: at, reason: .badProof, detail: detail)
    }

    @Test
    func `a flood of refusals is counted in full and takes no more room than a few`() {
        var tally = SourceTally()
        for number in 0..<50_000 {
            tally.count(.badProof, of: 1, at: Self.noon)
            tally.note(Self.note("\(number)"), of: 1)
        }
        let entry = tally.entries[1]
        #expect(entry?.counts.values.map { $0[.badProof] } == [50_000])
        #expect(entry?.refusals.count == SourceTally.refusalLimit)
        #expect(entry?.faultsSinceSeen == 50_000)
        #expect(entry?.lastSeenAt == nil)
    }

    @Test
    func `more sources than the bound, and more days, take no more room`() {
        var tally = SourceTally()
        for source in 0..<Int32(SourceTally.sourceLimit + 50) { tally.count(.accepted, of: source, at: Self.noon) }
        #expect(tally.entries.count == SourceTally.sourceLimit)
        #expect(!tally.hasRoomForRefusal(of: Int32(SourceTally.sourceLimit + 1)))
        for day in 0..<10 { tally.count(.accepted, of: 0, at: Self.noon + .seconds(day * 86_400)) }
        let counts = tally.entries[0]?.counts ?? [:]
        #expect(counts.count == SourceTally.dayLimit)
        #expect(counts.values.reduce(0) { $0 + ($1[.accepted] ?? 0) } == 11)
    }

    @Test
    func `requests are told apart by the day of UTC`() {
        var tally = SourceTally()
        let midnight = Timestamp(seconds: 1_800_057_600)
        tally.count(.accepted, of: 1, at: midnight - .microseconds(1))
        tally.count(.accepted, of: 1, at: midnight, times: 2)
        let counts = tally.entries[1]?.counts ?? [:]
        #expect(counts.sorted { $0.key < $1.key }.map { $0.value[.accepted] } == [1, 2])
    }

    @Test(arguments: SourceOutcome.allCases)
    func `who proves to be the source was seen, and only a fault is held against how it is set up`(
        outcome: SourceOutcome
    ) {
        var tally = SourceTally()
        tally.count(.badProof, of: 1, at: Self.noon)
        tally.count(outcome, of: 1, at: Self.noon + .seconds(1))
        let entry = tally.entries[1]
        #expect((entry?.lastSeenAt != nil) == outcome.isGenuine)
        #expect(entry?.faultsSinceSeen == (outcome.isGenuine ? 0 : outcome.isFault ? 2 : 1))
        #expect(entry?.lastRefusedAt == (outcome.isRefusal ? Self.noon + .seconds(1) : Self.noon))
    }

    @Test
    func `who is turned away before the proof is looked at was not seen, and no fault of the source is over`() {
        var tally = SourceTally()
        tally.count(.badProof, of: 1, at: Self.noon)
        tally.count(.unavailable, of: 1, at: Self.noon + .seconds(1), isProved: false)
        let entry = tally.entries[1]
        #expect(entry?.lastSeenAt == nil && entry?.faultsSinceSeen == 1)
        #expect(entry?.lastRefusedAt == Self.noon + .seconds(1))
        #expect(entry?.counts.values.map { $0[.unavailable] } == [1])
    }

    @Test
    func `what could not be written goes in front of what came since`() {
        var earlier = SourceTally()
        earlier.count(.accepted, of: 1, at: Self.noon)
        earlier.count(.badProof, of: 1, at: Self.noon + .seconds(1))
        earlier.note(Self.note("first"), of: 1)
        earlier.count(.badProof, of: 2, at: Self.noon)
        var later = SourceTally()
        later.count(.badProof, of: 1, at: Self.noon + .seconds(2))
        later.note(Self.note("second"), of: 1)
        later.putBack(earlier)
        let entry = later.entries[1]
        #expect(entry?.counts.values.map { [$0[.accepted], $0[.badProof]] } == [[1, 2]])
        #expect(entry?.lastSeenAt == Self.noon)
        #expect(entry?.lastRefusedAt == Self.noon + .seconds(2))
        #expect(entry?.faultsSinceSeen == 2)
        #expect(entry?.refusals.map(\.detail) == ["first", "second"])
        #expect(later.entries[2]?.faultsSinceSeen == 1)
    }

    @Test(
        arguments: [
            (nil, 0, false, SourceState.waiting), (nil, 1, false, .refusing), (noon, 0, false, .receiving),
            (noon, 2, false, .receiving), (noon, 3, false, .refusing), (noon, 0, true, .silent),
            (noon, 9, true, .silent),
        ] as [(Timestamp?, Int64, Bool, SourceState)]
    )
    func `a source's state follows from when it was seen and what was refused since`(
        lastSeenAt: Timestamp?,
        refused: Int64,
        isSilent: Bool,
        state: SourceState
    ) {
        #expect(SourceState(lastSeenAt: lastSeenAt, refusedSinceSeen: refused, isSilent: isSilent) == state)
    }

    @Test(arguments: [(nil, false), (noon, false), (noon, true)] as [(Timestamp?, Bool)])
    func `a source whose API refuses to say what is in a record is refusing, unless it is silent`(
        lastSeenAt: Timestamp?,
        isSilent: Bool
    ) {
        let state = SourceState(lastSeenAt: lastSeenAt, refusedSinceSeen: 0, isSilent: isSilent, isFetchRefused: true)
        #expect(state == (isSilent ? .silent : .refusing))
    }
}
