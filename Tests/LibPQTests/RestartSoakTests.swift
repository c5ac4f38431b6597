import Foundation
import LibPQ
import Synchronization
import TestSupport
import Testing

/// A database that restarts again and again: nothing may be left of any of the connections it ended.
///
/// Ten restarts with the other tests; `scripts/soak` makes it a thousand.
@Suite("Restart soak", .timeLimit(.minutes(120)))
struct RestartSoakTests {
    private static let restarts =
        ProcessInfo.processInfo.environment["ROLLCALL_SOAK_RESTARTS"].flatMap { Int($0) } ?? 10
    /// Growth of this process in KiB that is no leak: caches of the allocator.
    ///
    /// In a run of its own, of a thousand restarts or more, little; beside other tests of this process they grow, too.
    private static let memorySlack = restarts >= 1000 ? 4_096 : 24_576

    @Test
    func `restarts of the database leave no descriptor, thread, backend or memory behind`() async throws {
        let cluster = try await ThrowawayCluster.start()
        var configuration = PQConfiguration(connectionString: cluster.connectionString, maxConnections: 6)
        configuration.acquireTimeout = .milliseconds(700)
        configuration.applicationName = "soak"
        let listening = configuration
        try await withPool(configuration: configuration) { pool in
            let listener = PQListener(listening, logger: silent)
            let progress = Progress()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await event in listener.listen(to: ["soak"]) {
                        if case .reset = event { progress.resets.add(1, ordering: .relaxed) }
                    }
                }
                for _ in 0..<8 {
                    group.addTask {
                        while !progress.isOver.load(ordering: .relaxed) { await Self.work(pool) }
                    }
                }
                // What the first ones leave is what there is: threads of the resolver, caches.
                try await restart(cluster, pool, progress, times: min(5, Self.restarts))
                let before = Footprint()
                try await restart(cluster, pool, progress, times: Self.restarts - 5)
                let after = Footprint()
                progress.isOver.store(true, ordering: .relaxed)
                await listener.shutdown()
                try await group.waitForAll()
                print("after \(Self.restarts) restarts: \(before) became \(after)")
                #expect(after.descriptors <= before.descriptors + 4)
                #expect(after.threads <= before.threads + 8)
                #expect(after.memory <= before.memory + Self.memorySlack)
            }
            #expect(pool.statistics.open <= 6)
            #expect(pool.statistics.waiters == 0)
        }
        // A backend ends a moment after its connection; one that stays is ended by the test's time limit.
        while try await cluster.backendCount("postgres", application: "soak") > 0 {}
    }

    private final class Progress: Sendable {
        /// How often the listener was told that it may have missed something.
        let resets = Atomic(0)
        let isOver = Atomic(false)
    }

    private func restart(
        _ cluster: ThrowawayCluster,
        _ pool: PQPool,
        _ progress: Progress,
        times: Int
    ) async throws {
        for number in 0..<max(0, times) {
            let before = progress.resets.load(ordering: .relaxed)
            try await cluster.restart(mode: number % 2 == 0 ? .fast : .immediate)
            // Both find the new server: the pool, and the listener.
            while (try? await pool.value("SELECT true AS value", as: Bool.self)) != true {}
            while progress.resets.load(ordering: .relaxed) == before {
                _ = try? await pool.query("SELECT pg_sleep(0.01)")
            }
        }
    }

    /// A call of each kind; whatever becomes of it, it ends.
    private static func work(_ pool: PQPool) async {
        _ = try? await pool.query("SELECT pg_sleep(0.005)", timeout: .seconds(2))
        _ = try? await pool.withTransaction { transaction in
            try await transaction.query("SELECT 1")
            try await transaction.run(["SELECT pg_sleep(0.002)"], commit: true, timeout: .seconds(2))
        }
    }

    /// What this process holds.
    private struct Footprint: CustomStringConvertible {
        /// All but the sockets of other tests' making, which are none in a run of this one alone.
        var descriptors = (try? OpenSockets.descriptors().count) ?? 0
        var threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? 0
        /// Resident memory in KiB.
        var memory = Self.resident()

        var description: String { "\(descriptors) descriptors, \(threads) threads, \(memory) KiB" }

        private static func resident() -> Int {
            let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
            let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
        }
    }
}
