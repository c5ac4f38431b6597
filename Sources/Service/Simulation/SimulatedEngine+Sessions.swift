import Domain
import FoundationEssentials

/// What calls and faults do to sessions.
extension SimulatedEngine.State {
    /// What befalls a call on its way; drawn among the faults in force.
    mutating func fate(of call: EngineCall?) -> EngineFault? {
        for fault in EngineFault.allCases where fault.strikesCalls && fault != .connects {
            guard let permille = faults[fault], concerns(fault, call), numbers.chance(permille) else { continue }
            return fault
        }
        return nil
    }

    private func concerns(_ fault: EngineFault, _ call: EngineCall?) -> Bool {
        switch fault {
        case .staleReads, .strangeWord: call == .info || call == nil
        case .leavesOut: call == nil
        case .late, .failsEarly, .lies, .noWord, .errorBody, .effectWithoutReply, .refusedForGood:
            call != nil && call != .info
        default: true
        }
    }

    /// How long a call waits for a connection before it leaves, in microseconds.
    mutating func connectionWait() -> Int64 {
        guard let permille = faults[.connects], numbers.chance(permille) else { return 0 }
        return numbers.microseconds(50_000...4_500_000)
    }

    mutating func latencies(isSlow: Bool) -> (there: Int64, back: Int64) {
        isSlow
            ? (numbers.microseconds(100_000...3_000_000), numbers.microseconds(100_000...6_000_000))
            : (numbers.microseconds(1000...30_000), numbers.microseconds(1000...60_000))
    }

    mutating func serve(
        _ number: Int,
        _ call: EngineCall?,
        _ id: String,
        account: Int32,
        fate: EngineFault?,
        now: Int64
    ) -> (EngineAnswer?, [SimulatedEngine.Step]) {
        switch fate {
        case .hung: return (nil, [])
        case .refused: return (EngineAnswer(verdict: .auth, httpStatus: 401), [])
        case .failsBefore: return (EngineAnswer(verdict: .transient, httpStatus: 502), [])
        // As a missing parameter, or a subscription that is over.
        case .refusedForGood:
            return (EngineAnswer(verdict: .permanent, httpStatus: numbers.chance(500) ? 400 : 403), [])
        case .tooMany:
            return (EngineAnswer(verdict: .transient, httpStatus: 429, retryAfter: .seconds(2)), [])
        default: break
        }
        guard let call else { return (list(number, account: account, fate: fate, now), []) }
        guard let session = sessions[id], session.exists else {
            return (EngineAnswer(verdict: .missing, httpStatus: 404), [])
        }
        if call == .info { return (EngineAnswer(verdict: .ok, status: said(session, fate, now), httpStatus: 200), []) }
        if fate == .lies {
            return (EngineAnswer(verdict: .ok, status: call == .stop ? .stopped : .starting, httpStatus: 200), [])
        }
        let steps = command(call, id, now: now)
        let answer: EngineAnswer? =
            switch fate {
            case .late, .failsEarly, .effectWithoutReply: nil
            case .failsAfter: EngineAnswer(verdict: .transient, httpStatus: 502)
            case .noWord: EngineAnswer(verdict: .verify, httpStatus: 200)
            case .errorBody: EngineAnswer(verdict: .errorBody, httpStatus: 200)
            default: EngineAnswer(verdict: .ok, status: sessions[id]?.status, httpStatus: 200)
            }
        return (answer, steps)
    }

    private mutating func said(_ session: EngineSession, _ fate: EngineFault?, _ now: Int64) -> SessionStatus {
        switch fate {
        case .staleReads: session.status(at: now - numbers.microseconds(500_000...15_000_000))
        case .strangeWord: .unknown("MIGRATING")
        default: session.status
        }
    }

    private mutating func list(_ number: Int, account: Int32, fate: EngineFault?, _ now: Int64) -> EngineAnswer {
        var listed: [String: SessionStatus] = [:]
        for name in names {
            guard let session = sessions[name], session.exists, session.account == account else { continue }
            if fate == .leavesOut, numbers.chance(500) { continue }
            listed[name] = said(session, fate, now)
        }
        lists[number] = listed
        return EngineAnswer(verdict: .ok, httpStatus: 200)
    }

