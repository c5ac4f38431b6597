import Domain
import FoundationEssentials

/// Leases, heartbeats and what a sweep reads: what ``PostgresReconcilerStore`` asks in SQL.
extension MemoryTables {
    mutating func register(_ names: [String]) -> [String: Int32] {
        for name in names where accounts[name] == nil {
            let account = Int32(accounts.count + 1)
            accounts[name] = account
            leases[account] = Lease()
        }
        return accounts.filter { names.contains($0.key) }
    }

    /// As one transaction: whoever has no row yet takes nothing, and what it takes it holds at once.
    mutating func beat(_ heartbeat: Heartbeat, now: Timestamp) -> HeartbeatAnswer {
        var answer = HeartbeatAnswer(now: now)
        let replica = heartbeat.replica
        let alive = replicas.filter { $0.key == replica || $0.value.expiresAt > now }
        let accounts = Set(heartbeat.accounts)
        var spread = LeaseSpread()
        spread.replicas = alive.sorted { $0.key < $1.key }
            .map { .init(id: $0.key, accounts: $0.key == replica ? accounts : $0.value.accounts) }
        for (account, lease) in leases {
            spread.holders[account] = .some(lease.holder.flatMap { alive[$0] == nil ? nil : $0 })
        }
        for account in spread.toTake(by: replica) where leases[account]?.holder != replica {
            let last = leases[account] ?? Lease()
            if let left = last.left {
                answer.handovers[account] = Handover(spent: left.spent, age: max(now - left.at, .zero))
            } else if let expiresAt = last.holder.flatMap({ replicas[$0]?.expiresAt }) {
                answer.handovers[account] = Handover(age: max(now - expiresAt + Housekeeping.quietAtExpiry, .zero))
            }
            leases[account] = Lease(holder: replica, term: last.term + 1)
        }
        let others = spread.toYield(by: replica)
        answer.yielding = others.subtracting(heartbeat.yielding)
        for account in others.intersection(heartbeat.yielding) {
            layDown(account, now: now, spent: heartbeat.spent)
        }
        for (account, lease) in leases where lease.holder == replica { answer.terms[account] = lease.term }
        answer.otherReplicas = Int64(alive.count { $0.key != replica })
        replicas = replicas.filter { $0.value.expiresAt >= now - .seconds(3600) }
        replicas[replica] = Replica(expiresAt: now + Housekeeping.leaseTTL, accounts: accounts)
        name(heartbeat, in: &answer, now: now)
        let parked = agents.compactMap { agent, row in row.facts.state.nextPunchAt.map { (at: $0, agent: agent) } }
            .filter { $0.at <= now }
            .sorted { ($0.at, $0.agent) < ($1.at, $1.agent) }
        answer.parked = parked.prefix(Int(heartbeat.rowLimit)).map(\.agent)
        return answer
    }

    /// Names what is due of the accounts that a replica holds.
    private func name(_ heartbeat: Heartbeat, in answer: inout HeartbeatAnswer, now: Timestamp) {
        let terms = answer.terms
        let limit = Int(heartbeat.rowLimit)
        let due = queue.filter { $0.value.dueAt <= now && terms[$0.value.account] != nil }
            .sorted { $0.value.wakes < $1.value.wakes }
        let new = due.filter { $0.value.wakes > heartbeat.lastWake }.prefix(limit)
        let overdue = due.filter { _, row in
            row.wakes <= heartbeat.lastWake && row.wakes > heartbeat.lastOverdue
                && row.dueAt <= now - Housekeeping.overdueAfter
        }.prefix(limit)
        answer.due = (new + overdue).map { Wake(instance: $0.key, account: $0.value.account) }
        answer.lastWake = new.last?.value.wakes ?? 0
        answer.hasMore = new.count >= limit
        answer.lastOverdue = overdue.count >= limit ? overdue.last?.value.wakes ?? 0 : 0
    }

    mutating func leave(_ replica: UUID, now: Timestamp, spent: [Int32: Int32]) {
        for (account, lease) in leases where lease.holder == replica { layDown(account, now: now, spent: spent) }
        replicas[replica] = nil
    }

    mutating func layDown(_ accounts: Set<Int32>, of replica: UUID, now: Timestamp, spent: [Int32: Int32]) {
        for account in accounts where leases[account]?.holder == replica { layDown(account, now: now, spent: spent) }
        replicas[replica]?.accounts = []
    }

    private mutating func layDown(_ account: Int32, now: Timestamp, spent: [Int32: Int32]) {
        leases[account]?.holder = nil
        leases[account]?.left = LayingDown(at: now, spent: spent[account])
    }

    func line(of account: Int32) -> [QueuedInstance] {
        queue.filter { $0.value.account == account }
            .map { QueuedInstance(instance: $0.key, priority: $0.value.priority) }
            .sorted { $0.instance < $1.instance }
    }

    func page(_ account: Int32, desired: RunState, after position: Int64, limit: Int) -> [SweepEntry] {
        let numbers = instances.filter { number, instance in
            number > position && instance.account == account && self.desired(of: instance) == desired
        }.keys.sorted().prefix(limit)
        return numbers.compactMap { number in
            instances[number].map { instance in
                SweepEntry(
                    instance: number,
                    address: instance.subject.address,
                    reading: instance.subject.evidence.reading,
                    condition: instance.subject.condition
                )
            }
        }
    }

    func count(_ account: Int32, desired: RunState) -> Int {
        instances.count { $0.value.account == account && self.desired(of: $0.value) == desired }
    }

    private func desired(of instance: Instance) -> RunState {
        instance.agent.flatMap { agents[$0]?.facts.desired } ?? .stopped
    }

    /// What is known of instances, read as a batch of passes does.
    func reading(_ request: PassRequest) -> PassReading {
        var reading = PassReading(term: leases[request.account]?.term, subjects: [])
        for number in request.instances {
            guard let subject = subject(number) else { continue }
            reading.subjects.append((subject, instances[number]?.agent.flatMap { agents[$0]?.facts }))
        }
        return reading
    }

    /// Lets go of instances nobody owns, or whose agent leaves, that are proved to be down: what ``Departures`` does.
    mutating func letGo(of numbers: [Int64]) {
        for number in numbers {
            guard let instance = instances[number], let reading = instance.subject.evidence.reading,
                [.status(.stopped), .status(.failed), .missing].contains(reading),
                instance.agent.map({ agents[$0]?.facts.isLeaving ?? false }) ?? true
            else { continue }
            instances[number] = nil
            queue[number] = nil
            looks[number] = nil
        }
        let owners = Set(instances.values.compactMap(\.agent))
        for (agent, row) in agents where row.facts.isLeaving && !owners.contains(agent) {
            for (sequence, owner) in leftOut where owner == agent { matches[sequence] = matches[sequence] ?? agent }
            leftOut = leftOut.filter { $0.value != agent }
            agents[agent] = nil
            agentNumbers[row.id] = nil
        }
    }
}
