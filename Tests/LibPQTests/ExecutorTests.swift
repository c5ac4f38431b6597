import Glibc
import LibPQ
import Testing

/// Tasks that run on the pool's own thread.
@Suite("PQPool.executor", .timeLimit(.minutes(5)))
struct ExecutorTests {
    @Test
    func `calls of a task on the pool's thread change no thread`() async throws {
        try await withPool(connections: 1) { pool in
            let threads = try await withTaskExecutorPreference(pool.executor) {
                try await pool.withTransaction { transaction in
                    var threads = [pthread_self()]
                    for _ in 0..<3 {
                        try await transaction.query("SELECT pg_sleep(0.001)")
                        threads.append(pthread_self())
                    }
                    return threads
                }
            }
            #expect(Set(threads).count == 1)
            #expect(threads[0] != pthread_self())
        }
    }

    @Test
    func `many tasks share the thread, and what they wait for comes`() async throws {
        try await withPool(connections: 3) { pool in
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<50 {
                    group.addTask(executorPreference: pool.executor) {
                        try await pool.value("SELECT \(number)::bigint AS value", as: Int.self)
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 1225)
        }
    }

    @Test
    func `a task cancelled on the pool's thread is told`() async throws {
        try await withPool(connections: 1) { pool in
            let task = Task(executorPreference: pool.executor) {
                try await pool.query("SELECT pg_sleep(60)")
            }
            try await pool.waitUntil("SELECT true AS value")
            task.cancel()
            let error = await #expect(throws: PQError.self) { try await task.value }
            #expect(error?.kind == .cancelled)
        }
    }

    @Test
    func `a task that outlives the pool goes on elsewhere`() async throws {
        let executor = try await withPool(connections: 1) { pool in
            _ = try await pool.value("SELECT 1 AS value", as: Int.self)
            return pool.executor
        }
        let answer = await withTaskExecutorPreference(executor) {
            await Task.yield()
            return 42
        }
        #expect(answer == 42)
    }
}
