import Domain
import FoundationEssentials
import Synchronization

/// Sees what the outside sees, and judges it.
final class Witness: Sendable {
    /// The limits that hold, whatever a planted bug makes the reconcilers believe.
    struct Rules: Sendable {
        var policy: ReconcilePolicy
        var sweep: SweepPolicy
        var callsPerSecond: Int
        var width: Int
    }

    /// One call, as the engine's log has it.
    struct Call: Sendable {
        var replica: UUID
        var account: Int32
        /// `nil` for a list.
        var call: EngineCall?
        /// 0 for a list.
        var instance: Int64
        var enteredAt: Int64
        /// The database's time, as the caller knows it.
        var stamp: Timestamp
        /// When its first byte left; `nil` while it waits for a connection.
        var leftAt: Int64?
        var wasLate = false
        var endedAt: Int64?
        var verdict: EngineVerdict?
        var reading: SessionReading?
        /// What a list said, by instance.
        var listed: [Int64: SessionReading] = [:]
    }

    /// What is known of one instance's commands.
    struct Track: Sendable {
        struct Intent: Sendable {
            var id: Int64
            var action: Action
            var at: Timestamp
            /// The session had gone down by itself.
            var isAfterFall = false
            /// The number of the call that it led to; `nil` as long as none was tried.
            var call: Int?
            var verdict: EngineVerdict?
        }

        var intents: [Intent] = []
        /// Numbers of its calls that change a session and may be under way.
        var open: [Int] = []
        /// The last stop's number.
        var lastStop: Int?
        /// When a stop without an answer was first read as done, by when the read left.
        var stopSeenAt: Int64?
        /// When the last command ended, by its recorded outcome.
        var outcomeAt: Timestamp?
        /// A command without a clear answer that no read has followed.
        var unclearSince: Int64?
        var stopsOfFailed = 0
        /// It was restarted, and not read as WORKING since.
        var awaitsWorking = false
        /// When the read left that asked for a scan and was stored, with nothing since that ends that.
        var scanAskedAt: Timestamp?
        /// When people asked for a clean boot.
        var rebootsAskedAt: Set<Timestamp> = []
        var looks: [UUID: Int] = [:]
        /// Newest last, at most ``Witness/readLimit``.
        var reads: [(stamp: Timestamp, reading: SessionReading?)] = []
    }

    struct State {
        let rules: Rules
        let keepsHistory: Bool
        var violations: [Violation] = []
        var history: [String] = []
        /// Microseconds of simulated time, and the database's clock.
        var now: Int64 = 0
        var events: [MemoryTables.Event] = []
        /// What senders said; of a withdrawal all wordings.
        var said: [Said.Key: [Said]] = [:]
        /// What of it is in the ledger.
        var inLedger: Set<Said.Key> = []
        /// Records that the ledger says are withdrawn.
        var withdrawn: Set<String> = []
        /// What of it was answered with 2xx.
        var answered: Set<Said.Key> = []
        var terms: [Int32: MemoryTables.Lease] = [:]
        var expiry: [UUID: Timestamp] = [:]
        var calls: [Call] = []
        var tracks: [Int64: Track] = [:]
        /// When calls left, and when they reached the engine, by account, and whose; those of the last second.
        var leftAt: [Int32: [(at: Int64, replica: UUID)]] = [:]
        var arrivedAt: [Int32: [(at: Int64, replica: UUID)]] = [:]
        var underWay: [UUID: [Int32: Int]] = [:]
        var refusedSince: [UUID: [Int32: Int64]] = [:]
        /// When holders restarted sessions since they took an account, and when sessions were read as WORKING after that.
        var restarts: [UUID: [Int32: [(at: Int64, instance: Int64)]]] = [:]
        var helpedAt: [Int32: [Int64]] = [:]
        var thawedAt: [UUID: Int64] = [:]
        var lateCommands = 0
        var commandCount = 0
        var isAtRest = false
        /// What was stored of instances before the first of the last writes that no standby has.
        var kept: [Int64: Stored] = [:]
        /// The database answers since then; never while it is gone.
        var databaseUpSince: Int64 = 0
    }

    /// Reads of one instance that are remembered.
    static let readLimit = 400

    private let state: Mutex<State>
    private let scheduler: Scheduler

    init(rules: Rules, keepsHistory: Bool, scheduler: Scheduler) {
        state = Mutex(State(rules: rules, keepsHistory: keepsHistory))
        self.scheduler = scheduler
    }

    var violations: [Violation] { state.withLock { $0.violations } }
    var history: [String] { state.withLock { $0.history } }
    var lateCommands: Int { state.withLock { $0.lateCommands } }
    var commandCount: Int { state.withLock { $0.commandCount } }
    var callCount: Int { state.withLock { $0.calls.count } }

    /// Judges something that happens now.
    func see<Result: Sendable>(_ judge: (inout State) -> Result) -> Result {
        let now = scheduler.now
        return state.withLock { state in
            state.now = now
            return judge(&state)
        }
    }

    /// Writes down something that happened, for whoever reads the history.
    func tell(_ line: @autoclosure () -> String) {
        let now = scheduler.now
        state.withLock { state in
            state.now = now
            state.tell(line())
        }
    }
}

extension Witness.State {
    mutating func violate(_ invariant: Invariant, _ detail: @autoclosure () -> String) {
        guard !violations.contains(where: { $0.invariant == invariant }) else { return }
        let violation = Violation(invariant: invariant, at: now, detail: detail())
        violations.append(violation)
        tell("VIOLATED \(invariant.rawValue): \(violation.detail)")
    }

    mutating func tell(_ line: @autoclosure () -> String) {
        guard keepsHistory, history.count < 100_000 else { return }
        history.append("\(SimulatedTime.text(now))  \(line())")
    }
}

/// How simulated instants are written.
enum SimulatedTime {
    /// Minutes, seconds and milliseconds since the run began.
    static func text(_ microseconds: Int64) -> String {
        let milliseconds = microseconds / 1000
        let rest = String(milliseconds % 1000)
        let seconds = String(milliseconds / 1000 % 60)
        return "\(milliseconds / 60_000):\(seconds.count < 2 ? "0" : "")\(seconds)."
            + String(repeating: "0", count: 3 - rest.count) + rest
    }
}

extension UUID {
    /// The first digits, enough to tell replicas apart.
    var short: String { String(uuidString.prefix(4)) }
}
