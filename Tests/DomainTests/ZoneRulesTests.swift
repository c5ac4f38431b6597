import Domain
import Foundation
import Testing

@Suite("ZoneRules")
struct ZoneRulesTests {
    @Test(arguments: [
        ("Europe/Berlin", "2026-03-02 09:00:00", "2026-03-02T08:00:00Z", true),
        ("Europe/Berlin", "2026-03-29 01:59:59.999999", "2026-03-29T00:59:59.999999Z", true),
        ("Europe/Berlin", "2026-03-29 02:00:00", "2026-03-29T01:00:00Z", false),
        ("Europe/Berlin", "2026-03-29 02:30:00.5", "2026-03-29T01:30:00.500Z", false),
        ("Europe/Berlin", "2026-03-29 03:00:00", "2026-03-29T01:00:00Z", true),
        ("Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z", false),
        ("Europe/Berlin", "2026-10-25 03:00:00", "2026-10-25T02:00:00Z", true),
        ("Europe/Berlin", "2999-07-01 12:00:00", "2999-07-01T10:00:00Z", true),
        ("Europe/Dublin", "2050-10-30 01:30:00", "2050-10-30T00:30:00Z", false),
        ("Asia/Kolkata", "2024-02-29 13:55:00", "2024-02-29T08:25:00Z", true),
        // Half an hour is skipped and repeated here.
        ("Australia/Lord_Howe", "2026-10-04 02:15:00", "2026-10-03T15:45:00Z", false),
        ("Australia/Lord_Howe", "2026-04-05 01:45:00", "2026-04-04T14:45:00Z", false),
        // Samoa skipped the 30th of December 2011.
        ("Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30T22:00:00Z", false),
        ("Africa/Casablanca", "2026-02-15 02:30:00", "2026-02-15T01:30:00Z", false),
        ("America/New_York", "2040-03-11 02:30:00", "2040-03-11T07:30:00Z", false),
        ("Pacific/Chatham", "2100-01-01 00:00:00", "2099-12-31T10:15:00Z", true),
        ("UTC", "2026-03-02 09:00:00", "2026-03-02T09:00:00Z", true),
        ("Etc/GMT+5", "2026-03-02 09:00:00", "2026-03-02T14:00:00Z", true),
    ])
    func `a local time is read by the zone's rules`(zone: String, local: String, instant: String, isExact: Bool) throws
    {
        let reading = try systemZone(zone).reading(of: try #require(LocalTime(local)))
        #expect(reading.instant.rfc3339 == instant)
        #expect(reading.isExact == isExact)
    }

    @Test
    func `a file without a list of changes goes by its yearly rule`() throws {
        let slim = zoneFile(offset: 3600, rule: "CET-1CEST,M3.5.0,M10.5.0/3")
        let rules = try #require(ZoneRules(name: "Test/Slim", file: slim))
        let berlin = try systemZone("Europe/Berlin")
        for step in 0..<20_000 {
            let local = LocalTime(microseconds: 946_684_800_000_000 + Int64(step) * 63_123_456_789)
            #expect(rules.reading(of: local) == berlin.reading(of: local))
        }
    }

    @Test(arguments: [
        // The same northern summer in the three spellings of a day.
        ("AAA0BBB,M4.1.0,M10.1.0", "2023-04-02 02:30:00", "2023-04-02T02:30:00Z", false),
        ("AAA0BBB,J91/2,J274/2", "2024-04-01 02:30:00", "2024-04-01T02:30:00Z", false),
        ("AAA0BBB,J91,J274", "2024-04-02 02:30:00", "2024-04-02T01:30:00Z", true),
        ("AAA0BBB,91,273", "2023-04-02 02:30:00", "2023-04-02T02:30:00Z", false),
        ("AAA0BBB,91,273", "2024-04-01 02:30:00", "2024-04-01T02:30:00Z", false),
        // Greenland's hours below zero, a southern summer, an offset of its own, seconds.
        ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2024-03-30 23:30:00", "2024-03-31T01:30:00Z", false),
        ("<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", "2024-01-01 12:00:00", "2023-12-31T22:15:00Z", true),
        ("AAA-1BBB-3,M3.5.0,M10.5.0", "2024-03-31 03:30:00", "2024-03-31T02:30:00Z", false),
        ("AAA-0:00:20", "2024-01-01 00:00:20", "2024-01-01T00:00:00Z", true),
    ])
    func `a yearly rule is read as RFC 8536 writes it`(
        rule: String,
        local: String,
        instant: String,
        isExact: Bool
    ) throws {
        let rules = try #require(ZoneRules(name: "Test/Rule", file: zoneFile(offset: 0, rule: rule)))
        // Rules with a summer do not depend on the file's own offset; the one without does.
        let expected = rule.contains(",") ? instant : "2024-01-01T00:00:20Z"
        let reading = rules.reading(of: try #require(LocalTime(local)))
        #expect(reading.instant.rfc3339 == expected)
        #expect(reading.isExact == isExact)
    }

    @Test(arguments: [
        "A0", "AAA", "AAA25", "AAA0BBB", "AAA0BBB,M3.5.0", "AAA0BBB,M13.1.0,M10.1.0", "AAA0BBB,M3.6.0,M10.1.0",
        "AAA0BBB,M3.1.7,M10.1.0", "AAA0BBB,J0,J10", "AAA0BBB,366,10", "AAA0BBB,1/168,10", "AAA0BBB,1,10,", "<AAA0",
        "AAA0:60",
    ])
    func `any other rule makes the file unreadable`(rule: String) {
        #expect(ZoneRules(name: "Test/Bad", file: zoneFile(offset: 0, rule: rule)) == nil)
    }

    @Test
    func `no cut or changed zone file is read as another's memory`() throws {
        let file = Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/Europe/Berlin")))
        for length in file.indices {
            #expect(ZoneRules(name: "cut", file: Array(file[..<length])) == nil, "\(length)")
        }
        let noon = try #require(LocalTime("2026-03-02 12:00:00"))
        for position in file.indices {
            var changed = file
            changed[position] ^= 0x80
            // Some changes make another, well-formed file; reading it must only not trap.
            _ = ZoneRules(name: "changed", file: changed)?.reading(of: noon)
        }
        #expect(ZoneRules(name: "long", file: Array(repeating: 0, count: ZoneRules.fileSizeLimit + 1)) == nil)
    }

    @Test
    func `a zone that counts leap seconds is refused`() throws {
        let file = Array(try Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/right/Europe/Berlin")))
        #expect(ZoneRules(name: "right/Europe/Berlin", file: file) == nil)
    }

    /// A file of version 2 with one offset, no changes, and a yearly rule.
    private func zoneFile(offset: Int32, rule: String) -> [UInt8] {
        let start = Array("TZif2".utf8) + Array(repeating: 0, count: 15)
        let counts: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4]
        let bytes = withUnsafeBytes(of: offset.bigEndian) { Array($0) }
        let block = start + counts + bytes + [0, 0] + Array("AAA\0".utf8)
        return block + block + [10] + Array(rule.utf8) + [10]
    }
}

@Suite("ZoneRules.offset")
struct ZoneOffsetTests {
    /// Seconds of Unix time, and hours east of UTC in Berlin then.
    ///
    /// Source: `zdump -v Europe/Berlin`.
    @Test(arguments: [
        (1_774_745_999, 1), (1_774_746_000, 2), (1_792_889_999, 2), (1_792_890_000, 1), (2_500_000_000, 1),
        (2_477_000_000, 2),
    ])
    func `clocks show the offset that holds at an instant, also after the last change that is listed`(
        second: Int64,
        hours: Int64
    ) throws {
        let rules = try systemZone("Europe/Berlin")
        #expect(rules.offset(at: Timestamp(seconds: second)) == hours * 3600)
    }
}
