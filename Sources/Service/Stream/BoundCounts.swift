import NIOCore
import Synchronization

/// The latest counts as they are sent to who is bound to teams: rendered once for each set of teams.
final class BoundCounts: Sendable {
    private struct State {
        /// The event that they are of.
        var sequence: UInt64 = 0
        var frames: [Set<String>: ByteBuffer] = [:]
    }

    private let state = Mutex(State())

    /// Sets of teams that are remembered; of another one each watcher renders for itself.
    static let limit = 64

    /// The event with a sequence as it is sent to who is bound to teams; `render` says how, where nobody did before.
    func frame(_ sequence: UInt64, of teams: Set<String>, render: () -> ByteBuffer) -> ByteBuffer {
        let known = state.withLock { $0.sequence == sequence ? $0.frames[teams] : nil }
        if let known { return known }
        // Outside the lock: who is bound to other teams does not wait for it.
        let frame = render()
        state.withLock { state in
            // Who lags behind takes nothing from the others.
            guard state.sequence <= sequence else { return }
            if state.sequence < sequence {
                state.sequence = sequence
                state.frames = [:]
            }
            if state.frames.count < Self.limit { state.frames[teams] = frame }
        }
        return frame
    }
}
