import Foundation
import Testing

@testable import Domain

/// Compares every zone of this machine with Python's zoneinfo, which shares no code with ours.
///
/// Needs `python3` (3.9 or newer) and tzdata; without them it fails.
@Suite("ZoneRules against zoneinfo")
struct ZoneMatrixTests {
    @Test
    func `every local time from 2000 to 2040 is the instant that zoneinfo says, in every zone`() throws {
        var zones: [ZoneRules] = []
        var changes: [ClockChange] = []
        var zoneCount = 0
        var timeCount = 0
        var ending: [Int] = []
        for line in try matrix().split(separator: "\n") {
            let words = line.split(separator: " ")
            switch words.first {
            case "zone":
                compare(changes, with: zones)
                zones = try words.dropFirst().map { try systemZone(String($0)) }
                zoneCount += zones.count
                changes = []
            case "change":
                let numbers = words.dropFirst().compactMap { Int64($0) }
                try #require(numbers.count == 3)
                changes.append(ClockChange(at: numbers[0], before: numbers[1], after: numbers[2]))
            case "time":
                let numbers = words.dropFirst().compactMap { Int64($0) }
                try #require(numbers.count == 3)
                let local = LocalTime(microseconds: numbers[0] * 1_000_000)
                let expected = LocalReading(instant: Timestamp(seconds: numbers[1]), isExact: numbers[2] == 1)
                for zone in zones where zone.reading(of: local) != expected {
                    Issue.record("\(zone.name), local \(numbers[0]): \(zone.reading(of: local)), not \(expected)")
                }
                timeCount += 1
            case "end":
                ending = words.dropFirst().compactMap { Int($0) }
            default:
                Issue.record("not a line of the matrix: \(line)")
            }
        }
        compare(changes, with: zones)
        #expect(ending == [zoneCount, timeCount])
        #expect(zoneCount >= 400)
        #expect(timeCount >= 100_000)
    }

    /// What zoneinfo found by walking must be all that the rules know of, and nothing else.
    private func compare(_ changes: [ClockChange], with zones: [ZoneRules]) {
        let span = Int64(946_684_800)..<2_240_611_200
        for zone in zones {
            let listed = zone.changes.filter { span.contains($0.at) }
            let last = zone.changes.last?.at ?? .min
            let ruled = (2000...2040).flatMap { year in
                zone.yearly?.changes(in: year).filter { span.contains($0.at) && $0.at > last } ?? []
            }
            #expect(listed + ruled == changes, "\(zone.name)")
        }
    }

    /// The output of `zone-matrix.py`.
    private func matrix() throws -> String {
        let script = try #require(Bundle.module.url(forResource: "zone-matrix", withExtension: "py"))
        let python = Process()
        python.executableURL = URL(filePath: "/usr/bin/env")
        python.arguments = ["python3", script.path(percentEncoded: false)]
        let output = Pipe()
        python.standardOutput = output
        try python.run()
        let bytes = try output.fileHandleForReading.readToEnd()
        python.waitUntilExit()
        try #require(
            python.terminationStatus == 0,
            "this test needs python3 with the zoneinfo module and the system's tzdata"
        )
        return String(decoding: try #require(bytes), as: UTF8.self)
    }
}
