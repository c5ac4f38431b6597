import Domain
import Testing

@testable import Service

@Suite("LocalClock")
struct LocalClockTests {
    /// Zone, instant, and what its clock shows, without and with year and seconds.
    private static let shown: [(String, String, String, String)] = [
        ("Europe/Madrid", "2026-10-24T23:59:59Z", "10-25 01:59", "2026-10-25 01:59:59"),
        ("Europe/Madrid", "2026-10-25T00:00:00Z", "10-25 02:00 UTC+2", "2026-10-25 02:00:00 UTC+2"),
        ("Europe/Madrid", "2026-10-25T00:40:00Z", "10-25 02:40 UTC+2", "2026-10-25 02:40:00 UTC+2"),
        ("Europe/Madrid", "2026-10-25T01:20:00Z", "10-25 02:20 UTC+1", "2026-10-25 02:20:00 UTC+1"),
        ("Europe/Madrid", "2026-10-25T01:59:59Z", "10-25 02:59 UTC+1", "2026-10-25 02:59:59 UTC+1"),
        ("Europe/Madrid", "2026-10-25T02:00:00Z", "10-25 03:00", "2026-10-25 03:00:00"),
        ("Europe/Madrid", "2026-03-29T01:00:00Z", "03-29 03:00", "2026-03-29 03:00:00"),
        ("America/New_York", "2026-11-01T05:30:00Z", "11-01 01:30 UTC-4", "2026-11-01 01:30:00 UTC-4"),
        ("America/New_York", "2026-11-01T06:30:00Z", "11-01 01:30 UTC-5", "2026-11-01 01:30:00 UTC-5"),
        ("Australia/Lord_Howe", "2026-04-04T14:45:00Z", "04-05 01:45 UTC+11", "2026-04-05 01:45:00 UTC+11"),
        ("Australia/Lord_Howe", "2026-04-04T15:15:00Z", "04-05 01:45 UTC+10:30", "2026-04-05 01:45:00 UTC+10:30"),
        ("Asia/Kolkata", "2026-10-25T00:40:00Z", "10-25 06:10", "2026-10-25 06:10:00"),
        ("UTC", "2026-10-25T00:40:00Z", "10-25 00:40", "2026-10-25 00:40:00"),
    ]

    @Test(arguments: shown)
    func `a time that the clock shows twice says which of the two it is`(
        zone: String,
        instant: String,
        short: String,
        long: String
    ) throws {
        let clock = LocalClock(zoneName: zone)
        let at = try #require(Timestamp(rfc3339: instant))
        #expect(clock.dayAndTime(at) == short)
        #expect(clock.dateAndTime(at) == long)
    }

    /// Zone, and a day by UTC on which its clocks are changed; the last one twenty years ahead, by the zone's yearly rule.
    private static let changes = [
        ("Europe/Madrid", "2026-10-25"), ("Europe/Madrid", "2026-03-29"), ("America/New_York", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-04-04"), ("Europe/Madrid", "2046-10-28"),
    ]

    @Test(arguments: changes)
    func `no two minutes of the days around a change read alike`(zone: String, day: String) throws {
        let clock = LocalClock(zoneName: zone)
        let from = try #require(Timestamp(rfc3339: day + "T00:00:00Z")) + .seconds(-86_400)
        let shown = (0..<3 * 1440).map { clock.dayAndTime(from + .seconds(Int64($0) * 60)) }
        #expect(Set(shown).count == shown.count)
    }
}
