import Foundation
import Synchronization

/// The fault suite's table: what was done, and what came of it.
enum FaultTable {
    struct Row: Sendable {
        var fault: String
        /// What was done, in words.
        var deed: String
        /// Events that were posted, however often.
        var sent: Int
        /// Those that were answered 2xx; each is posted until it is.
        var taken: Int
        var lost: Int
        var doubled: Int
        /// Until an event that was posted afterwards was taken, and until the engine heard a command again.
        var recovery: String
    }

    /// Adds a row to the file that `ROLLCALL_FAULTS_TABLE` names, and shows it.
    static func add(_ row: Row) {
        let counts = [row.sent, row.taken, row.lost, row.doubled].map { "\($0)" }
        let line = "| " + ([row.fault, row.deed] + counts + [row.recovery]).joined(separator: " | ") + " |"
        print(line)
        guard let path = ProcessInfo.processInfo.environment["ROLLCALL_FAULTS_TABLE"] else { return }
        lock.withLock { _ in
            guard let file = FileHandle(forWritingAtPath: path) else { return }
            file.seekToEndOfFile()
            file.write(Data((line + "\n").utf8))
            file.closeFile()
        }
    }

    private static let lock = Mutex(())
}

/// How much of the fault suite runs: the quickest part, or with `ROLLCALL_FAULTS=all` everything.
enum FaultSuite {
    static var runsAll: Bool { ProcessInfo.processInfo.environment["ROLLCALL_FAULTS"] == "all" }

    /// Another build of the program, of the release before this one; `ROLLCALL_LAST_RELEASE`.
    static var lastRelease: String? { ProcessInfo.processInfo.environment["ROLLCALL_LAST_RELEASE"] }
}
