import Domain

/// Notices that an engine answers looks and that none of its answers proves anything of a session: as where the URL or the place
/// of the token is wrong, a plan is over, or a firewall answers in the engine's stead.
///
/// That is so once ``limit`` looks were answered so since the last proof, the first of them a fixed while ago. One session that
/// is answered so beside others is that session's own trouble: where others are read, that is a proof, and where looks at others
/// have no answer or fail, that is an outage.
///
/// Pure.
struct RefusedReads: Sendable, Hashable {
    /// So many such answers at the least.
    static let limit = 3
    /// So many different sessions are remembered; one more tells nothing new.
    private static let memory = 2

    /// When the first such answer since the last proof came.
    private var since: Timestamp?
    private var count = 0
    /// Sessions that were answered so since the last proof.
    private var refused: Set<Int64> = []
    /// Sessions whose looks had no answer or failed since the last proof.
    private var failed: Set<Int64> = []

    /// Takes in how a look ended.
    ///
    /// `patience`: for how long it has to be so.
    /// - Returns: whether it is so by now, which only another such answer says.
    mutating func take(_ verdict: EngineVerdict, of instance: Int64, at now: Timestamp, patience: Duration) -> Bool {
        switch verdict {
        case .ok, .missing:
            self = RefusedReads()
            return false
        case .already, .verify, .errorBody, .permanent:
            let since = since ?? now
            self.since = since
            count += 1
            Self.remember(instance, in: &refused)
            let isOfOneAmongMany = refused.count == 1 && !failed.isSubset(of: refused)
            return count >= Self.limit && now - since >= patience && !isOfOneAmongMany
        case .transient, .unreachable, .ambiguous:
            Self.remember(instance, in: &failed)
            return false
        // Of a refused credential an incident of its own tells.
        case .auth, .notSent:
            return false
        }
    }

    private static func remember(_ instance: Int64, in sessions: inout Set<Int64>) {
        if sessions.count < memory { sessions.insert(instance) }
    }
}