    private mutating func command(_ call: EngineCall, _ id: String, now: Int64) -> [SimulatedEngine.Step] {
        guard var session = sessions[id] else { return [] }
        defer { sessions[id] = session }
        switch call {
        case .info: return []
        case .start:
            guard !session.isRunning else { return [] }
            return [boot(&session, now: now)]
        case .restart:
            session.enter(.stopped, at: now)
            return [boot(&session, now: now)]
        case .stop:
            guard session.status != .stopped else { return [] }
            let wins = session.status == .starting && numbers.chance(faults[.startWins] ?? 0)
            let resurrects = numbers.chance(faults[.resurrect] ?? 0)
            session.age += 1
            session.enter(.stopped, at: now)
            session.stoppedAt = now
            guard wins || resurrects else { return [] }
            let delay = wins ? numbers.microseconds(500_000...6_000_000) : numbers.microseconds(5_000_000...60_000_000)
            return [.init(id: id, age: session.age, after: delay, status: wins ? .working : .starting)]
        }
    }

    /// Begins to boot.
    ///
    /// Returns how it ends.
    mutating func boot(_ session: inout EngineSession, now: Int64) -> SimulatedEngine.Step {
        session.age += 1
        session.enter(.starting, at: now)
        let time = numbers.microseconds(1_000_000...7_000_000)
        var end: SessionStatus = session.isPaired ? .working : .scanQRCode
        if numbers.chance(faults[.failedLoop] ?? 0) { end = .failed }
        let isStuck = numbers.chance(faults[.stuckStarting] ?? 0)
        return .init(id: session.id, age: session.age, after: isStuck ? .max / 4 : time, status: end)
    }

    /// What was planned happens, unless something else did meanwhile.
    mutating func take(_ step: SimulatedEngine.Step, now: Int64) -> [SimulatedEngine.Step] {
        guard var session = sessions[step.id], session.exists, session.age == step.age else { return [] }
        defer { sessions[step.id] = session }
        if step.status == .starting { return [boot(&session, now: now)] }
        // Whose telephone is gone works no more, whatever was to come.
        let status: SessionStatus = step.status == .working && !session.isPaired ? .scanQRCode : step.status
        session.enter(status, at: now)
        if status == .scanQRCode { return showCodes(&session) }
        guard status == .working, numbers.chance(faults[.keepsFalling] ?? 0) else { return [] }
        return [
            .init(id: step.id, age: session.age, after: numbers.microseconds(1_000_000...8_000_000), status: .stopped)
        ]
    }

    /// A session asks for a scan; returns how that ends if nobody does.
    private func showCodes(_ session: inout EngineSession) -> [SimulatedEngine.Step] {
        guard let codesLast else { return [] }
        session.age += 1
        return [.init(id: session.id, age: session.age, after: codesLast, status: .failed)]
    }

    /// Somebody scans the code that a session shows, if it shows one.
    mutating func scan(_ id: String, now: Int64) {
        guard var session = sessions[id], session.exists, session.status == .scanQRCode else { return }
        session.isPaired = true
        session.age += 1
        session.enter(.working, at: now)
        sessions[id] = session
    }

    /// Strikes one session.
    mutating func strike(_ fault: EngineFault, _ id: String, now: Int64) -> [SimulatedEngine.Step] {
        guard var session = sessions[id], session.exists else { return [] }
        defer { sessions[id] = session }
        switch fault {
        case .vanish: session.exists = false
        case .unpair:
            session.isPaired = false
            guard session.status == .working || session.status == .suspect else { return [] }
            session.enter(.scanQRCode, at: now)
            return showCodes(&session)
        case .dead:
            // Until somebody has it boot again; it says that it works, and names no account.
            guard session.status == .working else { return [] }
            session.age += 1
            session.enter(.suspect, at: now)
        case .selfStop:
            guard session.isRunning else { return [] }
            session.age += 1
            session.enter(.stopped, at: now)
        case .failedLoop:
            guard session.isRunning else { return [] }
            session.age += 1
            session.enter(.failed, at: now)
        case .selfRestart:
            guard session.isRunning else { return [] }
            return [boot(&session, now: now)]
        case .selfStart:
            guard !session.isRunning else { return [] }
            return [boot(&session, now: now)]
        case .flicker:
            guard session.status == .working else { return [] }
            session.enter(.stopped, at: now)
            let delay = numbers.microseconds(500_000...12_000_000)
            return [.init(id: id, age: session.age, after: delay, status: .working)]
        default: break
        }
        return []
    }
}
