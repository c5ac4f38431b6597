import LibPQ
import Testing

/// Leases that run out since their holder beats no more, and that nobody has taken yet.
extension HistoryCheckerTests {
    @Test
    func `a command of one that is cut off is late once its lease is over, though nobody has taken it`() {
        // Its commands came at 4, 7.2 and 7.4 s.
        #expect(findings(.sound(lastBeat: 3_600_000)) == [.lateCommand(call: 3), .lateCommand(call: 4)])
        #expect(findings(.sound(lastBeat: 3_800_000)) == [.lateCommand(call: 4)])
        // The lease lasts.
        #expect(findings(.sound(lastBeat: 3_950_000)).isEmpty)
        // It beat again right after: whether before the command as well nobody saw.
        #expect(findings(.sound(lastBeat: 3_600_000, until: 7_150_000)).isEmpty)
        // Another has taken the account between the command at 7.2 s and the next sight: whether before the command nobody saw.
        #expect(findings(.sound(lastBeat: 3_600_000, until: 7_250_000, thenTerm: 3)) == [.lateCommand(call: 4)])
        // It is the heartbeat of another account's holder.
        var history = History.sound(lastBeat: 3_600_000)
        for index in history.sights.indices.dropFirst() { history.sights[index].account = "home" }
        #expect(findings(history).isEmpty)
    }

    @Test
    func `a command that comes once another was seen to have the account is late, whatever is logged by then`() {
        // Replica 1 beat all the while; its commands came at 4, 7.2 and 7.4 s.
        let taken = History.sound(lastBeat: .max, until: 7_150_000, thenTerm: 3)
        #expect(findings(taken) == [.lateCommand(call: 3), .lateCommand(call: 4)])
        // Who took it logs that between the two commands.
        var history = taken
        history.terms.append(History.Term(account: "main", number: 3, replica: 0, takenAt: 7_300_000))
        #expect(findings(history) == [.lateCommand(call: 3), .lateCommand(call: 4)])
        // It was replica 1 itself, which logs it as late.
        history.terms[2].replica = 1
        #expect(findings(history).isEmpty)
        // At the very instant of the sight, and an instant before it.
        history = .sound(lastBeat: .max, until: 7_450_000, thenTerm: 3)
        history.calls[4].receivedAt = 7_450_000
        #expect(findings(history) == [.lateCommand(call: 4)])
        history.calls[4].receivedAt = 7_449_999
        #expect(findings(history).isEmpty)
        // It is another account's lease.
        history = taken
        for index in history.sights.indices.dropFirst() { history.sights[index].account = "home" }
        #expect(findings(history).isEmpty)
    }

    @Test
    func `of one that stood still as another was seen to take the account the late command is counted`() {
        var history = History.sound(lastBeat: .max, until: 7_250_000, thenTerm: 3)
        history.freezes = [History.Freeze(replica: 1, from: 7_240_000, to: 7_390_000)]
        history.calls[5].replica = 0
        let verdict = HistoryChecker().check(history)
        #expect(verdict.findings.isEmpty)
        #expect(verdict.lateFromFrozen == 1)
        // It must be another's look that sees it.
        history.calls[5].replica = 1
        #expect(findings(history) == [.unrepaired(call: 4)])
        // The other was seen before it stood still.
        history.freezes[0].from = 7_260_000
        #expect(findings(history) == [.lateCommand(call: 4)])
    }

    @Test
    func `of one that was frozen as its lease ran out the late command is counted before anybody has taken it`() {
        var history = History.sound(lastBeat: 3_600_000, until: 7_300_000)
        history.freezes = [History.Freeze(replica: 1, from: 4_100_000, to: 7_150_000)]
        let verdict = HistoryChecker().check(history)
        #expect(verdict.findings.isEmpty, "its own look comes after")
        #expect(verdict.lateFromFrozen == 1)
        history.calls.removeLast()
        #expect(findings(history) == [.unrepaired(call: 3)])
    }

