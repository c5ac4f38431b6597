import Testing

@testable import rollcall

@Suite("DurationText")
struct DurationTextTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("3s", .seconds(3)), ("0s", .zero), ("15m", .seconds(900)),
        ("24h", .seconds(86_400)), ("90d", .seconds(90 * 86_400)),
    ])
    func `a duration is read and spelled the same`(text: String, expected: Duration) {
        #expect(DurationText.parse(text) == expected)
        #expect(DurationText.parse(DurationText.render(expected)) == expected)
    }

    @Test(arguments: ["", "3", "s", "-3s", "+3s", "3 s", "1.5s", "3S", "3sec", "1h30m", "9999999999s", "٣s"])
    func `anything else is no duration`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }
}
