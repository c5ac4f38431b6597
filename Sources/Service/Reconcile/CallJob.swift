import Domain

/// One call that waits for the engine.
enum CallJob: Sendable {
    /// A command whose intent is committed under the lease's term.
    case command(PlannedCommand, term: Int64, run: SweepRun?)
    case look(LookJob)
    /// One call that reads all sessions.
    case list(ListJob)
    /// A read that a person waits for.
    case pairing(PairingJob)
}

/// What a look is for, which decides on its place in line.
enum LookPurpose: Sendable {
    /// A person waits for it: for what it says, or for the command that may only follow it.
    case person
    /// It proves what a command did, or finds drift.
    case usual
    /// It only finds out if somebody has scanned the session's code by now.
    case scan
}

/// A read that waits for the engine.
struct LookJob: Sendable {
    var instance: Int64
    var address: SessionAddress
    var priority: JobPriority
    /// What the sweep's page says is stored; a read that says the same changes nothing.
    var expected: SessionReading?
    /// The sweep that somebody asked for and waits on.
    var run: SweepRun?
    var purpose = LookPurpose.usual
    /// When it was put in line.
    var queuedAt: Timestamp?
    /// Who wants to know whether the engine answers.
    var probe: Probe?
}

/// A call that is over.
struct EndedCall: Sendable {
    /// As ``DepartingCall/number`` says.
    var number: Int
    /// Whether the engine answered, and so has had the call.
    var wasAnswered: Bool
}

/// A call that may leave now.
struct DepartingCall: Sendable {
    var job: CallJob
    /// Which of the queue's calls it is, for ``CallQueue/departure(of:remaining:)`` and ``CallQueue/next(after:)``.
    var number: Int
}
