import Glibc
import Testing

@testable import rollcall

/// `serve --embedded` that ends before it serves.
@Suite("serve --embedded", .timeLimit(.minutes(3)))
struct EmbeddedServeTests {
    private func serve(on folder: EmbeddedFolder) throws -> RollcallProcess {
        try RollcallProcess(["serve", "--embedded", folder.path], settings: Installation.bareSettings)
    }

    /// `data`: what initdb or the server was told to work in.
    @Test(arguments: [SIGTERM, SIGINT], ["data.unfinished", "data"])
    func `told to end while the database is made or started, it leaves nothing that runs`(
        signal: Int32,
        data: String
    ) async throws {
        let folder = try EmbeddedFolder()
        let process = try serve(on: folder)
        defer { process.kill() }
        try await ProcessList.until("something works in \(data)", about: folder.path) { lines in
            lines.contains { $0.contains("-D \(folder.path)/\(data) ") }
        }
        process.signal(signal)
        #expect(try await process.ending() == .exit(0), "\(process.output)")
        try await ProcessList.until("nothing is left", about: folder.path) { $0.isEmpty }
    }

    @Test
    func `what was given up is made by the next start`() async throws {
        let folder = try EmbeddedFolder()
        let first = try serve(on: folder)
        defer { first.kill() }
        try await ProcessList.until("initdb runs", about: folder.path) { lines in
            lines.contains { $0.contains("initdb ") }
        }
        first.signal(SIGTERM)
        #expect(try await first.ending() == .exit(0), "\(first.output)")
        #expect(!first.output.contains("listening"), "\(first.output)")
        let second = try serve(on: folder)
        defer { second.kill() }
        _ = try await second.line(containing: "for other commands set ROLLCALL_DATABASE_URL to this")
        _ = try await second.line(containing: #""message":"listening""#)
        second.signal(SIGTERM)
        #expect(try await second.ending() == .exit(0), "\(second.output)")
        try await ProcessList.until("nothing is left", about: folder.path) { $0.isEmpty }
    }

    @Test
    func `a start that fails once the server runs is exit code 3, and leaves nothing that runs`() async throws {
        let folder = try EmbeddedFolder()
        try await folder.makeRefusing()
        let process = try serve(on: folder)
        defer { process.kill() }
        #expect(try await process.ending() == .exit(3), "\(process.output)")
        #expect(process.output.contains("embedded PostgreSQL: createdb ended with 1"), "\(process.output)")
        #expect(process.output.contains("embedded PostgreSQL stopped"), "\(process.output)")
        try await ProcessList.until("nothing is left", about: folder.path) { $0.isEmpty }
    }

    @Test
    func `a folder that another uses is exit code 3, and that is said`() async throws {
        let folder = try EmbeddedFolder()
        let owner = try folder.database()
        let process = try serve(on: folder)
        defer { process.kill() }
        #expect(try await process.ending() == .exit(3), "\(process.output)")
        #expect(process.output.contains("another Rollcall uses this folder"), "\(process.output)")
        _ = owner
    }
}
