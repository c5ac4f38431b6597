import Domain
import FoundationEssentials

/// The database as far as ledger and reconciler need it, as one value: whoever has it alone is a transaction.
struct MemoryTables: Sendable {
    /// A row of `agents` and of `agent_states`.
    struct Agent: Sendable {
        var id: String
        var facts: AgentFacts
        var createdAt: Timestamp
    }

    /// A row of `instances` and of `observed_states`.
    struct Instance: Sendable {
        var account: Int32
        var agent: Int64?
        /// As stored; ``MemoryTables/subject(_:)`` adds what `looks` and the queue say.
        var subject: Subject
    }

    /// A row of `reconcile_queue`.
    struct Queued: Sendable, Hashable {
        var account: Int32
        var priority: JobPriority
        var dueAt: Timestamp
        var wakes: Int64
    }

    /// A row of `clock_events`; its sequence is its place, from 1.
    struct Event: Sendable, Hashable {
        var event: IncomingEvent
        var agent: Int64?
    }

    /// A row of `commands`.
    struct Command: Sendable {
        var intent: PlannedCommand
        var account: Int32
        var term: Int64
        var intendedAt: Timestamp
        var sentAt: Timestamp?
        var endedAt: Timestamp?
        var verdict: EngineVerdict?
    }

    struct Replica: Sendable {
        var expiresAt: Timestamp
        /// The accounts that it would act for.
        var accounts: Set<Int32> = []
    }

    struct Lease: Sendable, Hashable {
        var holder: UUID?
        var term: Int64 = 0
        /// When whoever held it laid it down, and how many calls it made in the second before.
        var left: LayingDown?
    }

    struct LayingDown: Sendable, Hashable {
        var at: Timestamp
        var spent: Int32?
    }

    var accounts: [String: Int32] = [:]
    var agents: [Int64: Agent] = [:]
    var agentNumbers: [String: Int64] = [:]
    var lastAgent: Int64 = 0
    var instances: [Int64: Instance] = [:]
    var lastInstance: Int64 = 0
    var events: [Event] = []
    var identities: [UUID: Int] = [:]
    /// Places in ``events`` of each agent, own or matched.
    var placesOfAgent: [Int64: [Int]] = [:]
    /// Places in ``events`` of what was said of each record.
    var placesOfRecord: [RecordKey: [Int]] = [:]
    var matches: [Int64: Int64] = [:]
    var leftOut: [Int64: Int64] = [:]
    /// Not logged: a crash of the server empties it.
    var looks: [Int64: Timestamp] = [:]
    var queue: [Int64: Queued] = [:]
    var forecasts: [Int32: LineForecast] = [:]
    var lastWake: Int64 = 0
    var commands: [Command] = []
    var replicas: [UUID: Replica] = [:]
    var leases: [Int32: Lease] = [:]
}

/// Making what the rest is about.
extension MemoryTables {
    mutating func addAgent(_ id: String, now: Timestamp) -> Int64 {
        lastAgent += 1
        let facts = AgentFacts(
            agent: lastAgent,
            generation: 0,
            state: ShiftState(),
            desired: .stopped,
            rule: .default,
            isLeaving: false
        )
        agents[lastAgent] = Agent(id: id, facts: facts, createdAt: now)
        agentNumbers[id] = lastAgent
        return lastAgent
    }

    mutating func addInstance(_ instanceID: String, account: Int32, agent: Int64?) -> Int64 {
        lastInstance += 1
        let subject = Subject(
            instance: lastInstance,
            account: account,
            address: SessionAddress(instanceID: instanceID),
            evidence: Evidence(),
            condition: .unknown,
            reason: .neverRead
        )
        instances[lastInstance] = Instance(account: account, agent: agent, subject: subject)
        return lastInstance
    }

    func instance(of agent: Int64) -> Int64? {
        instances.lazy.filter { $0.value.agent == agent }.map(\.key).min()
    }

    /// A row of the views `subjects_by_agent` and `subjects_by_instance`.
    func subject(_ instance: Int64) -> Subject? {
        guard var subject = instances[instance]?.subject else { return nil }
        if let looked = looks[instance] {
            subject.evidence.readAt = max(subject.evidence.readAt ?? looked, looked)
        }
        subject.wakes = queue[instance]?.wakes
        subject.dueAt = queue[instance]?.dueAt
        subject.priority = queue[instance]?.priority
        return subject
    }
}

/// Writing what was decided: what ``PlanStatements`` do.
extension MemoryTables {
    mutating func write(_ writing: PassWriting) {
        for change in writing.changes where change.differs { agents[change.after.agent]?.facts = change.after }
        for plan in writing.plans {
            let instance = plan.subject.instance
            if plan.changesQueue, let dueAt = plan.dueAt {
                put(instance, plan.subject.account, plan.priority, dueAt)
            }
            if plan.releasesQueue, queue[instance]?.wakes == plan.stored.wakes { queue[instance] = nil }
            if plan.changesObserved {
                var subject = plan.subject
                subject.wakes = nil
                subject.dueAt = nil
                instances[instance]?.subject = subject
            }
            if let command = plan.command {
                commands.append(
                    Command(
                        intent: command,
                        account: plan.subject.account,
                        term: writing.term,
                        intendedAt: writing.now
                    )
                )
            }
        }
        for outcome in writing.outcomes { complete(outcome) }
        record(writing.looks)
    }

    private mutating func complete(_ outcome: CommandOutcome) {
        let place = commands.lastIndex {
            $0.intent.id == outcome.command.id && $0.intent.instance == outcome.command.instance
        }
        guard let place else { return }
        commands[place].sentAt = outcome.sentAt
        commands[place].endedAt = outcome.endedAt
        commands[place].verdict = outcome.answer.verdict
    }

    mutating func record(_ looks: [Look]) {
        for look in looks where instances[look.instance]?.subject.evidence.reading == look.reading {
            self.looks[look.instance] = max(self.looks[look.instance] ?? look.lookedAt, look.lookedAt)
        }
    }

    mutating func put(_ instance: Int64, _ account: Int32, _ priority: JobPriority, _ dueAt: Timestamp) {
        lastWake += 1
        queue[instance] = Queued(account: account, priority: priority, dueAt: dueAt, wakes: lastWake)
    }

    /// Puts instances in line at once: what ``AgentStates/enqueue(_:at:)`` does.
    mutating func enqueue(_ wakes: [Wake], at now: Timestamp) {
        for wake in wakes.sorted(by: { $0.instance < $1.instance }) {
            let dueAt = min(queue[wake.instance]?.dueAt ?? now, now)
            put(wake.instance, wake.account, .people, dueAt)
        }
    }
}
