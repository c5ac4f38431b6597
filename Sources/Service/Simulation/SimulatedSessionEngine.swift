import Domain

/// An engine account as one replica reaches it.
struct SimulatedSessionEngine: SessionEngine {
    let engine: SimulatedEngine
    let account: Int32
    let caller: EngineCaller

    func send(
        _ call: EngineCall,
        to session: SessionAddress,
        departure: CallDeparture
    ) async -> EngineAnswer {
        let answer = await exchange(call, session, departure)
        switch engine.planted {
        case .clientRetries where call != .info && answer.verdict != .ok:
            return await exchange(call, session, departure)
        case .guessedOutcome where answer.verdict == .ambiguous && call != .info:
            return EngineAnswer(verdict: .ok, status: call == .stop ? .stopped : .starting, httpStatus: 200)
        case .departureDenied where answer.verdict == .ambiguous && call != .info:
            return EngineAnswer(verdict: .notSent)
        case .failedReadIsStopped where answer.reading == nil && call == .info:
            return EngineAnswer(verdict: .ok, status: .stopped, httpStatus: 200)
        case .looksTwice where call == .info:
            return await withTaskGroup(of: EngineAnswer.self) { group in
                for _ in 0..<2 { group.addTask { await exchange(call, session, departure) } }
                return await group.next() ?? answer
            }
        default: return answer
        }
    }

    private func exchange(
        _ call: EngineCall,
        _ session: SessionAddress,
        _ departure: CallDeparture
    ) async -> EngineAnswer {
        await engine.exchange(call, session.instanceID, account: account, caller: caller, departure: departure).1
    }
}

/// The same for an engine that lists.
struct SimulatedListingEngine: ListingEngine {
    let one: SimulatedSessionEngine

    func send(
        _ call: EngineCall,
        to session: SessionAddress,
        departure: CallDeparture
    ) async -> EngineAnswer {
        await one.send(call, to: session, departure: departure)
    }

    func list(departure: CallDeparture) async -> SessionList {
        let (number, answer) = await one.engine.exchange(
            nil,
            "",
            account: one.account,
            caller: one.caller,
            departure: departure
        )
        var statuses = one.engine.takeList(number)
        let sessions = one.engine.withState { state, _ in
            state.names.compactMap { state.sessions[$0] }.filter { $0.account == one.account }
        }
        if answer.verdict == .ok {
            one.engine.witness.see { state in
                for session in sessions {
                    if let status = statuses[session.id] { state.listed(number, session.instance, .status(status)) }
                }
            }
            if one.engine.planted == .listAbsenceIsOff {
                for session in sessions where statuses[session.id] == nil { statuses[session.id] = .stopped }
            }
        }
        return SessionList(answer, statuses: statuses)
    }
}
