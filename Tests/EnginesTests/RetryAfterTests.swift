import Domain
import Testing

@testable import Engines

@Suite("retryAfter")
struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
    private let now = Timestamp(seconds: 784_111_777)

    @Test(
        arguments: [
            ("0", 0), ("2", 2), (" 120 ", 120), ("3600", 3600), ("3601", 3600), ("99999999999999999999", 3600),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sun, 06 Nov 1994 08:50:07 GMT", 30),
            ("Sun, 06 Nov 1994 08:00:00 GMT", 0), ("Sat, 06 Nov 2094 08:49:37 GMT", 3600),
        ]
    )
    func `seconds and dates are honoured, up to an hour`(value: String, seconds: Int) {
        #expect(retryAfter(value, now: now) == .seconds(seconds))
    }

    @Test(
        arguments: [
            "", " ", "-1", "1.5", "soon", "1 2", "+3", "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994 08:49 GMT", "١٢",
        ]
    )
    func `anything else is no wait`(value: String) {
        #expect(retryAfter(value, now: now) == nil)
    }
}
