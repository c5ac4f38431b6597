import Foundation

/// Runs a program to its end without holding up a thread.
struct ChildProcess {
    /// How it ended and what it said.
    struct Outcome: Sendable {
        var status: Int32
        /// Standard output and error.
        var output: String
    }

    var command: [String]
    var workingDirectory: String
    /// Takes the output; a file, because a server that stays behind would keep a pipe open.
    var outputPath: String

    /// - Throws: when the program cannot be started.
    func run() async throws(EmbeddedError) -> Outcome {
        guard FileManager.default.createFile(atPath: outputPath, contents: nil),
            let output = FileHandle(forWritingAtPath: outputPath)
        else { throw EmbeddedError(.folderUnusable, "cannot write \(outputPath)") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.currentDirectoryURL = URL(fileURLWithPath: workingDirectory)
        // Nothing of ours: neither the secrets among our variables nor a PGHOST that leads elsewhere.
        process.environment = ["PATH": Self.path, "LC_ALL": "C"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        let status: Int32? = await withCheckedContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(returning: nil)
            }
        }
        // Closing fails only for a descriptor that is closed.
        try? output.close()
        guard let status else { throw EmbeddedError(.commandFailed, "cannot run \(command.joined(separator: " "))") }
        let text = (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? ""
        return Outcome(status: status, output: text)
    }

    private static let path = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin"
}
