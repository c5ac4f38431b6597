import Foundation
import Testing

@testable import Service

/// What the sources call metrics and log metadata, read from their text.
@Suite("Words of the sources")
struct WordsOfSourceTests {
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")

    /// The texts of the files of some targets, by path.
    private static func texts(_ targets: [String]) throws -> [(path: String, text: String)] {
        try targets.flatMap { target in
            let files = try FileManager.default.subpathsOfDirectory(atPath: sources.appending(path: target).path())
            return try files.filter { $0.hasSuffix(".swift") }.map { file in
                let path = target + "/" + file
                return (path, try String(contentsOf: sources.appending(path: path), encoding: .utf8))
            }
        }
    }

    @Test
    func `every metric has a sentence, and every sentence a metric`() throws {
        var labels: Set<String> = []
        for (_, text) in try Self.texts(["LibPQ", "Engines", "Service", "rollcall"]) {
            let made = text.matches(of: #/(?:Counter|Gauge|Meter|Recorder|Timer)\(\s*label: "([a-z_]+)"/#)
            labels.formUnion(made.map { String($0.1) })
        }
        try #require(labels.contains("events_committed"))
        #expect(labels == Set(MetricHelp.sentences.keys))
        for (label, sentence) in MetricHelp.sentences { #expect(sentence.hasSuffix("."), "\(label)") }
    }

    @Test
    func `log metadata goes by the names of LogKeys, and each of them is used`() throws {
        var used: Set<String> = []
        for (path, text) in try Self.texts(["Service", "rollcall"]) where !path.hasSuffix("/LogKeys.swift") {
            let literals = text.matches(of: #/(?:metadata:|metadataKey:|Logger\.Metadata =)\s*\[?\s*"/#)
            #expect(literals.isEmpty, "\(path)")
            used.formUnion(text.matches(of: #/LogKeys\.([a-zA-Z]+)/#).map { String($0.1) })
        }
        let file = Self.sources.appending(path: "Service/Telemetry/LogKeys.swift")
        let keys = try String(contentsOf: file, encoding: .utf8)
        let named = Set(keys.matches(of: #/static let ([a-zA-Z]+) = "/#).map { String($0.1) })
        try #require(named.contains("error"))
        #expect(used.subtracting(["identifiers"]) == named)
    }
}
