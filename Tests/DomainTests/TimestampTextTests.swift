import Domain
import Testing

@Suite("Timestamp text")
struct TimestampTextTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-03-02T00:02:00-08:00", 1_772_438_520_000_000),
        ("2024-02-29T23:59:59.5+01:00", 1_709_247_599_500_000), ("2000-01-01T00:00:00.123456789Z", 946_684_800_123_456),
        ("1969-12-31T23:59:59.999999Z", -1), ("2016-12-31T23:59:60Z", 1_483_228_800_000_000),
    ])
    func `a time with an offset is read`(text: String, microseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026-03-02", "2026-03-02T08:00:00", "2026-02-29T08:00:00Z", "2026-13-01T00:00:00Z", "2026-03-02T24:00:00Z",
        "2026-03-02T08:00:00.Z", "2026-03-02T08:00:00Zx", "2026-03-02T08:00:00+0100", "x026-03-02T08:00:00Z",
    ])
    func `anything else is not`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (946_684_800_050_000, "2000-01-01T00:00:00.050Z"), (946_684_800_007_008, "2000-01-01T00:00:00.007008Z"),
        (253_402_300_799_000_000, "9999-12-31T23:59:59Z"),
        (-62_135_596_800_000_000, "0001-01-01T00:00:00Z"),
    ])
    func `every number has its digits`(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).rfc3339 == text)
    }

    @Test
    func `what is written is read back`() {
        for step in 0..<20_000 {
            let instant = Timestamp(microseconds: -2_000_000_000_000_000 + Int64(step) * 217_000_000_123)
            #expect(Timestamp(rfc3339: instant.rfc3339) == instant)
        }
    }
}
