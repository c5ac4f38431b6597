import ServiceLifecycle

/// Work that simply ends when the service is told to stop.
enum BackgroundTasks {
    /// Runs `body`, and cancels it once the service is told to stop.
    static func untilShutdown(_ body: @escaping @Sendable () async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await body() }
            group.addTask { try? await gracefulShutdown() }  // Cancelled: `body` ended by itself.
            await group.next()
            group.cancelAll()
        }
    }
}
