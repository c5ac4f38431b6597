/// Finds names that are no setting: a misspelt one would otherwise silently mean its default.
struct UnknownNames {
    /// Names of known settings, in the spelling of the environment and in that of the file.
    private let known: [SettingName]
    private let variables: Set<String>
    private let paths: Set<String>

    init(engines: [String], sources: [String]) {
        known = SettingCatalogue.names(engines: engines, sources: sources)
        variables = Set(known.map(\.variable))
        paths = Set(known.map(\.dotted))
    }

    /// Variables that Kubernetes makes for a service called `rollcall`.
    static func isFromKubernetes(_ variable: String) -> Bool {
        variable == "ROLLCALL_PORT" || variable.hasPrefix("ROLLCALL_PORT_") || variable.hasPrefix("ROLLCALL_SERVICE_")
    }

    /// Variables that let a process end or stand still on purpose.
    static func isForTests(_ variable: String) -> Bool {
        variable == "ROLLCALL_CRASH_AT" || variable == "ROLLCALL_FREEZE_AT"
    }

    /// The problem with an environment variable, if it has one.
    func problem(withVariable variable: String) -> SettingsError.Problem? {
        guard variable.hasPrefix("ROLLCALL_"), !variables.contains(variable), !Self.isFromKubernetes(variable),
            !Self.isForTests(variable)
        else { return nil }
        return problem(with: variable, among: known.map(\.variable))
    }

    /// The problem with a key of the file, if it has one.
    func problem(withPath path: [String]) -> SettingsError.Problem? {
        let dotted = path.joined(separator: ".")
        guard !paths.contains(dotted) else { return nil }
        return problem(with: dotted, among: known.map(\.dotted))
    }

    private func problem(with name: String, among candidates: [String]) -> SettingsError.Problem {
        var remedy = "remove it; `rollcall check-config` lists every name"
        if let nearest = Self.nearest(to: name, among: candidates) {
            remedy = "did you mean \(nearest)?"
        } else if name.hasPrefix("ROLLCALL_ENGINE_") {
            remedy = "list the account's name in ROLLCALL_ENGINES, or remove it"
        } else if name.hasPrefix("ROLLCALL_SOURCE_") {
            remedy = "list the source's name in ROLLCALL_SOURCES, or remove it"
        }
        return .init(setting: name, fault: "there is no such setting", remedy: remedy)
    }

    /// The candidate with the fewest typing errors, if they are few for its length.
    static func nearest(to name: String, among candidates: [String]) -> String? {
        let measured = candidates.map { (candidate: $0, distance: distance(name, $0)) }
        guard let best = measured.min(by: { $0.distance < $1.distance }) else { return nil }
        return best.distance <= max(1, min(4, name.count / 6)) ? best.candidate : nil
    }

    /// The fewest insertions, deletions, replacements and swaps of neighbours that make one text the other.
    private static func distance(_ first: String, _ second: String) -> Int {
        let first = Array(first.utf8)
        let second = Array(second.utf8)
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for row in 0..<first.count {
            var current = [row + 1]
            for column in 0..<second.count {
                let cost = first[row] == second[column] ? 0 : 1
                var best = min(last[column + 1] + 1, current[column] + 1, last[column] + cost)
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[second.count]
    }
}
