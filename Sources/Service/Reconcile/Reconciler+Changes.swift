import Synchronization

/// Who is told whose rows changed.
///
/// A class, because a closure that is read out of a `Mutex` is wrapped once more each time, without end: measured with
/// Swift 6.3.1, also inside a struct.
final class ChangeWatcher: Sendable {
    let tell: @Sendable (ChangeNews) -> Void

    init(_ tell: @escaping @Sendable (ChangeNews) -> Void) {
        self.tell = tell
    }
}

/// What is said of commits.
extension Reconciler {
    /// Tells `watcher` of agents and instances whose rows changed, right after each commit, this replica's or another's.
    ///
    /// Set once, before ``run()``.
    func watch(_ watcher: @escaping @Sendable (ChangeNews) -> Void) {
        self.watcher.withLock { $0 = ChangeWatcher(watcher) }
    }

    /// Says, to this replica's watcher and to other replicas, that a commit may have something else shown of these now.
    func notice(agents: [Int64] = [], instances: [Int64]) {
        show(.some(agents: agents, instances: instances))
        dependencies.channel.changes.tell(agents: agents, instances: instances)
    }

    package func notice(agents: [Int64]) {
        if !agents.isEmpty { notice(agents: agents, instances: []) }
    }

    /// The same of what passes wrote; other replicas hear only of what is stored otherwise than before.
    func notice(passes plans: [Plan]) {
        show(.some(agents: [], instances: plans.map(\.subject.instance)))
        let changed = plans.filter(\.changesObserved).map(\.subject.instance)
        dependencies.channel.changes.tell(agents: [], instances: changed)
    }

    /// Says to this replica's watcher alone that something else may be shown.
    func show(_ news: ChangeNews) {
        watcher.withLock { $0 }?.tell(news)
    }
}
