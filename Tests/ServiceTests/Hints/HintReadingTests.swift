import Domain
import Testing

@testable import Service

@Suite("Reading hints")
struct HintReadingTests {
    private func read(_ text: String) -> SessionHint.Reading? { SessionHint.read(Array(text.utf8)) }

    @Test
    func `both forms in print are read`() {
        let current = #"""
            {"id":"evt_1","timestamp":1722170400123,"session":"wawp-84729105","event":"session.status","engine":"NOWEB",
            "payload":{"name":"wawp-84729105","status":"STOPPED"},"me":{"id":"201012345678@c.us"}}
            """#
        #expect(
            read(current)
                == .hint(
                    SessionHint(
                        id: "evt_1",
                        at: Timestamp(microseconds: 1_722_170_400_123_000),
                        session: "wawp-84729105",
                        status: .stopped
                    )
                )
        )
        let older = #"{"instance_id":"3EB0BCB2E3D4","status":"SCAN_QR_CODE","qr":"data:…","ts":1722170400}"#
        #expect(
            read(older)
                == .hint(
                    SessionHint(
                        at: Timestamp(seconds: 1_722_170_400),
                        instanceID: "3EB0BCB2E3D4",
                        status: .scanQRCode
                    )
                )
        )
    }

    @Test
    func `what is about something else, or is no JSON, is told apart`() {
        #expect(read(#"{"event":"message","session":"s","payload":{"body":"hi"}}"#) == .other)
        #expect(read("{not json") == nil)
        #expect(read("[]") == nil)
        #expect(read("") == nil)
    }

    @Test(arguments: [
        #"{"session":7,"status":{"a":1},"timestamp":"now","payload":[]}"#, "{}", #"{"event":"session.status"}"#,
        #"{"ts":1e400,"timestamp":9223372036854775807,"id":null}"#, #"{"ts":-9223372036854775808}"#,
    ])
    func `members of other types count as absent`(text: String) {
        guard case .hint(let hint) = read(text) else {
            Issue.record("not read: \(text)")
            return
        }
        #expect(hint.session == nil && hint.instanceID == nil && hint.status == nil)
    }

    @Test
    func `two deliveries are one only of the same engine, by what identifies them, and once they were heeded`() {
        var memory = HintMemory()
        let counted = SessionHint(id: "1", session: "s")
        let told = ["main", "spare", "main"].map { memory.isFirst(counted, of: $0) }
        #expect(told == [true, true, false])
        memory.forget(counted, of: "main")
        let forgotten = memory.isFirst(counted, of: "main")
        #expect(forgotten)
        let bare = SessionHint(session: "s", status: .stopped)
        let again = (1...2).map { _ in memory.isFirst(bare, of: "main") }
        #expect(again == [true, true], "without id and time it may be news each time")
    }

    @Test
    func `what was forgotten and came again is remembered as long as anything`() {
        var memory = HintMemory()
        let hint = SessionHint(id: "0")
        _ = memory.isFirst(hint, of: "main")
        memory.forget(hint, of: "main")
        _ = memory.isFirst(hint, of: "main")
        for number in 1..<HintMemory.limit { _ = memory.isFirst(SessionHint(id: "\(number)"), of: "main") }
        let isFirst = memory.isFirst(hint, of: "main")
        #expect(!isFirst)
    }

    @Test
    func `the memory holds so much and no more`() {
        var memory = HintMemory()
        let firsts = ["0", "0"].map { memory.isFirst(SessionHint(id: $0), of: "main") }
        #expect(firsts == [true, false])
        let others = (1...HintMemory.limit).map { memory.isFirst(SessionHint(id: "\($0)"), of: "main") }
        #expect(others.allSatisfy { $0 })
        let again = ["\(HintMemory.limit)", "0"].map { memory.isFirst(SessionHint(id: $0), of: "main") }
        #expect(again == [false, true], "the oldest is forgotten")

        let start = Timestamp(seconds: 1_800_000_000)
        memory.note(SessionHint(at: start, session: "s"), of: 1)
        memory.note(SessionHint(at: start - .seconds(5), session: "s"), of: 1)
        #expect(memory.newest(of: 1) == start)
        for instance in 2...Int64(HintMemory.limit) + 1 {
            memory.note(SessionHint(at: start, session: "s"), of: instance)
        }
        #expect(memory.newest(of: 1) == nil)
        #expect(memory.newest(of: 2) == start)
    }

    @Test
    func `what is stored is no measure while a look that another hint led to may be on its way`() {
        var memory = HintMemory()
        let start = Timestamp(seconds: 1_800_000_000)
        // What a hint is good for that comes so many seconds after the start, while WORKING is stored.
        func hear(_ status: SessionStatus, of instance: Int64 = 1, after seconds: Int64) -> HintEffect {
            memory.effect(
                of: SessionHint(session: "s", status: status),
                on: HintedSession(reading: .status(.working)),
                instance: instance,
                now: start + .seconds(seconds),
                commandLasts: .seconds(60)
            )
        }
        let flicker = [hear(.working, after: 0), hear(.stopped, after: 1), hear(.working, after: 2)]
        #expect(flicker == [.known, .look, .look])
        let another = hear(.working, of: 2, after: 2)
        #expect(another == .known)
        let later = [hear(.working, after: 6), hear(.working, after: 11)]
        #expect(later == [.look, .known])

        _ = hear(.stopped, after: 20)
        for instance in 3...Int64(HintMemory.limit) + 2 { _ = hear(.stopped, of: instance, after: 20) }
        let forgotten = hear(.working, after: 21)
        #expect(forgotten == .known, "the memory holds so many sessions and no more")
    }
}
