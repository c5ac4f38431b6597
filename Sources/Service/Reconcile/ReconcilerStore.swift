import Domain
import FoundationEssentials
import LibPQ

/// What the reconciler needs of the database: a few operations, each of them one transaction.
///
/// PostgreSQL's is ``PostgresReconcilerStore``, the simulation's keeps everything in memory; one conformance suite runs
/// against both. Where nothing else is said an operation throws what befell the database, `commitUnknown` among it.
protocol ReconcilerStore: Sendable {
    /// Where tasks run best that do little besides calling this store; `nil` for wherever they are.
    var executor: (any TaskExecutor)? { get }

    /// Makes the engine accounts of these names, with their leases, where they are new; their keys by name.
    func register(_ names: [String]) async throws(PQError) -> [String: Int32]

    /// Beats once: the replica lives, takes free leases that are to be its own (``LeaseSpread``), lays down those that it was
    /// told last time are to be another's, and learns what is due.
    func beat(_ heartbeat: Heartbeat) async throws(PQError) -> HeartbeatAnswer

    /// Lays down a replica's leases of some accounts, and notes that it would act for none any more; what else it holds stays its
    /// own.
    ///
    /// `spent`: how many calls left in the last second, by account.
    func layDown(_ accounts: Set<Int32>, of replica: UUID, spent: [Int32: Int32]) async throws(PQError)

    /// Gives up a replica's leases and its heartbeat.
    ///
    /// `spent`: how many calls left in the last second, by account.
    func leave(_ replica: UUID, spent: [Int32: Int32]) async throws(PQError)

    /// What is in line for an account, due or not.
    func line(of account: Int32) async throws(PQError) -> [QueuedInstance]

    /// Reads what is known of instances while nobody else can change it, and writes what is decided on it.
    ///
    /// `decide`: called at most once a transaction; what it throws ends the transaction and is passed on.
    /// Returns what was written.
    func pass(
        _ request: PassRequest,
        decide: (PassReading) throws -> PassWriting
    ) async throws -> PassWriting

    /// Notes when instances of an account were last read; an older look never replaces a newer.
    func record(_ looks: [Look], of account: Int32) async throws(PQError)

    /// A page of an account's instances of which something is desired, by number, after one.
    func page(
        _ account: Int32,
        desired: RunState,
        after position: Int64,
        limit: Int
    ) async throws(PQError) -> [SweepEntry]

    /// Those of an account's instances with an agent, after one, that were longest not looked at, stalest first.
    func stalest(_ account: Int32, after position: Int64) async throws(PQError) -> StalestPage

    /// Publishes what the holder of accounts says of their lines.
    ///
    /// Returns the accounts that took it: those that `replica` holds and has beaten for.
    func publish(_ forecasts: [Int32: LineForecast], by replica: UUID) async throws(PQError) -> Set<Int32>

    /// How many instances of an account something is desired of.
    func count(_ account: Int32, desired: RunState) async throws(PQError) -> Int

    /// Folds the whole ledgers of those of some agents again who have an event whose time has come, and puts their instances
    /// in line.
    ///
    /// Who is being written at that moment is passed over: another replica folds them just then, or the next beat names them
    /// again. `clock`: read once nobody else can change them.
    func unpark(_ agents: [Int64], policy: ReconcilePolicy, clock: DatabaseClock) async throws -> [Wake]

    /// Lets go of instances that were waited for to stop, and of agents that leave with them; checks again that they may.
    func letGo(of instances: [Int64]) async throws(PQError)

    /// Takes over the incidents of an account that are open.
    func begin(_ standing: AccountStanding) async throws(PQError)

    /// Writes down what befalls accounts until the task is cancelled.
    func keep(_ incidents: IncidentLog) async

    /// Tells the other replicas that something is in line, and what to look at whether or not it is.
    ///
    /// `wakes`: at most ``WakeChannel/namesLimit``.
    func tellOthers(of wakes: [Wake]) async throws(PQError)

    /// Tells the other replicas whose rows commits of this one changed.
    ///
    /// `news`: at most ``ChangeChannel/namesLimit`` names.
    func tellOthers(_ news: ChangeNews) async throws(PQError)

    /// Hears other replicas until the task is cancelled.
    func hearOthers(
        _ onWake: @escaping @Sendable ([Wake]) -> Void,
        onChange: @escaping @Sendable (ChangeNews) -> Void
    ) async
}

