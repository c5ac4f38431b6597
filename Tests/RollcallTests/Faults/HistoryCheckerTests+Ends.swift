import Testing

/// Who vanishes, and who is not answered.
extension HistoryCheckerTests {
    @Test
    func `an agent that was mapped and is not there at the end is found, whoever else is`() {
        var history = History.withBob
        #expect(findings(history).isEmpty)
        history.ends.removeLast()
        #expect(findings(history) == [.vanished("bob")])
        history = .withBob
        history.ends.removeFirst()
        #expect(findings(history) == [.vanished("ana")])
    }

    @Test
    func `a session that is not there at the end, or at another account, is found`() {
        var history = History.withBob
        history.ends[0].instance = nil
        history.ends[0].account = nil
        #expect(findings(history) == [.vanished("ana")])
        history = .withBob
        history.ends[0].account = "home"
        #expect(findings(history) == [.vanished("ana")])
        history = .withBob
        history.ends[1].instance = "i-bob"
        #expect(findings(history) == [.vanished("bob")])
    }

    @Test
    func `a command to a session that is not there at the end is late like any other`() {
        var history = History.sound
        history.calls[2].replica = 0
        history.ends[0].instance = nil
        history.ends[0].account = nil
        #expect(findings(history) == [.vanished("ana"), .lateCommand(call: 2)])
    }

    @Test
    func `an event that nobody answered is found unless whoever was asked had ended or stood still`() {
        var history = History.sound
        history.attempts.append(
            History.Attempt(event: history.ledger[1].event, replica: 1, sentAt: 5_000_000, answeredAt: 9_000_000)
        )
        #expect(findings(history) == [.unanswered("ana-2")])
        history.gone = [0]
        #expect(findings(history) == [.unanswered("ana-2")])
        history.gone = [1]
        #expect(findings(history).isEmpty)
        history.gone = []
        history.attempts[history.attempts.count - 1].isCalledOff = true
        #expect(findings(history).isEmpty, "the load was over")
        history.attempts[history.attempts.count - 1].isCalledOff = false
        for (replica, from, to, isExcused) in [
            (1, 4_500_000, 5_500_000, true), (1, 8_500_000, 9_500_000, true), (1, 1_000_000, 4_900_000, false),
            (1, 9_100_000, 9_900_000, false), (0, 4_500_000, 9_500_000, false),
        ] as [(Int, Int64, Int64, Bool)] {
            history.freezes = [History.Freeze(replica: replica, from: from, to: to)]
            #expect(findings(history).isEmpty == isExcused, "frozen \(replica) from \(from) to \(to)")
        }
    }
}

extension History {
    /// The same, with an agent who has no session and never came.
    fileprivate static var withBob: History {
        var history = sound
        history.map.append(Mapping(agent: "bob", instance: nil, account: nil))
        history.ends.append(End(agent: "bob", shift: "out", condition: ""))
        return history
    }
}
