import Foundation
import Testing

@testable import Service

@Suite("docs/reliability.md")
struct ReliabilityPageTests {
    private static let lines: [String] = {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../../docs/reliability.md").standardized
        // Without the page no line is found, which the tests say.
        return ((try? String(contentsOf: page, encoding: .utf8)) ?? "").components(separatedBy: "\n")
    }()

    @Test(arguments: Invariant.allCases)
    func `the page names every invariant as the command does`(invariant: Invariant) {
        #expect(Self.lines.contains("| `\(invariant.rawValue)` | \(invariant.summary) |"))
    }

    @Test(arguments: PlantedBug.allCases)
    func `the page names every planted bug, and what catches it`(bug: PlantedBug) {
        #expect(Self.lines.contains("| `\(bug.rawValue)` | \(bug.summary) | `\(bug.caughtBy.rawValue)` |"))
    }
}
