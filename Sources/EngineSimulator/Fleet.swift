import Domain
import Synchronization

/// The simulated engine: its world, and the clock that everything in it goes by.
final class Fleet: Sendable {
    let configuration: SimulatorConfiguration
    let clock: SimulatorClock
    private let world: Mutex<World>

    init(_ configuration: SimulatorConfiguration) {
        self.configuration = configuration
        let start = configuration.start ?? Timestamp(microseconds: RealTime.now.wall)
        clock = SimulatorClock(start: start, speed: configuration.speed)
        world = Mutex(World(configuration, now: start))
    }

    /// Reads or changes the world at one instant of its clock.
    func withWorld<Result: Sendable>(_ body: (inout World, Timestamp) throws -> Result) rethrows -> Result {
        try world.withLock { try body(&$0, clock.now) }
    }

    /// Makes everything as it was at the start, but for the clock.
    func reset() {
        let fresh = World(configuration, now: clock.now)
        world.withLock { $0 = fresh }
    }

    /// Serves one call up to the moment at which its answer leaves.
    ///
    /// - Throws: `CancellationError` when the server stops while the call waits.
    func serve(_ call: ContractCall, received: RealTime) async throws -> Outcome {
        let (number, before) = withWorld { world, now in
            let number = world.log.append(
                call.operation,
                instanceID: call.instanceID ?? "",
                caller: world.configuration.caller(call.token),
                received: received,
                simulated: now
            )
            return (number, world.delayBeforeEffect(of: call, now: now))
        }
        if before > .zero { try await clock.sleep(until: clock.now + before) }
        let outcome = withWorld { world, now in
            let outcome = world.serve(call, number: number, now: now)
            if outcome.delay == .zero { world.log.close(number, outcome.wire) }
            return outcome
        }
        guard outcome.delay > .zero else { return outcome }
        try await clock.sleep(until: clock.now + outcome.delay)
        withWorld { world, _ in world.log.close(number, outcome.wire) }
        return outcome
    }
}

extension CallLog {
    /// Notes what answer a call got, and when.
    mutating func close(_ number: Int, _ wire: Outcome.Wire) {
        update(number) { entry in
            switch wire {
            case .answer(let reply), .cut(let reply, _):
                entry.httpStatus = reply.status
                entry.answered = .now
            case .drop, .hang: break
            }
        }
    }
}
