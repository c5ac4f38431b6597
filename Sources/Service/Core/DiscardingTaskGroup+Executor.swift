extension DiscardingTaskGroup {
    /// Adds a task that prefers an executor; without one it runs where its parent prefers to.
    ///
    /// `addTask(executorPreference: nil)` should do the same, and does so in debug builds; optimized by Swift 6.3.1 it forgets what
    /// the parent prefers, and the task runs on the global executor.
    mutating func addTask(
        on executor: (any TaskExecutor)?,
        operation: sending @escaping @isolated(any) () async -> Void
    ) {
        if let executor {
            addTask(executorPreference: executor, operation: operation)
        } else {
            addTask(operation: operation)
        }
    }
}
