import ClockSources
import Foundation
import Testing

extension ClockCase {
    /// All cases of one source, in file order.
    static func all(of source: SourceKind) throws -> [ClockCase] {
        let url = try #require(Bundle.module.url(forResource: "clock-cases", withExtension: "json"))
        let cases = try JSONDecoder().decode([ClockCase].self, from: Data(contentsOf: url))
        return cases.filter { $0.source == source.rawValue }
    }
}
