import Domain

@testable import Service

/// Sessions of agents on shift, passed over as ``PassTransaction`` does, at an engine that answers every command and read alike.
struct FailingFleet {
    let line = RestartLine()
    let alike = AlikeLine()
    private let policy: ReconcilePolicy
    private var subjects: [Subject]
    private var sent: [Int64: (command: PlannedCommand, at: Timestamp)] = [:]
    /// The reasons of the last passes.
    private(set) var reasons: [Reason] = []

    /// - Parameters:
    ///   - instances: their numbers.
    ///   - reading: what they read.
    ///   - since: since when.
    ///   - policy: the limits.
    init(
        _ instances: ClosedRange<Int64>,
        _ reading: SessionReading,
        since: Timestamp,
        policy: ReconcilePolicy = ReconcilePolicy()
    ) {
        self.policy = policy
        subjects = instances.map { instance in
            Subject(
                instance: instance,
                account: 1,
                address: SessionAddress(instanceID: "\(instance)"),
                evidence: Evidence(reading: reading, readAt: since, readingSince: since),
                condition: .converged,
                reason: .stopped
            )
        }
    }

    /// Passes over each, once it was read.
    ///
    /// `verdict`: what the engine answered to the commands of the passes before.
    mutating func pass(_ reading: SessionReading, _ verdict: EngineVerdict = .ok, at now: Timestamp) -> [Plan] {
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        var gate = line.gate
        var wishes: [Int64] = []
        var plans: [Plan] = []
        for index in subjects.indices {
            let instance = subjects[index].instance
            var news: [News] = []
            if let (command, at) = sent.removeValue(forKey: instance) {
                news.append(.outcome(command, EngineAnswer(verdict: verdict), sentAt: at, endedAt: at))
            }
            news.append(.read(reading, sentAt: now))
            let facts = AgentFacts(
                agent: instance,
                generation: 1,
                state: ShiftState(shift: .in),
                desired: .running,
                rule: .shift,
                isLeaving: false
            )
            let change = AgentChange(before: facts, after: facts, desired: DesiredState(run: .running, rule: .shift))
            let make = { [subject = subjects[index]] (context: PlanningContext) in
                plan(subject, agent: change, news: news, priority: .repair, context: context)
            }
            var made = make(context)
            if made.command?.action == .restart {
                wishes.append(instance)
                if !gate.permits(instance, now: now) { made = make(context.holdingRestarts) }
            }
            subjects[index] = made.subject
            if let command = made.command { sent[instance] = (command, now) }
            plans.append(made)
        }
        line.asked(wishes, now: now)
        reasons = plans.map(\.decision.reason)
        return plans
    }
}