/// What a replica says of itself with every beat.
struct Heartbeat: Sendable {
    var replica: UUID
    var release: String
    /// The accounts that it would act for; none once it drains, when it keeps what it holds.
    var accounts: [Int32]
    /// The highest wake number it has seen.
    var lastWake: Int64
    /// After which wake number to go on with what lies in line too long, as the answer before said.
    var lastOverdue: Int64 = 0
    /// Rows named of each kind, at most.
    var rowLimit = Housekeeping.rowLimit
    /// Accounts that the answer before said are to be another's.
    var yielding: Set<Int32> = []
    /// How many calls of these left in the last second.
    var spent: [Int32: Int32] = [:]
    /// Since when the engines of accounts have not answered; of an account that is missing it does.
    var silences: [Int32: Timestamp] = [:]
    /// Since when what was found out about accounts could not be written; of an account that is missing it is.
    var unwritten: [Int32: Timestamp] = [:]
    /// What it was started with; see ``SettingDesk``.
    var breakAction = BreakAction.keep
}

/// What the one who acted for an account before may have asked of the engine lately.
struct Handover: Sendable, Hashable {
    /// How many calls it made in the second that ended ``age`` ago; `nil` counts as all that the budget allows.
    var spent: Int32?
    /// How long ago its last call left at the latest.
    var age: Duration = .zero
}

/// What a heartbeat answered.
struct HeartbeatAnswer: Sendable {
    /// The terms of the leases that the replica holds, by account.
    var terms: [Int32: Int64] = [:]
    /// Those among them that another replica shall have: with the next beat they are given up.
    var yielding: Set<Int32> = []
    /// What is known of who acted before, of the leases that were taken with this beat.
    var handovers: [Int32: Handover] = [:]
    /// What is due of the accounts it holds: first what was put in line since the last beat, then what lies there too long.
    ///
    /// Each has a limit of its own, so that neither keeps the other from being named.
    var due: [Wake] = []
    /// The highest wake number among what was put in line since; 0 when nothing was.
    var lastWake: Int64 = 0
    /// Whether more was put in line since than one beat names: the next one goes on after ``lastWake``.
    var hasMore = false
    /// After which wake number the next beat goes on with what lies there too long; 0 for the beginning.
    var lastOverdue: Int64 = 0
    /// Sweeps that other replicas were asked for, of accounts held here.
    var sweeps: [Int64] = []
    /// Agents with an event whose time has come.
    var parked: [Int64] = []
    /// Changes whenever an API key is made or revoked.
    var keyVersion: String = ""
    var otherReplicas: Int64 = 0
    /// Why leases were neither taken nor laid down that should have been; what is held goes on all the same.
    var unmoved: PQError?
    /// What time it was.
    var now = Timestamp(microseconds: 0)
}

/// A row of the queue, as whoever takes over an account reads it.
struct QueuedInstance: Sendable, Hashable {
    var instance: Int64
    var priority: JobPriority
}

/// Which instances a batch of passes is about, and under which lease.
struct PassRequest: Sendable {
    var account: Int32
    /// Under which the caller would write; whether it still is the lease's, `decide` sees.
    var term: Int64
    /// In order, each once.
    var instances: [Int64]
    /// How long the database may take.
    var timeout: Duration
}

/// What a batch of passes decides on.
struct PassReading: Sendable {
    /// The term of the account's lease, which nobody can change until the transaction ends; `nil` without such an account.
    var term: Int64?
    /// The instances that exist, with whom they belong to.
    var subjects: [(subject: Subject, agent: AgentFacts?)]
}

/// What a batch of passes writes.
struct PassWriting: Sendable {
    /// For the commands' audit trail.
    var term: Int64
    /// The database's clock.
    var now: Timestamp
    var changes: [AgentChange] = []
    var plans: [Plan] = []
    var outcomes: [CommandOutcome] = []
    var looks: [Look] = []
    /// Instances that want a restart, whether they may have it or not.
    var restartWishes: [Int64] = []
}

/// A part of an account's instances with an agent, those first that were longest not looked at.
struct StalestPage: Sendable, Hashable {
    /// Instances that a part is chosen from.
    static let walkLimit = 1000
    /// Instances in it: as many looks as a quiet minute has.
    static let limit = 12

    var entries: [SweepEntry] = []
    /// After which instance the next part begins; 0 for the beginning.
    var next: Int64 = 0
}

/// One instance of a sweep's page.
struct SweepEntry: Sendable, Hashable {
    var instance: Int64
    var address: SessionAddress
    var reading: SessionReading?
    var condition: Condition

    /// Whether a read that says the same as the stored one leaves nothing to decide.
    var isSettled: Bool {
        switch condition {
        case .converged, .held: true
        case .starting, .stopping, .drifted, .needsPairing, .needsAttention, .unknown, .unassigned: false
        }
    }
}
