import Domain
import LibPQ
import Synchronization
import Testing

@testable import Service

/// What time it is by the database's clock, from measurements of any quality.
@Suite("DatabaseClock")
struct DatabaseClockTests {
    @Test
    func `a measurement that took long does not move a clock that it cannot prove wrong`() {
        let clock = DatabaseClock()
        clock.measured(Timestamp(microseconds: 1_000_500), between: 0, and: 1000)
        #expect(clock.now(at: 0).microseconds == 1_000_000)
        // The answer came late, as after a connection had to be made: its middle is not when the database looked.
        clock.measured(Timestamp(microseconds: 1_149_000), between: 99_000, and: 150_000)
        #expect(clock.now(at: 0).microseconds == 1_000_000)
        // A quick one that says more than is known.
        clock.measured(Timestamp(microseconds: 1_200_150), between: 200_000, and: 200_200)
        #expect(clock.now(at: 0).microseconds == 1_000_050)
        // One that only agrees.
        clock.measured(Timestamp(microseconds: 1_300_200), between: 300_000, and: 300_800)
        #expect(clock.now(at: 0).microseconds == 1_000_050)
    }

    @Test
    func `who stood still while asking for the first time asks once more, and only a few times`()
        async throws
    {
        let hand = HandClock()
        let clock = DatabaseClock(process: hand)
        let asked = Mutex(0)
        try await clock.measure { () async throws(PQError) in
            let number = asked.withLock { count in
                count += 1
                return count
            }
            // The first answer lay around for twenty seconds.
            let there = hand.monotonic() + 500
            hand.pass(number == 1 ? .seconds(20) : .milliseconds(1))
            return Timestamp(microseconds: 1_000_000 + there)
        }
        #expect(asked.withLock { $0 } == 2)
        #expect(clock.now(at: 0).microseconds == 1_000_000)
        let far = DatabaseClock(process: hand)
        try await far.measure { () async throws(PQError) in
            asked.withLock { $0 += 1 }
            hand.pass(.milliseconds(400))
            return Timestamp(microseconds: 0)
        }
        #expect(asked.withLock { $0 } == 7, "a database that is far away is asked five times")
    }

    @Test
    func `a clock that is proved wrong is put right, however long that took`() {
        let clock = DatabaseClock()
        clock.measured(Timestamp(microseconds: 1_000_050), between: 0, and: 100)
        // As after a failover to a machine whose clock is ahead.
        clock.measured(Timestamp(microseconds: 3_150_000), between: 100_000, and: 200_000)
        #expect(clock.now(at: 0).microseconds == 2_950_000)
        // What is known well again counts again.
        clock.measured(Timestamp(microseconds: 3_310_050), between: 300_000, and: 300_100)
        #expect(clock.now(at: 0).microseconds == 3_010_000)
    }

    @Test
    func `an answer that lay around while the process stood still moves the clock no further than it has to`() {
        let clock = DatabaseClock()
        clock.measured(Timestamp(microseconds: 1_000_050), between: 0, and: 100)
        // The clocks drifted apart by 3 ms, and the process stood still for 20 s before it read the answer.
        clock.measured(Timestamp(microseconds: 11_003_000), between: 10_000_000, and: 30_000_000)
        #expect(clock.now(at: 0).microseconds == 1_000_000)
        clock.measured(Timestamp(microseconds: 40_997_000), between: 40_000_000, and: 60_000_000)
        #expect(clock.now(at: 0).microseconds == 997_000)
        clock.measured(Timestamp(microseconds: 61_000_050), between: 60_000_000, and: 60_000_100)
        #expect(clock.now(at: 0).microseconds == 1_000_000)
    }

    @Test
    func `of two answers that lay around the shorter one does not count as the better one`() {
        let clock = DatabaseClock()
        clock.measured(Timestamp(microseconds: 1_000_050), between: 0, and: 100)
        // The process stood still for 15 s, ran for a moment and stood still for 7 s more; the clocks drifted apart by 1 ms.
        clock.measured(Timestamp(microseconds: 11_000_000), between: 10_001_000, and: 25_000_000)
        clock.measured(Timestamp(microseconds: 26_000_000), between: 25_001_000, and: 32_000_000)
        #expect(abs(clock.now(at: 0).microseconds - 1_000_000) <= 2000)
    }

    @Test
    func `a measurement that was long on its way does not replace a good one`() {
        let hand = HandClock()
        let clock = DatabaseClock(process: hand)
        clock.measured(Timestamp(seconds: 1000), between: 0, and: 2000)
        let before = clock.now() - Timestamp(microseconds: hand.monotonic())
        // The process stood still for 20 s between the question and the answer.
        hand.pass(.seconds(20))
        clock.measured(Timestamp(seconds: 1001), between: 0, and: hand.monotonic())
        #expect(clock.now() - Timestamp(microseconds: hand.monotonic()) == before)
    }
}

/// A clock that is moved by hand.
final class HandClock: ProcessClock {
    private let now = Mutex<Int64>(0)

    func pass(_ duration: Duration) { now.withLock { $0 += duration.microseconds } }
    func monotonic() -> Int64 { now.withLock { $0 } }
    func sleep(until instant: Int64) async throws {}
}
