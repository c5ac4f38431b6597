import Glibc
import Synchronization

/// Places where the process ends itself when asked to, for tests of what a crash there leaves behind.
///
/// `ROLLCALL_CRASH_AT` names one, and after a colon which time it is reached (`append-between-steps:3`; the first unless
/// told). Without it every point is a comparison with `nil`.
package struct CrashPoints: Sendable {
    /// The labelled places, in the order in which a clock event meets them.
    package enum Point: String, Sendable, CaseIterable {
        /// The schema is this release's; nothing else has begun.
        case bootMigrated = "boot-migrated"
        /// The accounts have their rows; no heartbeat was sent.
        case bootRegistered = "boot-registered"
        /// A heartbeat is about to be sent.
        case beforeBeat = "before-beat"
        /// The database knows of the heartbeat, this replica not.
        case afterBeat = "after-beat"
        /// A lease is taken in the database; nobody here knows.
        case leaseTaken = "lease-taken"
        /// What is in line in the database was read; nothing of it is in line here.
        case lineRead = "line-read"
        /// A batch is taken from those that wait; nothing was sent of it.
        case appendTaken = "append-taken"
        /// The first step of an append is done, its events are added; the second was not sent.
        case appendBetweenSteps = "append-between-steps"
        /// States and intents are decided; the second step was not sent.
        case appendDecided = "append-decided"
        /// A batch is committed; its commands are not in line.
        case appendCommitted = "append-committed"
        /// A batch is committed and its commands are in line; no sender is told.
        case appendCarriedOut = "append-carried-out"
        /// A batch is committed; no sender has its receipt.
        case beforeReceipt = "before-receipt"
        /// Another replica is to be woken, and has not been.
        case beforeNotify = "before-notify"
        /// An event, its agent's state and the intent are committed; the command has not left.
        case beforeEngineCall = "before-engine-call"
        /// The engine has answered; nothing of it is recorded.
        case afterEngineCall = "after-engine-call"
        /// The outcome waits to be written.
        case outcomeWaiting = "outcome-waiting"
        /// A read says something that is to be thought over; nothing of it is recorded.
        case afterLook = "after-look"
        /// The lease and the instances are locked and read; nothing is decided.
        case passBetweenSteps = "pass-between-steps"
        /// A pass is decided; nothing of it is written.
        case passDecided = "pass-decided"
        /// A pass is committed; what it asks for is not in line.
        case passCommitted = "pass-committed"
        /// A parked event has come due, and its agent's state is not yet committed.
        case unparkFolded = "unpark-folded"
        /// Told to stop and drained; the leases are still held.
        case beforeLeave = "before-leave"
        /// The leases are given up; the process has not ended.
        case afterLeave = "after-leave"
    }

    private let chosen: Point?
    private let countdown: Countdown?

    /// `time`: which time the point is reached, from 1.
    package init(at chosen: Point? = nil, time: Int = 1) {
        self.chosen = chosen
        countdown = chosen.map { _ in Countdown(time) }
    }

    /// Reads what `ROLLCALL_CRASH_AT` says; what names no point means none.
    package init(_ text: String?) {
        let parts = (text ?? "").split(separator: ":")
        self.init(
            at: parts.first.flatMap { Point(rawValue: String($0)) },
            time: parts.count > 1 ? Int(parts[1]) ?? 1 : 1
        )
    }

    /// Ends the process as `kill -9` would, if this is the chosen point and the chosen time.
    func reach(_ point: Point) {
        guard point == chosen, let countdown, countdown.isOver() else { return }
        kill(getpid(), SIGKILL)
    }

    private final class Countdown: Sendable {
        private let left: Atomic<Int>

        init(_ count: Int) { left = Atomic(count) }

        func isOver() -> Bool { left.subtract(1, ordering: .relaxed).newValue == 0 }
    }
}
