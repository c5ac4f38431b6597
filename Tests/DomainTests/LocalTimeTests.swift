import Domain
import Testing

@Suite("LocalTime and Unix time")
struct LocalTimeTests {
    @Test(arguments: [
        ("2026-03-02 13:55:00", "2026-03-02T13:55:00Z"),
        ("2026-03-02T13:55:00", "2026-03-02T13:55:00Z"),
        ("2024-02-29 00:00:00.642630335", "2024-02-29T00:00:00.642630Z"),
        ("2000-02-29 23:59:60", "2000-03-01T00:00:00Z"),
        ("1969-12-31 23:59:59.5", "1969-12-31T23:59:59.500Z"),
    ])
    func `a time without an offset is read`(text: String, inUTC: String) {
        #expect(LocalTime(text)?.inUTC.rfc3339 == inUTC)
    }

    @Test(arguments: [
        "", "2026-03-02", "2026-03-02 13:55", "2026-03-02 13:55:00Z", "2026-03-02 13:55:00+01:00",
        "2023-02-29 13:55:00",
        "2100-02-29 13:55:00", "2026-03-02  13:55:00", "2026-03-02 25:00:00", "0000-00-00 00:00:00",
    ])
    func `anything else is not`(text: String) {
        #expect(LocalTime(text) == nil)
    }

    @Test
    func `Unix numbers are read within the years that can be written`() {
        #expect(Timestamp(unixSeconds: 1_772_439_060)?.rfc3339 == "2026-03-02T08:11:00Z")
        #expect(Timestamp(unixSeconds: "1772439060")?.rfc3339 == "2026-03-02T08:11:00Z")
        for text in ["", "+1", "-1", "1.5", " 1", "1e3", "９", "9999999999999"] {
            #expect(Timestamp(unixSeconds: text) == nil)
        }
        #expect(Timestamp(unixMilliseconds: 1_772_439_060_123)?.rfc3339 == "2026-03-02T08:11:00.123Z")
        #expect(Timestamp(unixSeconds: 253_402_300_799)?.rfc3339 == "9999-12-31T23:59:59Z")
        for number in [-1, 253_402_300_800, .max, .min] as [Int64] { #expect(Timestamp(unixSeconds: number) == nil) }
        for number in [-1, 253_402_300_800_000, .max, .min] as [Int64] {
            #expect(Timestamp(unixMilliseconds: number) == nil)
        }
    }
}
