import Domain
import Synchronization

/// The simulator's time: the real one, faster, or standing still until somebody moves it.
///
/// Everything a session does (booting, stopping, a QR's life) is measured on it, so a day passes in a
/// minute or, in a test, in no time at all.
final class SimulatorClock: Sendable {
    private struct State {
        /// The real instant at which the simulated one was `simulated`.
        var anchor: ContinuousClock.Instant
        var simulated: Timestamp
        var speed: Double
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - start: the simulated instant it begins with.
    ///   - speed: simulated seconds per real one; 0 stands still.
    init(start: Timestamp, speed: Double) {
        state = Mutex(State(anchor: .now, simulated: start, speed: max(speed, 0)))
    }

    /// The simulated instant; never goes back.
    var now: Timestamp { state.withLock { Self.read($0, at: .now) } }

    var speed: Double { state.withLock { $0.speed } }

    /// Moves time forward at once; a negative duration does nothing.
    func advance(by duration: Duration) {
        state.withLock { $0.simulated = $0.simulated + max(duration, .zero) }
    }

    /// Lets time pass faster or slower from now on; 0 stops it.
    func setSpeed(_ speed: Double) {
        state.withLock { state in
            let real = ContinuousClock.now
            state.simulated = Self.read(state, at: real)
            state.anchor = real
            state.speed = max(speed, 0)
        }
    }

    /// Waits until the simulated instant has come, also when time stands still and is moved by hand.
    ///
    /// - Parameters:
    ///   - instant: when to wake up, simulated.
    ///   - nap: how often to look at the clock meanwhile, real. It may be moved at any moment.
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(until instant: Timestamp, nap: Duration = .milliseconds(5)) async throws {
        while true {
            let left = instant - now
            guard left > .zero else { return }
            let speed = speed
            let real = speed > 0 ? left / speed : nap
            try await Task.sleep(for: max(.microseconds(1), min(real, nap)))
        }
    }

    private static func read(_ state: State, at real: ContinuousClock.Instant) -> Timestamp {
        let passed = real - state.anchor
        return state.simulated + (state.speed == 1 ? passed : passed * state.speed)
    }
}
