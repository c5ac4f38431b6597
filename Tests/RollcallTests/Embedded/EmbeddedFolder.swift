import Foundation
import Logging

@testable import rollcall

/// A folder for one embedded database, gone with the test.
final class EmbeddedFolder: Sendable {
    let path: String

    /// Names a folder inside a new one; it is made by whoever uses it.
    init(_ name: String = "db") throws {
        let parent = "/tmp/rollcall-test-\(UUID().uuidString.prefix(8))"
        path = "\(parent)/\(name)"
        self.parent = parent
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    }

    private let parent: String

    deinit {
        try? FileManager.default.removeItem(atPath: parent)
    }

    var layout: ClusterLayout { ClusterLayout(directory: path) }

    /// The server's process, from the file that it writes.
    func serverProcess() throws -> Int32 {
        let text = try String(contentsOfFile: layout.processFile, encoding: .utf8)
        return text.split(separator: "\n").first.flatMap { Int32($0) } ?? 0
    }

    /// Runs SQL as an operator would, and gives back what psql printed.
    func psql(_ sql: String) async throws -> String {
        let outcome = try await ChildProcess(
            command: ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", layout.connectionString, "-c", sql],
            workingDirectory: "/",
            outputPath: "\(parent)/psql.out"
        )
        .run()
        return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    func database(
        report: @escaping @Sendable (EmbeddedPostgres.Change) -> Void = { _ in }
    ) throws -> EmbeddedPostgres {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try EmbeddedPostgres(
            directory: path,
            logger: logger,
            lookInterval: .milliseconds(20),
            report: report
        )
    }
}
