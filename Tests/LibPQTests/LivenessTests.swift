import Foundation
import Glibc
import LibPQ
import TestSupport
import Testing

/// No call keeps a thread of Swift's waiting, and no dead server keeps a call waiting.
@Suite("Liveness", .timeLimit(.minutes(5)))
struct LivenessTests {
    /// Far more calls than Swift has threads for tasks, which are as many as processors, and fewer than the server takes.
    private static let calls = min(64, 4 * ProcessInfo.processInfo.activeProcessorCount)
    /// On a larger machine the calls could not take every thread.
    private static let isSmallMachine = ProcessInfo.processInfo.activeProcessorCount <= 16
    /// How long each call takes, and far longer than a thread that is free lets a task wait for its turn.
    private static let length = Duration.seconds(2)

    @Test(.enabled(if: isSmallMachine))
    func `queries that take long keep no other task from its turn`() async throws {
        try await withPool(connections: Self.calls + 1) { pool in
            let standstill = try await Self.longestStandstill {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<Self.calls {
                        group.addTask { _ = try await pool.query("SELECT pg_sleep(2)") }
                    }
                    // All at once: otherwise nothing would be proved.
                    try await pool.waitUntil(
                        """
                        SELECT count(*) = \(Self.calls) AS value
                        FROM pg_stat_activity
                        WHERE datname = current_database() AND query = 'SELECT pg_sleep(2)' AND wait_event = 'PgSleep'
                        """
                    )
                    try await group.waitForAll()
                }
            }
            #expect(standstill < Self.length)
        }
    }

    @Test(.enabled(if: isSmallMachine))
    func `connecting to a server that never answers keeps no other task from its turn`() async throws {
        let listener = try LoopbackPort.listener()
        defer { SocketCloser.close(listener) }
        var configuration = PQConfiguration(
            connectionString: "host=127.0.0.1 port=\(try LoopbackPort.number(of: listener))",
            maxConnections: Self.calls
        )
        configuration.connectTimeout = Self.length
        configuration.acquireTimeout = Self.length
        try await withPool(configuration: configuration) { pool in
            var connecting = 0
            let standstill = try await Self.longestStandstill {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<Self.calls {
                        group.addTask {
                            let error = await #expect(throws: PQError.self) { try await pool.query("SELECT 1") }
                            #expect(error?.isTransient == true)
                        }
                    }
                    await until { pool.statistics.connecting > 0 }
                    connecting = pool.statistics.connecting
                    try await group.waitForAll()
                }
            }
            #expect(connecting > 0)
            #expect(standstill < Self.length)
        }
    }

    @Test(.enabled(if: isSmallMachine))
    func `cancel requests that nobody takes keep no other task from its turn`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        let proxy = try TCPProxy(to: cluster.port)
        defer { proxy.close() }
        let count = 16
        var configuration = PQConfiguration(
            connectionString: cluster.tcpConnectionString(port: proxy.port),
            maxConnections: count
        )
        configuration.cancelGrace = Self.length
        // A slow machine may open them one after another.
        configuration.acquireTimeout = .seconds(120)
        configuration.connectTimeout = .seconds(120)
        configuration.callTimeout = nil
        try await withPool(configuration: configuration) { pool in
            let queries = Self.tasks(count) {
                let error = await #expect(throws: PQError.self) { try await pool.query("SELECT pg_sleep(120)") }
                #expect(error?.kind == .cancelled)
            }
            await until { pool.statistics.busy == count }
            proxy.setForwarding(false)
            async let ofThread = Self.longestStandstillOfAThread(during: Self.length + Self.length)
            let ofTask = try await Self.longestStandstill {
                for query in queries { query.cancel() }
                for query in queries { await query.value }
            }
            #expect(proxy.acceptedCount == 2 * count, "not every request was begun")
            proxy.cut()
            // Whatever else the machine does keeps both from their turns.
            let standstill = await ofThread
            #expect(ofTask < standstill + Self.length / 4, "a thread of its own stood still for \(standstill)")
        }
    }

    @Test
    func `the kernel asks a silent server whether it is there, and gives one up that takes no bytes`() async throws {
        let cluster = try await ThrowawayCluster.shared()
        // Through a port of its own, so that the sockets are this test's.
        let proxy = try TCPProxy(to: cluster.port)
        defer { proxy.close() }
        var configuration = PQConfiguration(connectionString: cluster.tcpConnectionString(port: proxy.port))
        configuration.keepaliveIdle = .seconds(7)
        configuration.keepaliveInterval = .seconds(3)
        configuration.keepaliveCount = 4
        configuration.tcpUserTimeout = .seconds(9)
        try await withPool(configuration: configuration) { pool in
            _ = try await pool.query("SELECT 1")
            let sockets = try OpenSockets.numbers(toPort: proxy.port)
            #expect(sockets.count == 1)
            for socket in sockets {
                let tcp = Int32(IPPROTO_TCP)
                #expect(OpenSockets.option(SO_KEEPALIVE, of: SOL_SOCKET, socket) == 1)
                #expect(OpenSockets.option(TCP_KEEPIDLE, of: tcp, socket) == 7)
                #expect(OpenSockets.option(TCP_KEEPINTVL, of: tcp, socket) == 3)
                #expect(OpenSockets.option(TCP_KEEPCNT, of: tcp, socket) == 4)
                #expect(OpenSockets.option(TCP_USER_TIMEOUT, of: tcp, socket) == 9000)
            }
        }
    }

    /// So many tasks, begun at once.
    private static func tasks(_ count: Int, _ body: @escaping @Sendable () async -> Void) -> [Task<Void, Never>] {
        (0..<count).map { _ in Task { await body() } }
    }

    /// The longest that a thread which nothing shares waited for its turn.
    private static func longestStandstillOfAThread(during length: Duration) async -> Duration {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let end = ContinuousClock.now + length
                var longest = Duration.zero
                var last = ContinuousClock.now
                while last < end {
                    Thread.sleep(forTimeInterval: 0.005)
                    longest = max(longest, ContinuousClock.now - last)
                    last = .now
                }
                continuation.resume(returning: longest)
            }
        }
    }

    /// The longest that a task on Swift's own threads waited for its turn while the body ran.
    private static func longestStandstill(during body: () async throws -> Void) async throws -> Duration {
        try await withThrowingTaskGroup(of: Duration.self) { group in
            group.addTask {
                var longest = Duration.zero
                var last = ContinuousClock.now
                while !Task.isCancelled {
                    try? await Task.sleep(for: .milliseconds(5))  // Cancelled: the loop ends.
                    let now = ContinuousClock.now
                    longest = max(longest, now - last)
                    last = now
                }
                return longest
            }
            try await body()
            group.cancelAll()
            return try #require(try await group.next())
        }
    }
}
