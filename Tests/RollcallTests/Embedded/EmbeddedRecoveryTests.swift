import Glibc
import Testing

@testable import rollcall

/// A server that takes long to start, as one does that has much to replay after a crash.
@Suite("EmbeddedPostgres that recovers", .timeLimit(.minutes(3)))
struct EmbeddedRecoveryTests {
    /// A folder whose server stays in its startup from its next start on.
    private func heldFolder() async throws -> EmbeddedFolder {
        let folder = try EmbeddedFolder()
        let database = try folder.database()
        try await database.start()
        try await folder.holdRecovery()
        try await database.stop()
        return folder
    }

    @Test func `a start that takes longer than pg_ctl waits goes on until the server takes connections`() async throws {
        let folder = try await heldFolder()
        let (changes, report) = AsyncStream.makeStream(of: EmbeddedPostgres.Change.self)
        let database = try folder.database(startTimeout: .seconds(1)) { report.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group throws in
            group.addTask { try await database.run() }
            #expect(await changes.first { _ in true } == .startingUp)
            let process = try folder.serverProcess()
            try folder.letRecover()
            #expect(await database.isReady())
            #expect(try folder.serverProcess() == process)
            #expect(try await folder.psql("SELECT pg_is_in_recovery()") == "f")
            group.cancelAll()
        }
    }

    @Test func `a server that is adopted while it starts up is waited for`() async throws {
        let folder = try await heldFolder()
        do {
            // Letting go without a stop is what a kill -9 leaves.
            let killed = try PostgresCluster(layout: folder.layout, startTimeout: .seconds(1))
            try await killed.start()
        }
        let process = try folder.serverProcess()
        let (changes, report) = AsyncStream.makeStream(of: EmbeddedPostgres.Change.self)
        let next = try folder.database { report.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group throws in
            group.addTask { try await next.run() }
            #expect(await changes.first { _ in true } == .adopted)
            #expect(await changes.first { _ in true } == .startingUp)
            try folder.letRecover()
            #expect(await next.isReady())
            #expect(try folder.serverProcess() == process)
            group.cancelAll()
        }
    }

    @Test func `told to end while the server starts up, it stops it`() async throws {
        let folder = try await heldFolder()
        let (changes, report) = AsyncStream.makeStream(of: EmbeddedPostgres.Change.self)
        let database = try folder.database(startTimeout: .seconds(1)) { report.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group throws in
            group.addTask { try await database.run() }
            #expect(await changes.first { _ in true } == .startingUp)
            group.cancelAll()
        }
        #expect(await changes.first { _ in true } == .stopped)
        let isReady = await database.isReady()
        #expect(!isReady)
        try await ProcessList.until("nothing is left", about: folder.path) { $0.isEmpty }
    }

    @Test func `a server that died and takes long to come back is waited for`() async throws {
        let folder = try EmbeddedFolder()
        let (changes, report) = AsyncStream.makeStream(of: EmbeddedPostgres.Change.self)
        let database = try folder.database(startTimeout: .seconds(1)) { report.yield($0) }
        try await withThrowingTaskGroup(of: Void.self) { group throws in
            group.addTask { try await database.run() }
            #expect(await database.isReady())
            _ = try await folder.psql("CREATE TABLE kept AS SELECT 42 AS answer")
            try await folder.holdRecovery()
            kill(try folder.serverProcess(), SIGKILL)
            for await change in changes where change == .startingUp { break }
            try folder.letRecover()
            for await change in changes where change == .restarted { break }
            #expect(try await folder.psql("SELECT answer FROM kept") == "42")
            group.cancelAll()
        }
    }
}
