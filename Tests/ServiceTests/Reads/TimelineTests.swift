import Domain
import Testing

@testable import Service

@Suite("Timeline")
struct TimelineTests {
    private func at(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }

    private func punch(_ kind: PunchKind, _ seconds: Int64) -> LedgerPunch {
        LedgerPunch(sequence: seconds, kind: kind, effectiveAt: at(seconds))
    }

    private func timeline(
        _ punches: [LedgerPunch],
        holds: [HoldEntry] = [],
        breakAction: BreakAction = .keep,
        from: Int64 = 0,
        to: Int64 = 100
    ) -> Timeline {
        Timeline(punches: punches, holds: holds, breakAction: breakAction, observed: [], from: at(from), to: at(to))
    }

    @Test
    func `a shift is told from what happened, also before the span`() {
        let timeline = timeline([
            punch(.clockIn, -50), punch(.breakStart, 20), punch(.breakEnd, 30), punch(.clockOut, 80),
        ])
        #expect(timeline.shift.map(\.state) == ["in", "break", "in", "out"])
        #expect(timeline.shift.map(\.from) == [at(0), at(20), at(30), at(80)])
        #expect(timeline.shift.map(\.to) == [at(20), at(30), at(80), at(100)])
        #expect(timeline.desired.map(\.state) == ["running", "running", "running", "stopped"])
        #expect(timeline.desired.map(\.reason) == ["shift", "break", "shift", "shift"])
    }

    @Test
    func `without events there is one interval that says so`() {
        let timeline = timeline([])
        #expect(timeline.shift == [.init(from: at(0), to: at(100), state: "out", reason: "no_events")])
        #expect(timeline.desired == [.init(from: at(0), to: at(100), state: "stopped", reason: "default")])
    }

    @Test
    func `a hold decides from its beginning to its end, or until somebody ends it`() {
        let hold = Hold(state: .running, until: at(90), reason: "r", author: "m")
        let ended = timeline([], holds: [HoldEntry(hold: hold, from: at(10), endedAt: at(40))])
        #expect(ended.desired.map(\.reason) == ["default", "hold", "default"])
        #expect(ended.desired.map(\.to) == [at(10), at(40), at(100)])
        let expired = timeline([], holds: [HoldEntry(hold: hold, from: at(10), endedAt: nil)])
        #expect(expired.desired.map(\.to) == [at(10), at(90), at(100)])
    }

    @Test
    func `a late report changes the past it is about`() {
        let before = timeline([punch(.clockIn, 10)])
        let after = timeline([punch(.clockIn, 10), punch(.clockOut, 50)])
        #expect(before.shift.map(\.state) == ["out", "in"])
        #expect(after.shift.map(\.state) == ["out", "in", "out"])
    }

    @Test
    func `what a later version of a record says is so in the past too`() {
        func card(_ kind: PunchKind, _ seconds: Int64, version: Int64, _ ordinal: Int16 = 0) -> LedgerPunch {
            var punch = punch(kind, seconds)
            punch.record = RecordKey(source: 1, id: "r")
            punch.version = version
            punch.ordinal = ordinal
            return punch
        }
        let timeline = timeline([
            card(.clockIn, 10, version: 1), card(.clockIn, 40, version: 2), card(.clockOut, 60, version: 2, 1),
        ])
        #expect(timeline.shift.map(\.state) == ["out", "in", "out"])
        #expect(timeline.shift.map(\.from) == [at(0), at(40), at(60)])
    }

    @Test
    func `what nobody recorded of the session is shown as a gap`() {
        let command = CommandEntry(
            id: 1,
            action: "start",
            reason: "should_run",
            intendedAt: at(10),
            sentAt: at(10),
            endedAt: at(11),
            verdict: "ok",
            claim: "STARTING"
        )
        let observed = Timeline.observed(
            commands: [command],
            SessionKnowledge(proofs: [SessionProof(state: "WORKING", from: at(40), to: at(90))]),
            from: at(0),
            to: at(100)
        )
        #expect(observed.map(\.state) == [nil, "STARTING", nil, "WORKING", nil])
        #expect(observed.map(\.reason) == ["not_recorded", "claimed", "not_recorded", "read", "not_recorded"])
        #expect(observed.map(\.from) == [at(0), at(11), at(11), at(40), at(90)])
    }

    @Test
    func `what reads found lasts until it was found otherwise, and the last of it until the last read`() {
        let stretches = SessionProof.stretches(
            [change("STOPPED", -50), change("STARTING", 20), change("WORKING", 24)],
            until: at(80)
        )
        #expect(stretches.map(\.to) == [at(20), at(24), at(80)])
        let observed = Timeline.observed(commands: [], SessionKnowledge(proofs: stretches), from: at(0), to: at(100))
        #expect(observed.map(\.state) == ["STOPPED", "STARTING", "WORKING", nil])
        #expect(observed.map(\.from) == [at(0), at(20), at(24), at(80)])
        #expect(SessionProof.stretches([change("WORKING", 5)], until: nil).map(\.to) == [at(5)])
    }

