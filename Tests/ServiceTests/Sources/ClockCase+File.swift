import ClockSources
import Foundation

extension ClockCase {
    /// All cases of one source, in file order; the file is that of the adapters' tests.
    static func all(of source: SourceKind) throws -> [ClockCase] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = try Data(contentsOf: tests.appending(path: "ClockSourcesTests/clock-cases.json"))
        return try JSONDecoder().decode([ClockCase].self, from: file).filter { $0.source == source.rawValue }
    }
}
