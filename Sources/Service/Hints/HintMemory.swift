import DequeModule
import Domain

/// Which hints came already, and when the newest about each session happened; the oldest are forgotten.
///
/// What is forgotten costs a look too many.
struct HintMemory: Sendable {
    /// Hints and sessions that are remembered.
    static let limit = 4096

    private var seen: Set<SessionHint> = []
    private var order: Deque<SessionHint> = []
    private var newest: [Int64: Timestamp] = [:]
    private var instances: Deque<Int64> = []

    /// Notes a hint.
    ///
    /// - Returns: whether it is the first of its identity.
    mutating func isFirst(_ hint: SessionHint) -> Bool {
        guard seen.insert(hint.identity).inserted else { return false }
        order.append(hint.identity)
        if order.count > Self.limit { seen.remove(order.removeFirst()) }
        return true
    }

    /// When the newest hint about a session happened.
    func newest(of instance: Int64) -> Timestamp? { newest[instance] }

    mutating func note(_ hint: SessionHint, of instance: Int64) {
        guard let at = hint.at else { return }
        if let known = newest[instance] {
            newest[instance] = max(known, at)
            return
        }
        newest[instance] = at
        instances.append(instance)
        if instances.count > Self.limit { newest[instances.removeFirst()] = nil }
    }
}
