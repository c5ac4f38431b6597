import Foundation
import LibPQ
import Testing

extension FaultRun {
    /// Descriptors that a replica may hold besides those of its start: connections to the engine that stay open.
    private static let descriptorSlack = 60
    /// Memory of one replica in KiB; a debug build takes about a third of it.
    private static let memoryLimit = 400_000

    /// Checks that what broke left nothing behind: no connection, descriptor or lease, and no memory.
    func expectNothingLeft() async throws {
        for replica in live where replica.served != nil {
            let process = replica.process
            try await until("replica \(replica.number) has closed what broke") {
                process.descriptorCount <= 100 + Self.descriptorSlack
            }
            #expect(process.memory < Self.memoryLimit, "replica \(replica.number): \(process.memory) KiB")
        }
        let count = live.count
        // Six connections each, as the settings say, and the one that listens is among them.
        try await until("backends are as many as the settings allow") { try await self.backends() <= count * 6 }
        for replica in live { try await stop(replica.number) }
        try await until("no backend is left") { try await self.backends() == 0 }
        try await until("no lease is held by anybody alive") {
            try await self.installation.count(
                """
                SELECT count(*) AS count
                FROM engine_leases l
                JOIN replicas r ON r.replica = l.holder AND r.expires_at > now()
                """
            ) == 0
        }
    }

    private func backends() async throws -> Int {
        Int(
            try await installation.count(
                """
                SELECT count(*) AS count
                FROM pg_stat_activity
                WHERE datname = current_database() AND application_name LIKE 'rollcall%'
                """
            )
        )
    }
}

extension RollcallProcess {
    /// Files and sockets it has open; 0 once it has ended.
    var descriptorCount: Int {
        // Ended: there is no such folder.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/fd").count) ?? 0
    }

    /// Resident memory in KiB; 0 once it has ended.
    var memory: Int {
        // As above.
        let status = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
    }

    /// Whether a signal stopped it and none has let it go on yet.
    ///
    /// Source: proc(5), the third field of `stat`, after a name in parentheses.
    var standsStill: Bool {
        // As above.
        let line = (try? String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)) ?? ""
        return line.split(separator: ")").last?.hasPrefix(" T") ?? false
    }

    /// Threads it has; 0 once it has ended.
    var threadCount: Int {
        // As above.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/task").count) ?? 0
    }
}
