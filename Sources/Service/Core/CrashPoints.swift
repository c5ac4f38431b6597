import Glibc

/// Places where the process ends itself when asked to, for tests of what a crash there leaves behind.
///
/// `ROLLCALL_CRASH_AT` names one; without it every point is a comparison with `nil`.
package struct CrashPoints: Sendable {
    /// The labelled places.
    package enum Point: String, Sendable, CaseIterable {
        /// An event, its agent's state and the intent are committed; the command has not left.
        case beforeEngineCall = "before-engine-call"
        /// The engine has answered; nothing of it is recorded.
        case afterEngineCall = "after-engine-call"
        /// A batch is committed; no sender has its receipt.
        case beforeReceipt = "before-receipt"
    }

    private let chosen: Point?

    package init(at chosen: Point? = nil) {
        self.chosen = chosen
    }

    /// Ends the process as `kill -9` would, if this is the chosen point.
    func reach(_ point: Point) {
        guard point == chosen else { return }
        kill(getpid(), SIGKILL)
    }
}
