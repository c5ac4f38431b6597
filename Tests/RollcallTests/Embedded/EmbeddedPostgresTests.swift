import Foundation
import Glibc
import Testing

@testable import rollcall

@Suite("EmbeddedPostgres")
struct EmbeddedPostgresTests {
    @Test func `a new folder becomes a durable database that only we may reach`() async throws {
        let folder = try EmbeddedFolder()
        let database = try folder.database()
        try await database.start()
        #expect(try await folder.psql("SELECT current_database()") == "rollcall")
        #expect(try await folder.psql("SHOW fsync") == "on")
        #expect(try await folder.psql("SHOW synchronous_commit") == "on")
        #expect(try await folder.psql("SHOW data_checksums") == "on")
        #expect(try await folder.psql("SHOW listen_addresses") == "")
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.layout.socketDirectory)
        #expect(attributes[.posixPermissions] as? Int == 0o700)
        try await database.stop()
        #expect(!FileManager.default.fileExists(atPath: folder.layout.processFile))
        #expect(!FileManager.default.fileExists(atPath: folder.layout.socketDirectory))
    }

    @Test func `what was stored is there after a stop and a start`() async throws {
        let folder = try EmbeddedFolder()
        let database = try folder.database()
        try await database.start()
        _ = try await folder.psql("CREATE TABLE kept AS SELECT 42 AS answer")
        try await database.stop()
        try await database.start()
        #expect(try await folder.psql("SELECT answer FROM kept") == "42")
        try await database.stop()
    }

    @Test func `a server that dies is brought back, with what was stored`() async throws {
        let folder = try EmbeddedFolder()
        let (changes, report) = AsyncStream.makeStream(of: EmbeddedPostgres.Change.self)
        let database = try folder.database { report.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group throws in
            group.addTask { try await database.run() }
            #expect(await database.isReady())
            _ = try await folder.psql("CREATE TABLE kept AS SELECT 42 AS answer")
            let first = try folder.serverProcess()
            kill(first, SIGKILL)
            for await change in changes where change == .restarted { break }
            #expect(try folder.serverProcess() != first)
            #expect(try await folder.psql("SELECT answer FROM kept") == "42")
            group.cancelAll()
            for await change in changes where change == .stopped { break }
        }
        #expect(!FileManager.default.fileExists(atPath: folder.layout.processFile))
    }

    @Test func `a server left behind by a killed Rollcall is adopted`() async throws {
        let folder = try EmbeddedFolder()
        do {
            // Letting go without a stop is what a kill -9 leaves: the lock is gone, the server is not.
            let killed = try folder.database()
            try await killed.start()
        }
        let process = try folder.serverProcess()
        let (changes, report) = AsyncStream.makeStream(of: EmbeddedPostgres.Change.self)
        let next = try folder.database { report.yield($0) }
        try await next.start()
        #expect(await changes.first { _ in true } == .adopted)
        #expect(try folder.serverProcess() == process)
        try await next.stop()
    }

    @Test func `a second Rollcall on the same folder is refused`() async throws {
        let folder = try EmbeddedFolder()
        let first = try folder.database()
        #expect(throws: EmbeddedError.self) { try folder.database() }
        _ = first
    }

    @Test func `an initdb that was interrupted is begun anew`() async throws {
        let folder = try EmbeddedFolder()
        let half = folder.layout.unfinishedData
        try FileManager.default.createDirectory(atPath: half, withIntermediateDirectories: true)
        try "half".write(toFile: "\(half)/PG_VERSION", atomically: false, encoding: .utf8)
        let database = try folder.database()
        try await database.start()
        #expect(try await folder.psql("SELECT 1") == "1")
        try await database.stop()
    }

    @Test(arguments: ["a folder's name", String(repeating: "long-", count: 30)])
    func `a folder may have any name, also one too long for a socket`(name: String) async throws {
        let folder = try EmbeddedFolder(name)
        let database = try folder.database()
        try await database.start()
        #expect(try await folder.psql("SELECT 1") == "1")
        try await database.stop()
        #expect(
            folder.layout.socketDirectory.hasPrefix(folder.path)
                || !FileManager.default.fileExists(
                    atPath: folder.layout.socketDirectory
                )
        )
    }

    @Test func `data of a version that is not installed is refused by name`() throws {
        let folder = try EmbeddedFolder()
        try FileManager.default.createDirectory(atPath: folder.layout.data, withIntermediateDirectories: true)
        try "99\n".write(toFile: folder.layout.versionFile, atomically: false, encoding: .utf8)
        let error = #expect(throws: EmbeddedError.self) { try folder.database() }
        #expect(error?.kind == .noServer)
        #expect(error?.detail.contains("99") == true)
    }
}
