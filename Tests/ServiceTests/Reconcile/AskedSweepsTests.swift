import Synchronization
import Testing

@testable import Service

/// What becomes of sweeps whose askers have left.
@Suite("AskedSweeps", .timeLimit(.minutes(1)))
struct AskedSweepsTests {
    /// Sweeps that last until they are let go or broken off.
    private final class Bodies: Sendable {
        private let counts = Mutex((begun: 0, whole: 0, broken: 0, isFree: false))

        var begun: Int { counts.withLock { $0.begun } }
        var whole: Int { counts.withLock { $0.whole } }
        var broken: Int { counts.withLock { $0.broken } }

        @Sendable
        func body(_ run: SweepRun) async {
            counts.withLock { $0.begun += 1 }
            while !counts.withLock(\.isFree), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(2)) }
            let isBroken = Task.isCancelled
            counts.withLock {
                if isBroken { $0.broken += 1 } else { $0.whole += 1 }
            }
            if !isBroken { run.allExpected() }
        }

        func letGo() {
            counts.withLock { $0.isFree = true }
        }

        func until(_ isSo: (Bodies) -> Bool) async throws {
            while !isSo(self) { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    @Test
    func `one that nobody waits for any more goes on to its end`() async throws {
        let (sweeps, bodies) = (AskedSweeps(clock: DatabaseClock()), Bodies())
        let run = await sweeps.sweep(1, wait: .zero, bodies.body)
        #expect(!run.isOver)
        bodies.letGo()
        try await bodies.until { $0.whole == 1 }
        try await bodies.until { _ in run.isOver }
        #expect(bodies.begun == 1 && bodies.broken == 0)
    }

    @Test
    func `however many were asked for and left, one goes on and one whole one follows`() async throws {
        let (sweeps, bodies) = (AskedSweeps(clock: DatabaseClock()), Bodies())
        for _ in 1...5 { _ = await sweeps.sweep(1, wait: .zero, bodies.body) }
        try await bodies.until { $0.broken == 4 }
        #expect(bodies.begun == 5)
        bodies.letGo()
        try await bodies.until { $0.whole == 2 }
        #expect(bodies.begun == 6)
    }

    @Test
    func `those of other accounts go on beside each other`() async throws {
        let (sweeps, bodies) = (AskedSweeps(clock: DatabaseClock()), Bodies())
        for account in [Int32(1), 2, 3] { _ = await sweeps.sweep(account, wait: .zero, bodies.body) }
        bodies.letGo()
        try await bodies.until { $0.whole == 3 }
        #expect(bodies.broken == 0)
    }

    @Test
    func `a stop breaks them off, and none begins after it`() async throws {
        let (sweeps, bodies) = (AskedSweeps(clock: DatabaseClock()), Bodies())
        for _ in 1...3 { _ = await sweeps.sweep(1, wait: .zero, bodies.body) }
        await sweeps.close()
        let (begun, broken) = (bodies.begun, bodies.broken)
        #expect(begun == broken && bodies.whole == 0)
        let run = await sweeps.sweep(1, wait: .seconds(30), bodies.body)
        #expect(!run.isOver && bodies.begun == begun)
    }
}
