import Synchronization

/// How far a replica that is told to stop is with its accounts.
///
/// An account is drained once its last call is over and what came of it is written. Its lease is laid down then and not before, so
/// that nothing is lost; and not later, so that one account's slow call keeps nobody from the others.
final class AccountDrain: Sendable {
    /// How things stand.
    enum Phase: Sendable, Hashable {
        /// Nobody has asked for an end.
        case acting
        /// No account is taken any more. These are drained; the others have calls under way.
        case draining(drained: Set<Int32>)
        /// Every account is drained.
        case over
    }

    private struct State {
        var hasBegun = false
        var drained: Set<Int32> = []
    }

    private let accounts: Set<Int32>
    private let state = Mutex(State())

    init(of accounts: some Sequence<Int32>) {
        self.accounts = Set(accounts)
    }

    var phase: Phase {
        state.withLock { state in
            guard state.hasBegun else { return .acting }
            return state.drained.isSuperset(of: accounts) ? .over : .draining(drained: state.drained)
        }
    }

    /// The service is told to stop.
    func begin() {
        state.withLock { $0.hasBegun = true }
    }

    /// The last call of an account is over, and written.
    func drained(_ account: Int32) {
        state.withLock { _ = $0.drained.insert(account) }
    }
}
