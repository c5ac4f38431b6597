import LibPQ

/// The advisory locks that transactions wait for, and that end with them.
///
/// All their numbers are here but three: migrations hold (7265, 0), retention's functions only try (7265, 2) (migration 0007), and
/// records have one each under 7266 (``LedgerStatements/lockRecords(_:)``). ARCHITECTURE.md has their order.
enum AdvisoryLocks {
    /// Keeps the map of agents to ourselves until the transaction ends.
    static let map: PQStatement = "SELECT pg_advisory_xact_lock(7265, 1)"

    /// Keeps the map of agents still until the transaction ends: who changes it holds the lock alone.
    ///
    /// A statement of its own, so that what follows sees every change that was waited for.
    static let mapShared: PQStatement = "SELECT pg_advisory_xact_lock_shared(7265, 1)"

    /// Lets one change be judged at a time, so that two cannot both just fit; taken after the map and the agents.
    static let guarded: PQStatement = "SELECT pg_advisory_xact_lock(7265, 3)"

    /// Makes replicas take turns that would make the first admin key.
    static let firstAdmin: PQStatement = "SELECT pg_advisory_xact_lock(7265, 4)"
}
