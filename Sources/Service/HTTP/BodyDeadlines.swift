import NIOCore
import Synchronization

/// Ends bodies that do not come to their end, for the connections of one listener.
///
/// A request with a body costs two short locks: its deadline is noted in a table that one scan a second
/// goes through, as long as there is anything in it. No task and no timer per request, so nothing leaks.
final class BodyDeadlines: Sendable {
    /// The body's sender took too long.
    struct Expired: Error {}

    private enum Ending {
        /// Fail the body, so that its reader can answer, and close once the answer had time to leave.
        case failBody
        case close
    }

    private struct Watch {
        var channel: any Channel
        var deadline: ContinuousClock.Instant
        var ending: Ending
    }

    private struct State {
        var watches: [UInt64: Watch] = [:]
        var nextID: UInt64 = 0
        var isScanDue = false
    }

    private let state = Mutex(State())
    /// How long an answer has to leave before its connection is closed.
    static let linger = Duration.seconds(5)

    /// Notes that a body is being read.
    ///
    /// - Returns: what ``end(_:)`` takes.
    func begin(_ channel: any Channel, timeout: Duration) -> UInt64 {
        watch(channel, timeout: timeout, ending: .failBody)
    }

    /// The body came to its end, or its reader gave up.
    func end(_ id: UInt64) {
        state.withLock { _ = $0.watches.removeValue(forKey: id) }
    }

    /// Closes the connection after a while: the answer has been given, and the rest of the body may never end.
    func close(_ channel: any Channel, in delay: Duration) {
        _ = watch(channel, timeout: delay, ending: .close)
    }

    private func watch(_ channel: any Channel, timeout: Duration, ending: Ending) -> UInt64 {
        let deadline = ContinuousClock.now + timeout
        let (id, mustSchedule) = state.withLock { state in
            let id = state.nextID
            state.nextID += 1
            state.watches[id] = Watch(channel: channel, deadline: deadline, ending: ending)
            defer { state.isScanDue = true }
            return (id, !state.isScanDue)
        }
        if mustSchedule { scheduleScan(on: channel.eventLoop, after: min(timeout, .seconds(1))) }
        return id
    }

    private func scheduleScan(on eventLoop: any EventLoop, after delay: Duration) {
        eventLoop.scheduleTask(in: TimeAmount(delay)) { self.scan(on: eventLoop) }
    }

    private func scan(on eventLoop: any EventLoop) {
        let now = ContinuousClock.now
        let (expired, next) = state.withLock { state in
            let expired = state.watches.filter { $0.value.deadline <= now }
            for id in expired.keys { state.watches[id] = nil }
            let next = state.watches.values.map(\.deadline).min()
            state.isScanDue = next != nil
            return (expired.values, next)
        }
        for watch in expired {
            switch watch.ending {
            case .failBody:
                watch.channel.pipeline.fireErrorCaught(Expired())
                close(watch.channel, in: Self.linger)
            case .close:
                watch.channel.close(promise: nil)
            }
        }
        if let next { scheduleScan(on: eventLoop, after: max(min(next - now, .seconds(1)), .milliseconds(10))) }
    }
}
