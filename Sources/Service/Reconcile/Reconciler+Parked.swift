import Domain
import LibPQ
import Logging

/// Clock events of the future whose time has come.
extension Reconciler {
    /// Folds agents again whose parked events have come due, as beats name them, until the task is cancelled.
    ///
    /// Apart from the beat, since it may wait for the map and reads whole ledgers. What a list leaves undone is in the next.
    func unpark(_ lists: AsyncStream<[Int64]>) async {
        var portion = UnparkPortion()
        for await agents in lists {
            var rest = agents[...]
            while !rest.isEmpty, !Task.isCancelled {
                let some = Array(rest.prefix(portion.size))
                do {
                    ring(try await unpark(some))
                    portion.done()
                    rest = rest.dropFirst(some.count)
                } catch {
                    logger.warning(
                        "parked events not taken in yet",
                        metadata: [LogKeys.count: "\(some.count)", LogKeys.error: "\(error)"]
                    )
                    guard let error = error as? PQError, error.kind == .timedOut || error.kind == .commitUnknown else {
                        break
                    }
                    // One that takes too long alone keeps the others waiting no longer.
                    if some.count == 1 { rest = rest.dropFirst() }
                    portion.tookTooLong()
                }
            }
        }
    }

    private func unpark(_ agents: [Int64]) async throws -> [Wake] {
        let wakes = try await dependencies.store.unpark(
            agents,
            policy: dependencies.policy,
            clock: dependencies.clock
        )
        dependencies.crashPoints.reach(.unparkFolded)
        return wakes
    }
}
