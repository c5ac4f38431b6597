import Foundation
import Glibc
import Synchronization

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
    /// Whether a server stays behind when it ends.
    var leavesServer = false
    /// Whether it is killed when the task is cancelled; without this its end is awaited all the same.
    var endsWhenCancelled = false
    /// Takes the output; a file, because a server that stays behind would keep a pipe open.
    var outputPath: String

    /// - Returns: how it ended; one that leaves no server is over once whatever it began is over too, also when killed.
    /// - Throws: when the program cannot be started.
    func run() async throws(EmbeddedError) -> Outcome {
        guard FileManager.default.createFile(atPath: outputPath, contents: nil),
            let output = FileHandle(forWritingAtPath: outputPath)
        else { throw EmbeddedError(.folderUnusable, "cannot write \(outputPath)") }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = leavesServer ? Self.withoutDescriptors(command) : command
        process.currentDirectoryURL = URL(fileURLWithPath: workingDirectory)
        // Nothing of ours: neither the secrets among our variables nor a PGHOST that leads elsewhere.
        // A server that takes a connection and says nothing keeps nobody waiting for ever.
        process.environment = ["PATH": Self.path, "LC_ALL": "C", "PGCONNECT_TIMEOUT": "30"]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        let running = RunningProgram()
        let status: Int32? = await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Int32?, Never>) in
                process.terminationHandler = { ended in
                    running.end()
                    continuation.resume(returning: ended.terminationStatus)
                }
                do {
                    try process.run()
                    if endsWhenCancelled { running.begin(process.processIdentifier) }
                } catch {
                    process.terminationHandler = nil
                    continuation.resume(returning: nil)
                }
            }
        } onCancel: {
            running.kill()
        }
        // Closing fails only for a descriptor that is closed.
        try? output.close()
        guard let status else { throw EmbeddedError(.commandFailed, "cannot run \(command.joined(separator: " "))") }
        let text = (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? ""
        return Outcome(status: status, output: text)
    }

    /// Runs the command with nothing open but standard input, output and error.
    ///
    /// Foundation takes the end of a process from the closing of a socket that the process inherits, and so would
    /// any server that it leaves behind: the end would never be seen.
    private static func withoutDescriptors(_ command: [String]) -> [String] {
        let close = """
            for file in /proc/self/fd/*; do
              number=${file##*/}
              if [ "$number" -gt 2 ]; then eval "exec $number>&-"; fi
            done
            exec "$@"
            """
        return ["bash", "-c", close, "bash"] + command
    }

    private static let path = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin"
}

/// The number of a program that may be killed, for as long as it is that program's.
private final class RunningProgram: Sendable {
    private struct State {
        var processID: Int32?
        var hasEnded = false
        var isToEnd = false
    }

    private let state = Mutex(State())

    func begin(_ processID: Int32) {
        state.withLock { state in
            guard !state.hasEnded else { return }
            state.processID = processID
            if state.isToEnd { Self.kill(processID) }
        }
    }

    func end() {
        state.withLock { state in
            state.processID = nil
            state.hasEnded = true
        }
    }

    func kill() {
        state.withLock { state in
            state.isToEnd = true
            if let processID = state.processID { Self.kill(processID) }
        }
    }

    /// By SIGKILL, since what is begun on a thread of Swift's has other signals blocked.
    private static func kill(_ processID: Int32) {
        _ = Glibc.kill(processID, SIGKILL)
    }
}
