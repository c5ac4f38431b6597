import Testing

/// The judge of the fault suite, on histories in which something is planted.
@Suite("History checker")
struct HistoryCheckerTests {
    @Test
    func `a history in which all is well has no finding`() {
        let verdict = HistoryChecker().check(.sound)
        #expect(verdict.findings.isEmpty)
        #expect(verdict.taken == 2)
        #expect(verdict.reordered == 0)
        #expect(verdict.lateFromFrozen == 0)
    }

    @Test
    func `an event that was answered and is not in the ledger is lost`() {
        var history = History.sound
        history.ledger.removeFirst()
        #expect(findings(history) == [.lost("ana-1")])
    }

    @Test
    func `an event that is in the ledger otherwise than it was said is lost`() {
        var history = History.sound
        history.ledger[0].event.occurredAt += 1
        #expect(findings(history) == [.lost("ana-1")])
        history = .sound
        history.ledger[0].sequence = 9
        #expect(findings(history) == [.lost("ana-1")])
    }

    @Test
    func `an event that nobody was told was taken may be there or not`() {
        var history = History.sound
        history.attempts[0].status = 503
        #expect(findings(history).isEmpty)
        history.ledger.removeFirst()
        #expect(findings(history).isEmpty)
    }

    @Test
    func `an event that is in the ledger twice is doubled`() {
        var history = History.sound
        history.ledger.append(History.Row(sequence: 7, event: history.ledger[0].event))
        #expect(findings(history) == [.doubled("ana-1")])
    }

    @Test
    func `an event that was given two numbers is doubled`() {
        var history = History.sound
        var again = history.attempts[0]
        again.status = 200
        history.attempts.append(again)
        #expect(findings(history).isEmpty)
        history.attempts[2].sequence = 8
        #expect(findings(history) == [.doubled("ana-1")])
    }

    @Test
    func `a shift that the latest event does not make is a wrong effect`() {
        var history = History.sound
        // By arrival the clock-in would be the latest.
        history.ledger[0].sequence = 3
        history.attempts[0].sequence = 3
        history.ends[0].shift = "in"
        history.ends[0].session = "WORKING"
        #expect(findings(history) == [.wrongEffect("ana")])
        #expect(HistoryChecker().check(history).reordered == 1)
    }

    @Test
    func `a start sooner than 3 s after a stop breaks the gap`() {
        var history = History.sound
        history.calls[3].received = 4_000_000 + 100_000 + 2_900_000
        #expect(findings(history) == [.gapBroken(call: 3)])
    }

    @Test
    func `a start after a stop without an answer waits for the end of its time, and then for the gap`() {
        #expect(findings(.unanswered(startAt: 9_450_000)) == [.gapBroken(call: 3)])
        #expect(findings(.unanswered(startAt: 7_200_000)) == [.gapBroken(call: 3)])
        #expect(findings(.unanswered(startAt: 9_550_000)).isEmpty)
        // Who sends it again and is answered knows its end.
        var history = History.unanswered(startAt: 13_050_000)
        history.calls.append(history.call("stop", at: 10_000_000, answered: 10_100_000))
        #expect(findings(history) == [.gapBroken(call: 3)])
        history.calls[6].answered = 10_010_000
        #expect(findings(history).isEmpty)
    }

    @Test
    func `a look that is told STOPPED ends a stop without an answer, and no other look does`() {
        #expect(findings(.unanswered(startAt: 7_600_000, lookAt: 5_000_000, says: "STOPPED")).isEmpty)
        #expect(findings(.unanswered(startAt: 7_450_000, lookAt: 5_000_000, says: "STOPPED")) == [.gapBroken(call: 3)])
        #expect(findings(.unanswered(startAt: 9_450_000, lookAt: 5_000_000, says: "WORKING")) == [.gapBroken(call: 3)])
        #expect(findings(.unanswered(startAt: 9_450_000, lookAt: 5_000_000, says: nil)) == [.gapBroken(call: 3)])
        // It came before the stop, or is of another session.
        #expect(findings(.unanswered(startAt: 9_450_000, lookAt: 3_000_000, says: "STOPPED")) == [.gapBroken(call: 3)])
        var history = History.unanswered(startAt: 9_450_000, lookAt: 5_000_000, says: "STOPPED")
        history.calls[6].instance = "i-bob"
        #expect(findings(history) == [.gapBroken(call: 3)])
        // One that comes when its time is over shortens nothing.
        #expect(findings(.unanswered(startAt: 9_550_000, lookAt: 7_500_000, says: "STOPPED")).isEmpty)
    }

    @Test
    func `a command before the one before it is answered is two at a time`() {
        var history = History.sound
        history.calls[0].answered = 4_100_000
        #expect(findings(history) == [.twoAtATime(call: 2)])
        history.calls[0].answered = nil
        history.calls[0].received = 1_500_000
        #expect(findings(history) == [.twoAtATime(call: 2)])
        history.calls[0].received = 500_000
        #expect(findings(history).isEmpty)
    }

    @Test
    func `a command of a replica whose lease another has is late`() {
        var history = History.sound
        history.calls[2].replica = 0
        #expect(findings(history) == [.lateCommand(call: 2)])
    }

    @Test
    func `a late command of a replica that was frozen is counted, and must be looked at`() {
        var history = History.sound
        history.calls[2].replica = 0
        history.freezes = [History.Freeze(replica: 0, from: 1_500_000, to: 3_900_000)]
        var verdict = HistoryChecker().check(history)
        #expect(verdict.findings.isEmpty)
        #expect(verdict.lateFromFrozen == 1)
        history.calls.removeLast()
        verdict = HistoryChecker().check(history)
        #expect(verdict.findings == [.unrepaired(call: 2)])
        // It went on long ago, so it has had time to see that its lease is over.
        history = .sound
        history.calls[2].replica = 0
        history.freezes = [History.Freeze(replica: 0, from: 100_000, to: 500_000)]
        #expect(findings(history) == [.lateCommand(call: 2)])
    }

