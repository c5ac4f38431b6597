import Domain

/// One agent as a decision sees it.
struct AgentFacts: Sendable, Hashable {
    var agent: Int64
    /// The durable counter: what is desired may have changed.
    var generation: Int64
    var state: ShiftState
    var hold: Hold?
    /// What was desired when it was last derived, and by which rule.
    var desired: RunState
    var rule: Rule
    /// Somebody asked to remove the agent: desired stopped, and gone once STOPPED is proved.
    var isLeaving: Bool
    /// What a break does, as it is in force for everybody; `nil` where nothing is yet.
    var breakAction: BreakAction?

    /// What is desired now.
    ///
    /// `policy`: what a break does where nothing is in force yet.
    func derived(policy: ReconcilePolicy, now: Timestamp) -> DesiredState {
        if isLeaving { return DesiredState(run: .stopped, rule: .default) }
        return derive(state, hold: hold, breakAction: breakAction ?? policy.breakAction, now: now)
    }
}

/// One instance as a decision sees it: whose it is, and what is known of its session.
struct Subject: Sendable, Hashable {
    var instance: Int64
    var account: Int32
    var address: SessionAddress
    var evidence: Evidence
    var condition: Condition
    var reason: Reason
    /// The queue row's counter; `nil` when nothing is queued.
    var wakes: Int64?
    /// When the queue row is due.
    var dueAt: Timestamp?
    /// On whose behalf the queue row waits, where that was read; what people asked for stays theirs until it is proved.
    var priority: JobPriority?
    /// The import that brought it, as long as nobody said anything of its agent and it was not seen stopped.
    var listedBy: Int64?
}

/// What to write and to do about one instance after a decision.
struct Plan: Sendable {
    /// The instance as stored.
    var stored: Subject
    /// The instance as it is to be stored.
    var subject: Subject
    var decision: Decision
    /// The command to send, its intent being part of the same transaction.
    var command: PlannedCommand?
    /// When the queue row is due; `nil` deletes it.
    var dueAt: Timestamp?
    var priority: JobPriority
    /// Once it is due, a look is all that can follow.
    var looksWhenDue: Bool
    /// Nobody owns the instance any more, or its agent is to be removed: it goes once it is proved to be down.
    var isDeparting: Bool

    /// Whether the stored evidence, condition or reason change.
    var changesObserved: Bool { subject.differsInRow(from: stored) }
    /// Whether the mark of the import that brought the instance goes.
    var clearsListing: Bool { stored.listedBy != nil && subject.listedBy == nil }
    /// Whether this replica acts for the instance, so that its own memory has when it is due.
    var isActing: Bool
    /// A command of which nothing is known yet and that goes against what is desired now: where it still waits, it need not leave.
    var overtaken: CommandKey?
    /// Whether somebody, or an engine's hint, wants the instance looked at now.
    var isLookWanted = false
    /// Whether it is to run.
    var isToRun = false
    /// Whether its reads have failed for longer than a moment.
    var isLongUnread = false

    /// What a look is for that follows from it, now or when it is due.
    var lookPurpose: LookPurpose {
        if decision.reason == .pairingRequired, !isLookWanted { return .scan }
        // A session that cannot be read, however often it is tried, keeps no repair of others waiting.
        guard priority == .people, isLookWanted || !isLongUnread else { return .usual }
        // What is only to be known stays behind what is to work: an import brings thousands of sessions that nobody waits for.
        let isUrgent = isToRun && (isLookWanted || decision.reason == .neverRead)
        return isUrgent || decision.reason.isBeforeCommand ? .person : .usual
    }

    /// Whether the queue row has to be written.
    ///
    /// Where this replica acts, a row that is due later than it is in memory may stay: who takes over passes over
    /// every row at once.
    var changesQueue: Bool {
        guard let dueAt else { return false }
        guard stored.wakes != nil, let storedDueAt = stored.dueAt else { return true }
        if let storedPriority = stored.priority, priority < storedPriority { return true }
        return isActing ? dueAt > storedDueAt : dueAt != storedDueAt
    }
    /// Whether the queue row has to go.
    var releasesQueue: Bool { dueAt == nil && stored.wakes != nil }
}

/// A command whose intent is, or is about to be, committed.
struct PlannedCommand: Sendable, Hashable {
    var id: Int64
    var instance: Int64
    var address: SessionAddress
    var action: Action
    var reason: Reason
    var agent: Int64?
    var generation: Int64?
    /// On whose behalf, which its retries inherit.
    var priority: JobPriority

    var key: CommandKey { CommandKey(instance: instance, id: id) }
}

/// Which command: its number is one of its instance's.
struct CommandKey: Sendable, Hashable {
    var instance: Int64
    var id: Int64
}

/// The order among what waits for the engine: people, then repair of drift, then sweeps.
enum JobPriority: Int16, Sendable, CaseIterable, Comparable {
    case people = 0
    case repair = 1
    case sweep = 2

    static func < (left: JobPriority, right: JobPriority) -> Bool { left.rawValue < right.rawValue }
}
