import Domain
import FoundationEssentials

/// What happens to a deployment while it is under stress.
extension SimulatedWorld {
    /// Whether anything may break now.
    var isUnderStress: Bool { withState { $0.phase } == .stress }

    /// A place of a process that is there, drawn.
    private func place() -> Int? {
        withState { state in
            let places = state.replicas.indices.filter { state.replicas[$0] != nil }
            return places.isEmpty ? nil : state.numbers.pick(places)
        }
    }

    func replica() -> SimulatedReplica? { place().flatMap { place in withState { $0.replicas[place] } } }

    /// One thing breaks, and the next one later.
    func mishap() {
        guard isUnderStress else { return }
        let kind = draw { $0.below(100) }
        switch kind {
        case ..<12: strikeProcess { self.crash($0) }
        case ..<26: strikeProcess { self.freeze($0) }
        case ..<30: replica()?.stop()
        case ..<34: failOver()
        case ..<44: badWeather()
        case ..<66: engineFault()
        case ..<84: strikeSession()
        case ..<90: webhook()
        case ..<96: order()
        case ..<98: scan()
        default: mapStranger()
        }
        scheduler.after(draw { $0.microseconds(100_000...2 * scenario.mishapEvery) }) { self.mishap() }
    }

    /// Until nothing breaks any more.
    func takeEngineAway() {
        witness.tell("the engine is away")
        engine.set(.outage, to: 1000)
    }

    /// Strikes a process a few jobs later, so that any await can be where it happens.
    private func strikeProcess(_ what: @escaping @Sendable (Int) -> Void) {
        guard let place = place(), let replica = withState({ $0.replicas[place] }) else { return }
        scheduler.strike(replica.process, afterJobs: draw { $0.below(40) }) {
            if self.withState({ $0.replicas[place] === replica && $0.phase == .stress }) { what(place) }
        }
    }

    /// The database is away for a while; where what broke lies on the way to the engine as well, connections to that take long.
    private func failOver() {
        let (duration, lead) = draw { numbers in
            (
                numbers.microseconds(500_000...12_000_000),
                numbers.chance(500) ? numbers.microseconds(0...2_000_000) : nil
            )
        }
        guard let lead else { return database.failOver(for: duration) }
        witness.tell("the engine: connections take long")
        engine.set(.connects, to: 1000)
        scheduler.after(lead) { if self.isUnderStress { self.database.failOver(for: duration) } }
        scheduler.after(lead + duration) { self.engine.set(.connects, to: 0) }
    }

    private func badWeather() {
        let (weather, duration) = draw { numbers in
            (
                Weather(
                    refused: numbers.below(300),
                    lostReplies: numbers.below(200),
                    hung: numbers.below(80),
                    slow: numbers.below(600)
                ), numbers.microseconds(1_000_000...20_000_000)
            )
        }
        database.set(weather)
        witness.tell("bad weather on the way to the database")
        let age = withState { state in
            state.weatherAge += 1
            return state.weatherAge
        }
        scheduler.after(duration) {
            if self.withState({ $0.weatherAge }) == age { self.database.set(.fair) }
        }
    }

    private func engineFault() {
        let (fault, permille, duration) = draw { numbers in
            let fault = numbers.pick(numbers.chance(300) ? Self.rareFaults : EngineFault.allCases)
            let isTotal = fault == .outage || fault == .refused || numbers.chance(200)
            let isLong = fault == .keepsFalling || fault == .resurrect
            let lasts: ClosedRange<Int64> = isLong ? 60_000_000...250_000_000 : 2_000_000...40_000_000
            return (fault, isTotal ? 1000 : 50 + numbers.below(500), numbers.microseconds(lasts))
        }
        if !fault.strikesCalls, !Self.rareFaults.contains(fault) { return strikeSession() }
        witness.tell("the engine: \(fault.rawValue), \(permille) of 1000")
        engine.set(fault, to: permille)
        scheduler.after(duration) { self.engine.set(fault, to: 0) }
    }

    /// Everybody clocks in, and soon after all sessions fail, and fail again however often they are restarted.
    func storm() {
        for number in 1...scenario.agents { send([event("a\(number)", .clockIn, at: database.now())]) }
        scheduler.after(25_000_000) {
            self.witness.tell("all sessions fail")
            self.engine.set(.failedLoop, to: 1000)
            self.engine.withState { state, now in
                // A session that is struck so plans nothing.
                for name in state.names { _ = state.strike(.failedLoop, name, now: now) }
            }
        }
        scheduler.after(draw { $0.microseconds(90_000_000...150_000_000) }) { self.engine.set(.failedLoop, to: 0) }
    }

