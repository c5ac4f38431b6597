import Domain
import LibPQ
import Service
import Testing

/// Runs the service with one source for each story, its agents mapped, and a clock that can be put.
func withStories(
    _ stories: [SourceStory],
    _ body: @escaping @Sendable (RunningService, DatabaseClock) async throws -> Void
) async throws {
    let clock = DatabaseClock()
    try await withRunningService { setup in
        setup.sources = try stories.map { try $0.configured }
        setup.clock = clock
    } _: { service in
        for story in stories { try await story.prepare(service) }
        try await body(service, clock)
    }
}

/// Waits until every agent's state is what the ledger says; events whose time just came take a moment.
func expectVerified(_ service: RunningService, _ clock: DatabaseClock) async throws {
    let verifier = LedgerVerifier(pool: service.owner, policy: service.policy, clock: clock)
    var differences: [LedgerVerifier.Difference] = []
    try await service.until(within: .seconds(10)) {
        differences = []
        _ = try await verifier.run { differences.append($0) }
        return differences.isEmpty
    }
}

/// A generator of the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state = state &+ 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
