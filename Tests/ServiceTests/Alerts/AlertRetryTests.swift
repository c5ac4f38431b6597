import Testing

@testable import Service

/// When what was not taken is tried again.
@Suite("Alerts: waits before retries")
struct AlertRetryTests {
    /// The wait in seconds after so many tries, where the first is 5 s.
    private func wait(after attempts: Int32) -> Int64 {
        AlertStatements.retryDelay(afterAttempts: attempts, first: .seconds(5)).components.seconds
    }

    @Test
    func `the wait before each try is twice as long as the one before, up to four hours`() {
        let waits = (1..<AlertStatements.tryLimit).map { wait(after: $0) }
        #expect(waits == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10_240, 14_400, 14_400])
    }

    @Test
    func `however many tries there were the wait is one of these`() {
        #expect(wait(after: 0) == 5)
        #expect(wait(after: 100) == 14_400)
        #expect(wait(after: .max) == 14_400)
    }
}
