import Testing

@testable import Domain

/// What an engine's hint is good for.
@Suite("Session hints")
struct SessionHintTests {
    private static let now = Timestamp(seconds: 1_800_000_000)

    /// One line of the table; times are seconds before now.
    struct Case: Sendable, CustomTestStringConvertible {
        var says: SessionStatus?
        var happened: Int64?
        var read: SessionReading?
        var readAt: Int64?
        var action: Action?
        var sent: Int64?
        var newest: Int64?
        var looked: Int64?
        var effect: HintEffect

        var testDescription: String {
            "\(says?.word ?? "nothing") on \(read?.word ?? "unread"), \(action?.rawValue ?? "no command")"
        }
    }

    private static let cases: [Case] = [
        // News.
        Case(says: .stopped, read: .status(.working), effect: .look),
        Case(says: .working, read: .status(.stopped), effect: .look),
        Case(says: .failed, read: .status(.starting), effect: .look),
        Case(says: .working, read: nil, effect: .look),
        Case(says: .working, read: .missing, effect: .look),
        Case(says: .unknown("PASSKEY_REQUIRED"), read: .status(.working), effect: .look),
        Case(says: nil, read: .status(.working), effect: .look),
        // What the last read found.
        Case(says: .working, read: .status(.working), effect: .known),
        Case(says: .scanQRCode, read: .status(.scanQRCode), effect: .known),
        Case(says: .unknown("PASSKEY_REQUIRED"), read: .status(.unknown("PASSKEY_REQUIRED")), effect: .known),
        // Steps of our own command, and its end.
        Case(says: .starting, read: .status(.stopped), action: .start, sent: 5, effect: .ownCommand),
        Case(says: .working, read: .status(.stopped), action: .start, sent: 5, effect: .look),
        Case(says: .stopped, read: .status(.failed), readAt: 6, action: .restart, sent: 5, effect: .ownCommand),
        Case(says: .starting, read: .status(.failed), action: .restart, sent: 5, effect: .ownCommand),
        Case(says: .stopped, read: .status(.working), action: .stop, sent: 5, effect: .ownCommand),
        Case(says: .stopped, read: .status(.working), action: .start, sent: 5, effect: .look),
        Case(says: .failed, read: .status(.stopped), action: .start, sent: 5, effect: .look),
        Case(says: .working, read: .status(.stopped), action: .stop, sent: 5, effect: .look),
        Case(says: .starting, read: .status(.working), action: .start, sent: 61, effect: .look),
        Case(says: .stopped, read: .status(.working), action: .stop, sent: 61, effect: .look),
        // A start or restart is over once its end was read.
        Case(says: .stopped, read: .status(.working), readAt: 4, action: .restart, sent: 5, effect: .look),
        Case(says: .starting, read: .status(.working), readAt: 4, action: .restart, sent: 5, effect: .look),
        Case(says: .starting, read: .status(.working), readAt: 4, action: .start, sent: 5, effect: .look),
        Case(says: .stopped, read: .status(.suspect), readAt: 4, action: .restart, sent: 5, effect: .look),
        Case(says: .stopped, read: .status(.scanQRCode), readAt: 4, action: .restart, sent: 5, effect: .look),
        Case(says: .stopped, read: .status(.working), readAt: 5, action: .restart, sent: 5, effect: .ownCommand),
        Case(says: .stopped, read: .status(.working), readAt: 6, action: .restart, sent: 5, effect: .ownCommand),
        Case(says: .starting, read: .status(.working), readAt: 6, action: .start, sent: 5, effect: .ownCommand),
        Case(says: .stopped, read: .status(.starting), readAt: 4, action: .restart, sent: 5, effect: .ownCommand),
        Case(says: .stopped, read: .status(.working), readAt: 4, action: .stop, sent: 5, effect: .ownCommand),
        // While a look that another hint led to may be on its way.
        Case(says: .working, read: .status(.working), looked: 4, effect: .look),
        Case(says: .working, read: .status(.working), looked: 5, effect: .known),
        Case(says: .stopped, read: .status(.failed), action: .restart, sent: 5, looked: 4, effect: .look),
        Case(says: .stopped, read: .status(.failed), action: .restart, sent: 4, looked: 4, effect: .ownCommand),
        Case(says: .stopped, read: .status(.failed), action: .restart, sent: 20, looked: 5, effect: .ownCommand),
        // Out of order.
        Case(says: .working, happened: 10, read: .status(.stopped), newest: 9, effect: .late),
        Case(says: .working, happened: 9, read: .status(.stopped), newest: 9, effect: .look),
        Case(says: .working, happened: 8, read: .status(.working), newest: 9, effect: .known),
        Case(says: .working, happened: nil, read: .status(.stopped), newest: 9, effect: .look),
    ]

    @Test(arguments: cases)
    func `it is as the table says`(line: Case) {
        func ago(_ seconds: Int64?) -> Timestamp? { seconds.map { Self.now - .seconds($0) } }
        let known = HintedSession(
            reading: line.read,
            readAt: ago(line.readAt),
            action: line.action,
            sentAt: ago(line.sent),
            newestHintAt: ago(line.newest),
            lookedAt: ago(line.looked)
        )
        let hint = SessionHint(at: ago(line.happened), session: "s", status: line.says)
        #expect(effect(of: hint, on: known, now: Self.now, commandLasts: .seconds(60)) == line.effect)
    }

    @Test
    func `a status that was not read before is never passed over, but on the way of our own command`() {
        let statuses: [SessionStatus] = [.stopped, .starting, .scanQRCode, .working, .failed, .unknown("NEW")]
        for status in statuses {
            for read in statuses where read != status {
                let hint = SessionHint(session: "s", status: status)
                let known = HintedSession(reading: .status(read))
                #expect(effect(of: hint, on: known, now: Self.now, commandLasts: .seconds(60)).looks)
                for action in Action.allCases {
                    let commanded = HintedSession(reading: .status(read), action: action, sentAt: Self.now)
                    let effect = effect(of: hint, on: commanded, now: Self.now, commandLasts: .seconds(60))
                    #expect(effect.looks || [.starting, .stopped].contains(status))
                }
            }
        }
    }

    @Test
    func `two deliveries are one by their id, or without one by all they say`() {
        let first = SessionHint(id: "evt_1", at: Self.now, session: "s", status: .stopped)
        #expect(first.identity == SessionHint(id: "evt_1", session: "s", status: .working).identity)
        #expect(first.identity != SessionHint(id: "evt_2", session: "s", status: .stopped).identity)
        let older = SessionHint(at: Self.now, instanceID: "i", status: .scanQRCode)
        #expect(older.identity == SessionHint(at: Self.now, instanceID: "i", status: .scanQRCode).identity)
        #expect(
            older.identity != SessionHint(at: Self.now + .seconds(1), instanceID: "i", status: .scanQRCode).identity
        )
        #expect(older.identity != SessionHint(at: Self.now, instanceID: "j", status: .scanQRCode).identity)
    }
}