    @Test
    func `intervals cover the span without a hole`() {
        let kinds: [PunchKind] = [.clockIn, .breakStart, .clockOut, .breakEnd]
        let timeline = timeline((0..<40).map { punch(kinds[Int($0) % 4], $0 * 7 - 50) })
        for intervals in [timeline.shift, timeline.desired] {
            #expect(intervals.first?.from == at(0) && intervals.last?.to == at(100))
            for (left, right) in zip(intervals, intervals.dropFirst()) { #expect(left.to == right.from) }
        }
    }

    private func proof(_ state: String, _ from: Int64, _ to: Int64) -> SessionProof {
        SessionProof(state: state, from: at(from), to: at(to))
    }

    private func change(_ state: String, _ seconds: Int64) -> SessionChange {
        SessionChange(at: at(seconds), state: state)
    }

    private func gap(_ from: Int64, _ to: Int64) -> LookGap { LookGap(from: at(from), to: at(to)) }

    @Test
    func `where nobody looked a state is not known, though it was the same before and after`() {
        let proved = SessionProof.proved([proof("WORKING", 0, 100)], gaps: [gap(20, 60)]) { _ in .seconds(30) }
        #expect(proved.proofs == [proof("WORKING", 0, 20), proof("WORKING", 60, 100)])
        #expect(proved.unread == [gap(20, 60)])
        let observed = Timeline.observed(
            commands: [],
            SessionKnowledge(proofs: proved.proofs, unread: proved.unread),
            from: at(0),
            to: at(100)
        )
        #expect(observed.map(\.state) == ["WORKING", nil, "WORKING"])
        #expect(observed.map(\.reason) == ["read", "not_read", "read"])
        #expect(observed.map(\.to) == [at(20), at(60), at(100)])
    }

    @Test
    func `a stretch without a look counts from when a look of that state is too old`() {
        let proofs = [proof("WORKING", 0, 50), proof("STOPPED", 50, 100)]
        let proved = SessionProof.proved(proofs, gaps: [gap(5, 25), gap(60, 90)]) { state in
            .seconds(state == "WORKING" ? 10 : 40)
        }
        #expect(proved.unread == [gap(5, 25)])
        #expect(proved.proofs.map(\.state) == ["WORKING", "WORKING", "STOPPED"])
    }

    @Test
    func `stretches that overlap are one, and one that ends with a change belongs to the state before`() {
        let proofs = [proof("WORKING", 0, 80), proof("STOPPED", 80, 100)]
        let proved = SessionProof.proved(proofs, gaps: [gap(-10, 30), gap(20, 80)]) { _ in .seconds(1) }
        #expect(proved.unread == [gap(0, 80)])
        #expect(proved.proofs == [proof("STOPPED", 80, 100)])
        let last = SessionProof.proved([proof("WORKING", 0, 80)], gaps: [gap(30, 80)]) { _ in .seconds(1) }
        #expect(last.proofs == [proof("WORKING", 0, 30), proof("WORKING", 80, 80)], "it was read at the end")
    }

    @Test
    func `of more changes than are shown the newest are, and what was carried in says nothing of the time before them`()
    {
        let changes = [change("STOPPED", -50)] + (1...5).map { change($0 % 2 == 0 ? "STOPPED" : "WORKING", $0 * 10) }
        let whole = SessionRecord(changes, gaps: [gap(2, 4)], from: at(0), limit: 5)
        #expect(whole.changes == changes && whole.gaps == [gap(2, 4)] && whole.from == at(0))
        let cut = SessionRecord(changes, gaps: [gap(2, 4)], from: at(0), limit: 3)
        #expect(cut.changes == Array(changes.suffix(3)) && cut.from == at(30))
    }

    @Test
    func `of more gaps than are shown the newest are, and nothing is said of the time before them`() {
        let changes = [change("STOPPED", -50)]
        let gaps = (0..<4).map { gap($0 * 20, $0 * 20 + 10) }
        let cut = SessionRecord(changes, gaps: gaps, from: at(0), limit: 2)
        #expect(cut.gaps == [gap(40, 50), gap(60, 70)] && cut.from == at(40))
        #expect(SessionRecord(changes, gaps: gaps, from: at(0), limit: 4).from == at(0))
    }

    @Test
    func `what is left out is said to be`() {
        let known = SessionKnowledge(proofs: [proof("WORKING", 40, 100)], leftOut: [gap(-5, 40)])
        let observed = Timeline.observed(commands: [], known, from: at(0), to: at(100))
        #expect(observed.map(\.state) == [nil, "WORKING"] && observed.map(\.reason) == ["left_out", "read"])
        let count = Int64(Timeline.changeLimit)
        let punches = (1...count + 10).map { punch($0 % 2 == 0 ? .clockOut : .clockIn, $0) }
        let timeline = timeline(punches, from: 0, to: count + 20)
        for intervals in [timeline.shift, timeline.desired] {
            #expect(intervals.first == Timeline.Interval(from: at(0), to: at(11), reason: "left_out"))
            #expect(intervals.count == Int(count) + 1 && intervals.last?.to == at(count + 20))
            for (left, right) in zip(intervals, intervals.dropFirst()) { #expect(left.to == right.from) }
        }
    }
}
