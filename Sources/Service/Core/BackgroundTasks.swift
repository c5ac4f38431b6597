import ServiceLifecycle

/// Work that simply ends when the service is told to stop.
enum BackgroundTasks {
    /// Runs `body`, and cancels it once the service is told to stop.
    static func untilShutdown(_ body: @escaping @Sendable () async -> Void) async {
        await run(body) { try? await gracefulShutdown() }  // Cancelled: `body` ended by itself.
    }

    /// Runs `body` to its end whether or not the caller is cancelled, as whoever shuts down is: the pool runs nothing for them, and
    /// what they claimed or did has to be written all the same.
    static func toTheEnd<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await Task { try await body() }.value
    }

    /// Runs `body`, and cancels it once `end` returns.
    static func run(
        _ body: @escaping @Sendable () async -> Void,
        until end: @escaping @Sendable () async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await body() }
            group.addTask { await end() }
            await group.next()
            group.cancelAll()
        }
    }
}
