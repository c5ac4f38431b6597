import Testing

@testable import Service

@Suite("PreferWait")
struct PreferWaitTests {
    @Test(
        arguments: [
            (nil, nil), ("", nil), ("wait", nil), ("wait=", nil), ("wait=soon", nil), ("wait=-1", nil),
            ("wait=+1", nil),
            ("wait=1.5", nil), ("respond-async", nil), ("wait=0", 0), ("wait=30", 30), ("WAIT=5", 5), ("wait = 7", 7),
            ("respond-async, wait=9", 9), ("wait=60", 60), ("wait=61", 60), ("wait=3600", 60),
            ("wait=99999999999999999999", 60),
        ] as [(String?, Int64?)]
    )
    func `seconds up to a minute, more is a minute, and nonsense is no wish`(value: String?, seconds: Int64?) {
        #expect(PreferWait.seconds(value) == seconds)
    }
}
