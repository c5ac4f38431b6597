import Domain
import Testing

/// How the words of engines and our own are kept apart.
@Suite("Session words")
struct SessionWordTests {
    private static let foreign = [
        "MISSING", "WORKING?", "\\MISSING", "\\", "missing", "working?", "PASSKEY_REQUIRED", "",
    ]

    @Test(arguments: foreign)
    func `a word of an engine's is read back as it was, and shown so, also where it is one of ours`(word: String) {
        let status = SessionStatus(word: word)
        #expect(status == .unknown(word))
        let reading = SessionReading.status(status)
        #expect(SessionReading(stored: reading.stored) == reading)
        #expect(SessionStatus(stored: status.stored) == status)
        #expect(SessionStatus.shown(reading.stored) == word)
        let ours = [SessionReading.missing.stored, SessionReading.status(.suspect).stored]
        #expect(!ours.contains(reading.stored))
    }

    @Test
    func `ours are read back as well`() {
        let known: [SessionStatus] = [.stopped, .starting, .scanQRCode, .working, .suspect, .failed]
        for reading in known.map(SessionReading.status) + [.missing] {
            #expect(SessionReading(stored: reading.stored) == reading)
            #expect(SessionStatus.shown(reading.stored) == (reading == .status(.suspect) ? "WORKING" : reading.word))
        }
    }

    @Test
    func `a long word is cut, and stays what it was cut to`() {
        let status = SessionStatus(word: "\\" + String(repeating: "X", count: 100))
        #expect(status.word.count == 64)
        #expect(SessionStatus(stored: status.stored) == status)
    }
}
