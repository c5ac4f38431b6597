import Foundation

/// What runs on this machine.
enum ProcessList {
    /// The command lines, a blank behind each word, of the processes that work in a folder or were told of it.
    ///
    /// `words`: whoever was told these belongs to them as well.
    static func about(_ folder: String, or words: String? = nil) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.filter { $0.allSatisfy(\.isNumber) }.compactMap { name in
            // Each may be over meanwhile, or nothing of ours.
            let place = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(name)/cwd")
            let told = (try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8)) ?? ""
            let line = told.replacing("\0", with: " ")
            let isOurs =
                place?.hasPrefix(folder) == true || line.contains(folder) || words.map { line.contains($0) } == true
            return isOurs ? line : nil
        }
    }

    /// Waits until the processes about a folder are as wanted.
    static func until(_ what: String, about folder: String, _ isSo: ([String]) -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            let lines = about(folder)
            if isSo(lines) { return }
            guard ContinuousClock.now < deadline else {
                throw RollcallProcess.Failure(description: "it did not come to pass: \(what); there are \(lines)")
            }
            try await Task.sleep(for: .milliseconds(5))  // What is waited for comes from other processes.
        }
    }
}
