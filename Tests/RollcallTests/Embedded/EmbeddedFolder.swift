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

    /// Makes a database whose server starts, and then refuses whoever connects.
    func makeRefusing() async throws {
        let database = try self.database()
        try await database.start()
        try await database.stop()
        try "local all all reject\n".write(toFile: "\(layout.data)/pg_hba.conf", atomically: false, encoding: .utf8)
    }

    /// Keeps the server, which has to run now, from taking connections after its next start until ``letRecover()``.
    func holdRecovery() async throws {
        let wait = "until [ -e \(recoveryMark) ]; do sleep 0.05; done; false"
        _ = try await psql("ALTER SYSTEM SET restore_command = '\(wait)'")
        // Else it would take connections that only read in the end.
        _ = try await psql("ALTER SYSTEM SET hot_standby = off")
        _ = try await psql("COPY (SELECT 1) TO '\(layout.data)/recovery.signal'")
    }

    func letRecover() throws {
        try "".write(toFile: recoveryMark, atomically: false, encoding: .utf8)
    }

    private var recoveryMark: String { "\(parent)/recover" }

    func database(
        startTimeout: Duration = EmbeddedPostgres.startTimeout,
        report: @escaping @Sendable (EmbeddedPostgres.Change) -> Void = { _ in }
    ) throws -> EmbeddedPostgres {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return try EmbeddedPostgres(
            directory: path,
            logger: logger,
            lookInterval: .milliseconds(20),
            startTimeout: startTimeout,
            report: report
        )
    }
}
