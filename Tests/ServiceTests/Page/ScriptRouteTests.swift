import Foundation
import Testing

@testable import Service

/// What the page's scripts ask for, read from their text, is what docs/openapi.yaml describes.
@Suite("Script routes")
struct ScriptRouteTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Paths of a description, each a pattern: a parameter is anything but a slash.
    private static func described() throws -> [String] {
        let text = try String(contentsOf: root.appending(path: "docs/openapi.yaml"), encoding: .utf8)
        return text.matches(of: #/(?m)^  (\/[^:\s]*):$/#).map { String($0.1) }
    }

    /// Every path in the scripts' literals, `{}` for what is put in, without the query, and where it stands.
    private static func asked() throws -> [(path: String, file: String)] {
        let folder = root.appending(path: "Sources/Service/Page/assets")
        var asked: [(String, String)] = []
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path()).filter { $0.hasSuffix(".js") }
        for file in files.sorted() {
            let script = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            for literal in script.matches(of: #/["`](\/[^"`\s]*)["`]/#) {
                let path = String(literal.1).replacing(#/\$\{[^}]*\}/#, with: "{}").prefix { $0 != "?" }
                asked.append((String(path), file))
            }
        }
        return asked
    }

    private static func fits(_ path: String, _ pattern: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let wanted = pattern.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == wanted.count
            && zip(parts, wanted).allSatisfy { part, want in part == want || part == "{}" && want.hasPrefix("{") }
    }

    @Test
    func `every path that a script asks for is described`() throws {
        let described = try Self.described()
        let asked = try Self.asked()
        #expect(described.count > 40)
        // Where people are sent, and what is joined to the address of an agent.
        let places = ["/", "/unmatched", "/agents/{}"]
        let ofAnAgent = ["/reconcile", "/reboot", "/hold"]
        var unknown: [String] = []
        for (path, file) in asked where !places.contains(path) {
            let whole = ofAnAgent.contains(path) && file == "agent.js" ? "/v1/agents/{}" + path : path
            let isAction = whole.hasPrefix("/v1/guard/{}/{}")
            let address = isAction ? "/v1/guard/{}/approve" : whole
            if !described.contains(where: { Self.fits(address, $0) }) { unknown.append("\(file): \(path)") }
        }
        #expect(unknown == [])
        let paths = Set(asked.map(\.path))
        for path in ["/session", "/v1/actions", "/v1/guard", "/v1/stream", "/unmatched/count", "/v1/agents/{}/pairing"]
        {
            #expect(paths.contains(path), "the scripts are read as they are: \(path)")
        }
    }
}
