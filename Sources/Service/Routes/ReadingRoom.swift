import ClockSources
import NIOCore
import NIOPosix
import Synchronization

/// Where large deliveries are read: apart from the event loops, so that nobody waits for one who shares its loop.
///
/// A body of 1 MiB can cost a tenth of a second. A few are read at a time, some more wait, and whoever finds no place, or
/// is not read in time, is told to come again.
package final class ReadingRoom: Sendable {
    /// A body of so many bytes is read where it arrived; that takes a few milliseconds at most.
    static let smallBody = 65_536
    /// Deliveries that are read or wait at a time; with what a body may hold it bounds the memory.
    static let placeLimit = 16

    /// Half the cores stay free for all else.
    ///
    /// Never stopped: it belongs to the process.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: max(1, System.coreCount / 2))
        threads.start()
        return threads
    }()

    private let taken = Mutex(0)

    package init() {}

    /// Proves and reads a delivery, beside the loop when it is large.
    ///
    /// - Parameters:
    ///   - delivery: as it came.
    ///   - desk: its source's.
    ///   - deadline: when whoever sent it is answered at the latest. A small one is read whatever the time.
    ///   - eventLoop: wakes up at the deadline.
    /// - Returns: what its sender said, or what it is answered instead.
    /// - Throws: `overloaded` when there is no place, or when it could not be read in time.
    func read(
        _ delivery: Delivery,
        _ desk: SourceDesk,
        by deadline: ContinuousClock.Instant,
        on eventLoop: any EventLoop
    ) async throws(Problem) -> Result<SourceDesk.Reading, SourceRefusal> {
        let work = { @Sendable () -> Result<SourceDesk.Reading, SourceRefusal> in
            Result { () throws(SourceRefusal) in try desk.read(delivery) }
        }
        guard delivery.body.count > Self.smallBody else { return work() }
        guard let reading = await run(by: deadline, on: eventLoop, work) else {
            throw Problem(.overloaded, retryAfter: 1)
        }
        return reading
    }

    /// Does a piece of work on a thread of the room.
    ///
    /// - Returns: `nil` when there was no place for it, or it was not done by the deadline. Work that has begun goes on to
    ///   its end and keeps its place until then; what still waits is not begun.
    func run<Value: Sendable>(
        by deadline: ContinuousClock.Instant,
        on eventLoop: any EventLoop,
        _ work: @escaping @Sendable () -> Value
    ) async -> Value? {
        let hasPlace = taken.withLock { taken in
            guard taken < Self.placeLimit else { return false }
            taken += 1
            return true
        }
        guard hasPlace else { return nil }
        let answer = OneShot<Value?>()
        let alarm = eventLoop.scheduleTask(in: TimeAmount(deadline - .now)) { answer.give(nil) }
        defer { alarm.cancel() }
        Self.threads.submit { state in
            let isInTime = state == .active && ContinuousClock.now < deadline
            answer.give(isInTime ? work() : nil)
            self.taken.withLock { $0 -= 1 }
        }
        return await answer.wait()
    }
}
