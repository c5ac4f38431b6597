import Foundation

/// What docs/openapi.yaml describes, read from its text: as it is laid out there, and no more of YAML than that.
struct DescribedRoutes {
    /// Repository's root.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What is written of each path, by the path, in which a parameter is a name in braces.
    private let parts: [String: String]
    /// The names in queries of the parameters that several routes share.
    private let shared: [String: String]

    init() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/openapi.yaml"), encoding: .utf8)
        var parts: [String: String] = [:]
        let halves = text.split(separator: "\ncomponents:\n", maxSplits: 1)
        let beginnings = halves[0].matches(of: #/(?m)^  (\/[^:\s]*):$/#)
        for (place, beginning) in beginnings.enumerated() {
            let end = place + 1 < beginnings.count ? beginnings[place + 1].range.lowerBound : halves[0].endIndex
            parts[String(beginning.1)] = String(halves[0][beginning.range.upperBound..<end])
        }
        self.parts = parts
        let named = halves[1].matches(of: #/(?m)^    (\w+): \{name: (\w+), in: query/#)
        shared = Dictionary(uniqueKeysWithValues: named.map { (String($0.1), String($0.2)) })
    }

    var paths: [String] { parts.keys.sorted() }

    /// Whether a path is described; `{}` in it is what is put in.
    func has(_ path: String) -> Bool { described(path) != nil }

    /// The names that a path's query may have; `nil` for a path that is not described.
    func queryNames(of path: String) -> Set<String>? {
        guard let part = described(path).flatMap({ parts[$0] }) else { return nil }
        let own = part.matches(of: #/\{name: (\w+), in: query/#).map { String($0.1) }
        let long = part.matches(of: #/- name: (\w+)\n\s+in: query/#).map { String($0.1) }
        let others = part.matches(of: #/#\/components\/parameters\/(\w+)/#).compactMap { shared[String($0.1)] }
        return Set(own + long + others)
    }

    /// The fields of the form that a path takes.
    func formFields(of path: String) -> Set<String> {
        let form = parts[path]?.firstMatch(
            of: #/x-www-form-urlencoded:\n\s+schema:\n\s+type: object\n(\s+)properties:\n((?:\1  .*\n)+)/#
        )
        return Set(form.map { $0.2.matches(of: #/(?m)^\s+(\w+): \{/#).map { String($0.1) } } ?? [])
    }

    /// The path of the description that one fits, one that is so word for word before others.
    private func described(_ path: String) -> String? {
        parts[path] == nil ? paths.first { Self.fits(path, $0) } : path
    }

    private static func fits(_ path: String, _ pattern: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let wanted = pattern.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count == wanted.count
            && zip(parts, wanted).allSatisfy { part, want in part == want || !part.isEmpty && want.hasPrefix("{") }
    }
}
