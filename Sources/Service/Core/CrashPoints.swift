import Glibc
import Synchronization

/// Places where the process ends itself, or stands still, when asked to, for tests of what that leaves behind.
///
/// `ROLLCALL_CRASH_AT` names one, and after a colon which time it is reached (`append-between-steps:3`; the first unless
/// told): there it ends. `ROLLCALL_FREEZE_AT` names one likewise: there it stands still until somebody sends SIGCONT. Without
/// them every point is two comparisons with `nil`.
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
        /// The lease was found to last; the next thing that is done is to send the command.
        case afterLeaseCheck = "after-lease-check"
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
        /// Told to stop, and an account or all of them are drained; what is given up now is still held.
        case beforeLeave = "before-leave"
        /// The leases are given up; the process has not ended.
        case afterLeave = "after-leave"
    }

    private let crash: Appointment?
    private let freeze: Appointment?

    /// Reads what `ROLLCALL_CRASH_AT` and `ROLLCALL_FREEZE_AT` say; what names no point means none.
    package init(crashAt: String? = nil, freezeAt: String? = nil) {
        crash = Appointment(crashAt)
        freeze = Appointment(freezeAt)
    }

    /// Ends the process as `kill -9` would, or stops it as `kill -STOP` would, if this is the point and the time for it.
    func reach(_ point: Point) {
        if let crash, crash.isMet(at: point) { kill(getpid(), SIGKILL) }
        // Sent to this very thread, which so does nothing more before it stops, and all others with it.
        if let freeze, freeze.isMet(at: point) { raise(SIGSTOP) }
    }

    /// A point, and which time it is reached, from 1.
    private final class Appointment: Sendable {
        private let point: Point
        private let left: Atomic<Int>

        init?(_ text: String?) {
            let parts = (text ?? "").split(separator: ":")
            guard let point = parts.first.flatMap({ Point(rawValue: String($0)) }) else { return nil }
            self.point = point
            left = Atomic(parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
        }

        func isMet(at reached: Point) -> Bool {
            reached == point && left.subtract(1, ordering: .relaxed).newValue == 0
        }
    }
}
