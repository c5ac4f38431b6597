import Foundation

/// What docs/openapi.yaml describes, read from its text: as it is laid out there, and no more of YAML than that.
struct DescribedRoutes {
    /// Repository's root.
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// What is written of each path, by the path, in which a parameter is a name in braces.
    private let parts: [String: String]
    /// What is written of each schema that has a name.
    private let schemas: [String: String]
    /// The names in queries of the parameters that several routes share.
    private let shared: [String: String]
    /// What is written of each other part that several routes share, by its name.
    private let parcels: [String: String]

    init() throws {
        let text = try String(contentsOf: Self.root.appending(path: "docs/openapi.yaml"), encoding: .utf8)
        let halves = text.split(separator: "\ncomponents:\n", maxSplits: 1)
        parts = Self.sections(of: halves[0], #/(?m)^  (\/[^:\s]*):$/#)
        let components = halves[1].split(separator: "\n  schemas:\n", maxSplits: 1)
        schemas = Self.sections(of: components[1], #/(?m)^    (\w+):$/#)
        let named = halves[1].matches(of: #/(?m)^    (\w+): \{name: (\w+), in: query/#)
        shared = Dictionary(uniqueKeysWithValues: named.map { (String($0.1), String($0.2)) })
        parcels = Self.sections(of: components[0], #/(?m)^    (\w+):$/#)
    }

    /// A text cut at its headings: what stands below each, by its name.
    private static func sections(of text: Substring, _ headings: Regex<(Substring, Substring)>) -> [String: String] {
        var sections: [String: String] = [:]
        let beginnings = text.matches(of: headings)
        for (place, beginning) in beginnings.enumerated() {
            let end = place + 1 < beginnings.count ? beginnings[place + 1].range.lowerBound : text.endIndex
            sections[String(beginning.1)] = String(text[beginning.range.upperBound..<end])
        }
        return sections
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

    /// What is written of each method of a path, by the method in small letters.
    private func operations(of path: String) -> [String: String] {
        guard let part = described(path).flatMap({ parts[$0] }) else { return [:] }
        return Self.sections(of: part[...], #/(?m)^    (get|put|post|delete):$/#)
    }

    /// The methods that a path takes, in capitals.
    func methods(of path: String) -> Set<String> { Set(operations(of: path).keys.map { $0.uppercased() }) }

    /// The members of the JSON that a path takes by a method in capitals; those of a member stand after its name and a point.
    func bodyNames(of path: String, _ method: String) -> Set<String> {
        guard let operation = operations(of: path)[method.lowercased()] else { return [] }
        let name = operation.firstMatch(
            of: #/\n      requestBody: \{\$ref: '#\/components\/requestBodies\/(\w+)'\}/#
        )?.1
        let parcel = name.flatMap { parcels[String($0)] }.map { $0[...] }
        guard let body = parcel ?? operation.firstMatch(of: #/\n      requestBody:\n((?:        .*\n)+)/#)?.1,
            let json = body.firstMatch(of: #/application\/json:(.*)\n/#)
        else { return [] }
        let schema = json.1.isEmpty ? body[json.range.upperBound...] : json.1
        if let name = json.1.firstMatch(of: #/#\/components\/schemas\/(\w+)/#)?.1 {
            return Self.members((schemas[String(name)] ?? "")[...])
        }
        return Self.members(schema)
    }

    /// The names of the members that a schema's text describes, in a block or in a line.
    private static func members(_ schema: Substring) -> Set<String> {
        guard let start = schema.firstMatch(of: #/(?m)^( *)properties:\n/#) else {
            let line = schema.firstMatch(of: #/properties: \{(.*)/#)?.1 ?? ""
            return Set(line.matches(of: #/(\w+): \{/#).map { String($0.1) })
        }
        let depth = start.1.count + 2
        var names: Set<String> = []
        var name = ""
        var inner = ""
        for line in schema[start.range.upperBound...].split(separator: "\n") {
            let indent = line.prefix { $0 == " " }.count
            guard indent >= depth else { break }
            if indent > depth {
                inner.append(contentsOf: line)
                inner.append("\n")
                continue
            }
            names.formUnion(members(inner[...]).map { name + "." + $0 })
            inner = ""
            name = String(line.dropFirst(depth).prefix { $0 != ":" })
            names.insert(name)
        }
        return names.union(members(inner[...]).map { name + "." + $0 })
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
