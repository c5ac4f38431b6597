import Foundation
import LibPQ
import Testing

extension FaultRun {
    /// Notes what each replica holds that takes requests, with the first load on it and before anything breaks.
    func noteFootprints() {
        for replica in live where replica.served != nil {
            noteFootprint(of: replica.number, replica.process.footprint)
        }
    }

    /// Checks that what broke left nothing behind: no connection, descriptor or lease, and no memory.
    func expectNothingLeft() async throws {
        let noted = footprints
        let descriptors = try #require(noted.values.map(\.descriptors).max(), "nothing was noted to compare with")
        let memory = try #require(noted.values.map(\.memory).max())
        for replica in live where replica.served != nil {
            let process = replica.process
            // One that was begun later is compared with those before it: they are all alike.
            let before = noted[replica.number] ?? Footprint(descriptors: descriptors, memory: memory)
            print("footprint of \(replica.number): \(before) became \(process.footprint)")
            try await until("replica \(replica.number) has closed what broke") {
                !process.footprint.hasMoreDescriptors(than: before)
            }
            let now = process.footprint
            #expect(!now.hasMoreMemory(than: before), "replica \(replica.number): \(before) became \(now)")
        }
        let count = live.count
        // Six connections each, as the settings say, and the one that listens is among them.
        try await until("backends are as many as the settings allow") { try await self.backends() <= count * 6 }
        for replica in live { try await stop(replica.number) }
        try await until("no backend is left") { try await self.backends() == 0 }
        try await until("no lease is held") {
            try await self.installation.count(
                """
                SELECT count(*) AS count
                FROM engine_leases
                WHERE holder IS NOT NULL
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
    var footprint: Footprint { Footprint(descriptors: descriptorCount, memory: memory) }

    /// Files and sockets it has open; 0 once it has ended.
    var descriptorCount: Int {
        // Ended: there is no such folder.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/fd").count) ?? 0
    }

    /// Resident memory in KiB; 0 once it has ended.
    var memory: Int { status("VmRSS:") }

    /// The most resident memory that it ever had, in KiB; 0 once it has ended.
    var peakMemory: Int { status("VmHWM:") }

    /// Source: proc(5), `status`.
    private func status(_ name: String) -> Int {
        // As above.
        let status = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
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