    /// Faults that have to last for a while, or to meet something else, before they show.
    private static let rareFaults: [EngineFault] = [
        .stuckStarting, .failedLoop, .keepsFalling, .startWins, .resurrect, .staleReads, .connects,
    ]

    private func strikeSession() {
        let fault = draw { numbers in
            numbers.chance(80)
                ? numbers.pick([EngineFault.vanish, .unpair, .unpair, .dead, .dead])
                : numbers.pick([EngineFault.selfStop, .selfStart, .selfRestart, .flicker, .failedLoop])
        }
        let name = engine.withState { state, _ in state.names.isEmpty ? "" : state.numbers.pick(state.names) }
        witness.tell("\(name): \(fault.rawValue)")
        let steps = engine.withState { state, now in state.strike(fault, name, now: now) }
        for step in steps { engine.plan(step) }
    }

    /// An engine tells of a change of a session by webhook: at once or late, before or after others, once, twice or never, and
    /// one in ten is not true.
    private func webhook() {
        let told = engine.withState { state, now -> (SessionHint, Wake)? in
            guard !state.names.isEmpty, let session = state.sessions[state.numbers.pick(state.names)] else {
                return nil
            }
            let changes = session.past.map { ($0.status, $0.until) } + [(session.status, now)]
            let place = state.numbers.below(changes.count)
            let isTrue = !state.numbers.chance(100)
            let status = isTrue ? changes[place].0 : state.numbers.pick([.working, .stopped, .failed, .scanQRCode])
            let at = place == 0 ? now : changes[place - 1].1
            let hint = SessionHint(
                id: "\(session.id) \(at) \(isTrue)",
                at: Timestamp(microseconds: at),
                instanceID: session.id,
                status: status
            )
            return (hint, Wake(instance: session.instance, account: session.account))
        }
        guard let (hint, wake) = told else { return }
        for _ in 0..<draw({ $0.below(3) }) {
            guard let replica = replica() else { return }
            let delay = draw { $0.chance(500) ? $0.microseconds(1000...50_000) : $0.microseconds(0...10_000_000) }
            scheduler.after(delay) {
                if self.scheduler.standing(of: replica.process) != .dead { replica.take(hint, wake) }
            }
        }
    }

    /// A person holds an agent, lets go, asks for a clean start, or removes somebody.
    private func order() {
        guard let replica = replica() else { return }
        let agents = database.withTables { tables, _ in tables.agents.keys.sorted() }
        guard !agents.isEmpty else { return }
        let (agent, kind, minutes, state) = draw { numbers in
            (numbers.pick(agents), numbers.below(10), Int64(numbers.below(120)), numbers.pick(RunState.allCases))
        }
        witness.tell("\(replica.id.short) takes an order about agent \(agent)")
        let witness = witness
        replica.order { tables, policy, now in
            switch kind {
            case ..<5:
                let hold = Hold(state: state, until: now + .seconds(5 + minutes), reason: "simulated", author: "seed")
                return tables.hold(agent, hold, policy: policy, now: now)
            case ..<7: return tables.release(agent, policy: policy, now: now)
            case ..<9:
                let wakes = tables.askReboot(of: agent, policy: policy, now: now)
                for wake in wakes {
                    witness.see { _ = $0.tracks[wake.instance, default: .init()].rebootsAskedAt.insert(now) }
                }
                return wakes
            default:
                tables.agents[agent]?.facts.isLeaving = true
                return tables.recompute([agent], policy: policy, now: now)
            }
        }
    }

    /// An agent scans the code of a session that shows one.
    private func scan() {
        let name = engine.withState { state, now -> String? in
            let names = state.names.filter { state.sessions[$0]?.status == .scanQRCode }
            guard !names.isEmpty else { return nil }
            let name = state.numbers.pick(names)
            state.scan(name, now: now)
            return name
        }
        if let name { witness.tell("\(name): its code is scanned") }
    }

    /// Somebody whom events named before is made an agent.
    private func mapStranger() {
        let number = withState { state -> Int? in
            guard state.strangers < scenario.strangers else { return nil }
            state.strangers += 1
            return state.strangers
        }
        guard let number, let replica = replica() else { return }
        let id = "s\(number)"
        witness.tell("\(replica.id.short) makes \(id) an agent")
        let (witness, engine) = (witness, engine)
        replica.order { tables, policy, now in
            guard tables.agentNumbers[id] == nil else { return [] }
            let agent = tables.addAgent(id, now: now)
            let instance = tables.addInstance("i-\(id)", account: 1, agent: agent)
            engine.add(EngineSession(id: "i-\(id)", instance: instance, account: 1))
            let wakes = tables.claim(agent, policy: policy, now: now)
            witness.see { $0.claimed(agent, before: .out, tables, now: now) }
            return wakes
        }
    }
}