    @Test
    func `a command while the database is away for longer than a lease lasts is late`() {
        // Its commands came at 4, 7.2 and 7.4 s.
        #expect(findings(.sound(outage: 3_100_000, to: 9_000_000)) == [.lateCommand(call: 3), .lateCommand(call: 4)])
        #expect(findings(.sound(outage: 3_100_000, to: 7_300_000)) == [.lateCommand(call: 3)])
        #expect(findings(.sound(outage: 3_300_000, to: 9_000_000)) == [.lateCommand(call: 4)])
        // The lease has not run out yet, with the way of the call; or there is a database again.
        #expect(findings(.sound(outage: 3_500_000, to: 9_000_000)).isEmpty)
        #expect(findings(.sound(outage: 3_100_000, to: 7_100_000)).isEmpty)
    }

    @Test
    func `of one that was frozen as its lease ran out without a database the late command is counted`() {
        var history = History.sound(outage: 3_100_000, to: 7_300_000)
        history.freezes = [History.Freeze(replica: 1, from: 6_000_000, to: 7_150_000)]
        history.calls[5].replica = 0
        let verdict = HistoryChecker().check(history)
        #expect(verdict.findings.isEmpty)
        #expect(verdict.lateFromFrozen == 1)
        // By then its lease was over, and it has seen that.
        history.freezes[0].from = 6_700_000
        #expect(findings(history) == [.lateCommand(call: 3)])
    }

    @Test
    func `a session that is not where the shift wants it is unconverged`() {
        var history = History.sound
        history.ends[0].session = "WORKING"
        #expect(findings(history) == [.unconverged("ana")])
        history = .sound
        history.ends[0].condition = "drifted"
        #expect(findings(history) == [.unconverged("ana")])
    }

    @Test
    func `an empty log proves nothing`() {
        #expect(findings(History()) == [.emptyLog])
        var history = History.sound
        history.calls.removeAll(where: \.isCommand)
        #expect(findings(history) == [.emptyLog])
        history = .sound
        for index in history.attempts.indices { history.attempts[index].status = 503 }
        #expect(findings(history) == [.emptyLog])
        history = .sound
        history.map = []
        #expect(findings(history) == [.emptyLog])
    }

    func findings(_ history: History) -> [HistoryChecker.Finding] {
        HistoryChecker().check(history).findings
    }
}

extension History {
    /// The same, but the first stop, which came at 4 s, was given no answer.
    ///
    /// `startAt`: when the start after it came. `lookAt`: when a look came besides, and what it was told.
    fileprivate static func unanswered(startAt: Int64, lookAt: Int64? = nil, says reading: String? = nil) -> History {
        var history = sound
        history.calls[2].answered = nil
        for (index, offset) in [(3, 0), (4, 200_000), (5, 1_800_000)] as [(Int, Int64)] {
            history.calls[index].received = startAt + offset
            history.calls[index].answered = startAt + offset + 100_000
        }
        guard let lookAt else { return history }
        var look = history.call("info", at: lookAt, answered: lookAt + 10_000)
        look.reading = reading
        history.calls.append(look)
        return history
    }

    /// The same, without a database for a time.
    fileprivate static func sound(outage from: Int64, to: Int64) -> History {
        var history = sound
        history.outages = [Outage(from: from, to: to)]
        return history
    }

    /// One more call of replica 1.
    fileprivate func call(_ operation: String, at received: Int64, answered: Int64?) -> Call {
        Call(
            number: calls.count,
            operation: operation,
            instance: "i-ana",
            replica: 1,
            receivedAt: received,
            received: received,
            answered: answered
        )
    }

    /// One agent clocks in and out; replica 0 starts the session, replica 1 takes over, stops it, starts and stops it again.
    static var sound: History {
        let clockIn = Event(id: "ana-1", agent: "ana", kind: "clock_in", occurredAt: 1_000_000)
        let clockOut = Event(id: "ana-2", agent: "ana", kind: "clock_out", occurredAt: 4_000_000)
        var history = History()
        history.map = [Mapping(agent: "ana", instance: "i-ana", account: "main")]
        history.attempts = [
            Attempt(event: clockIn, replica: 0, sentAt: 1_000_000, answeredAt: 1_010_000, status: 202, sequence: 1),
            Attempt(event: clockOut, replica: 0, sentAt: 4_000_000, answeredAt: 4_010_000, status: 202, sequence: 2),
        ]
        history.ledger = [Row(sequence: 1, event: clockIn), Row(sequence: 2, event: clockOut)]
        history.terms = [
            Term(account: "main", number: 1, replica: 0, takenAt: 100_000),
            Term(account: "main", number: 2, replica: 1, takenAt: 2_000_000),
        ]
        history.sights = [Sight(account: "main", term: 1, beatAt: 900_000, seenAt: 950_000)]
        let steps: [(String, Int, Int64)] = [
            ("start", 0, 1_100_000), ("info", 1, 2_100_000), ("stop", 1, 4_000_000), ("start", 1, 7_200_000),
            ("stop", 1, 7_400_000), ("info", 1, 9_000_000),
        ]
        history.calls = steps.enumerated().map { number, step in
            Call(
                number: number,
                operation: step.0,
                instance: "i-ana",
                replica: step.1,
                receivedAt: step.2,
                received: step.2,
                answered: step.2 + 100_000
            )
        }
        history.ends = [
            End(
                agent: "ana",
                instance: "i-ana",
                account: "main",
                shift: "out",
                session: "STOPPED",
                condition: "converged"
            )
        ]
        return history
    }
}