    @Test
    func `a late command is seen within an interval of the sweep and the time of a call, or it is found`() {
        var history = History.thawed
        history.calls[5].received = 9_000_001
        #expect(findings(history) == [.unrepaired(call: 2)])
        history.calls[5].received = 9_000_000
        #expect(findings(history).isEmpty)
        // Nobody acts for the account before 7.35 s, so it counts from then.
        history = .sound(lastBeat: 3_600_000, until: 7_300_000)
        history.freezes = [History.Freeze(replica: 1, from: 4_100_000, to: 7_150_000)]
        history.calls[5].received = 12_350_000
        #expect(findings(history).isEmpty)
        history.calls[5].received = 12_350_001
        #expect(findings(history) == [.unrepaired(call: 3)])
    }

    @Test
    func `a command that comes when all that was in hand has long left was not past its check`() {
        var history = History.thawed
        history.freezes[0].to = 3_000_000
        #expect(findings(history).isEmpty)
        history.freezes[0].to = 2_999_999
        #expect(findings(history) == [.lateCommand(call: 2)])
    }

    @Test
    func `of each session one command at most was in hand`() {
        var history = History.thawed
        history.calls.append(history.calls[2])
        history.calls[6].number = 6
        history.calls[6].receivedAt += 100_000
        history.calls[6].received += 100_000
        history.calls[6].answered = 4_150_000
        let verdict = HistoryChecker().check(history)
        #expect(verdict.findings == [.lateCommand(call: 6)])
        #expect(verdict.lateFromFrozen == 1)
    }

    @Test
    func `of an account that was commanded nothing is proved without a term`() {
        var history = History.sound
        history.terms = []
        #expect(findings(history) == [.emptyLog])
        history.terms = History.sound.terms
        for index in history.terms.indices { history.terms[index].account = "home" }
        #expect(findings(history) == [.emptyLog])
        // Of one that was not commanded none is needed.
        history = .sound
        history.map.append(History.Mapping(agent: "bob", instance: "i-bob", account: "home"))
        history.ends.append(
            History.End(
                agent: "bob",
                instance: "i-bob",
                account: "home",
                shift: "out",
                session: "STOPPED",
                condition: "converged"
            )
        )
        #expect(findings(history).isEmpty)
    }

    @Test
    func `of an account that was commanded nothing is proved without a sight of its lease`() {
        var history = History.sound
        history.sights = []
        #expect(findings(history) == [.emptyLog])
        history.sights = History.sound.sights
        history.sights[0].account = "home"
        #expect(findings(history) == [.emptyLog])
    }

    @Test(
        arguments: [
            (.connectionFailed, nil, false), (.connectionLost, nil, false), (.timedOut, nil, false),
            (.commitUnknown, nil, false), (.poolTimeout, nil, false), (.cancelled, nil, false),
            (.server, "57P03", false), (.server, "53100", false), (.server, "42703", true), (.server, "42501", true),
            (.decoding, nil, true), (.invalidInput, nil, true),
        ] as [(PQError.Kind, String?, Bool)]
    )
    func `that the database refuses to say whose a lease is, and is not just away, is noticed`(
        kind: PQError.Kind,
        sqlState: String?,
        isRefusal: Bool
    ) {
        #expect(FaultRun.isRefusal(PQError(kind, sqlState: sqlState, "planted")) == isRefusal)
    }
}

extension History {
    /// The same, but the stop that came at 4 s is of replica 0, which had stood still while another took the account.
    fileprivate static var thawed: History {
        var history = sound
        history.calls[2].replica = 0
        history.freezes = [Freeze(replica: 0, from: 1_500_000, to: 3_900_000)]
        return history
    }

    /// The same, with a database that was looked at ten times a second: replica 1 beat each second, for the last time then, but
    /// for those from `until` on.
    ///
    /// `thenTerm`: the term from then on.
    fileprivate static func sound(lastBeat: Int64, until end: Int64 = .max, thenTerm: Int64 = 2) -> History {
        var history = sound
        history.sights += stride(from: Int64(2_050_000), through: 9_050_000, by: 100_000).map { instant in
            let isOver = instant >= end
            let beat = min(instant / 1_000_000 * 1_000_000, lastBeat)
            return Sight(account: "main", term: isOver ? thenTerm : 2, beatAt: isOver ? instant : beat, seenAt: instant)
        }
        return history
    }
}
