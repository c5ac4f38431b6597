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
        // It beat again right after, or another has taken the account in between: what came before nobody saw.
        #expect(findings(.sound(lastBeat: 3_600_000, until: 7_150_000)).isEmpty)
        #expect(findings(.sound(lastBeat: 3_600_000, until: 7_150_000, thenTerm: 3)).isEmpty)
        // It is the heartbeat of another account's holder.
        var history = History.sound(lastBeat: 3_600_000)
        for index in history.sights.indices { history.sights[index].account = "home" }
        #expect(findings(history).isEmpty)
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
}

extension History {
    /// The same, with a database that was looked at ten times a second: replica 1 beat each second, for the last time then, but
    /// for those from `until` on.
    ///
    /// `thenTerm`: the term from then on.
    fileprivate static func sound(lastBeat: Int64, until end: Int64 = .max, thenTerm: Int64 = 2) -> History {
        var history = sound
        history.sights = stride(from: Int64(2_050_000), through: 9_050_000, by: 100_000).map { instant in
            let isOver = instant >= end
            let beat = min(instant / 1_000_000 * 1_000_000, lastBeat)
            return Sight(account: "main", term: isOver ? thenTerm : 2, beatAt: isOver ? instant : beat, seenAt: instant)
        }
        return history
    }
}
