import Domain

/// What a command that was let through did, or why the session refused it.
enum CommandResult {
    /// The status the answer claims.
    case done(Effect, claims: SessionStatus)
    /// 422: the session is not in a state for it.
    case refused(String)
    /// 502: the container of the last run is still there.
    case tooSoon
}

extension World {
    /// Starts a session; what one does that runs already, or failed, is the behaviour's.
    mutating func start(_ index: Int, _ contract: Contract, now: Timestamp) -> CommandResult {
        let session = sessions[index]
        switch session.status {
        case .stopped:
            return boot(index, contract, now: now)
        case .failed:
            if behaviour.startWhenFailed == .refuse { return .refused("Session '\(session.name)' is FAILED.") }
            return boot(index, contract, now: now)
        case .starting, .scanQRCode, .working, .suspect, .unknown:
            switch behaviour.startWhenRunning {
            case .noop:
                return .done(.none, claims: session.status)
            case .refuse:
                return .refused("Session '\(session.name)' is already started.")
            case .flap:
                beginBoot(index, at: now)
                return .done(.restarted, claims: .starting)
            }
        }
    }

    /// Stops a session, whatever it is doing; a fault may have a boot under way win, or start it again later.
    mutating func stop(_ index: Int, now: Timestamp) -> CommandResult {
        let session = sessions[index]
        guard session.status != .stopped else {
            if behaviour.stopWhenStopped == .refuse { return .refused("Session '\(session.name)' is not started.") }
            return .done(.none, claims: .stopped)
        }
        let undo =
            session.status == .starting
            ? faults.take([.startWins], for: .stop, of: session.instanceID, now: now) : nil
        halt(index, at: now, keepingSteps: undo != nil)
        if let fault = faults.take([.resurrect], for: .stop, of: session.instanceID, now: now) {
            schedule(index, .starting, at: now + .milliseconds(fault.parameters.afterMs ?? 60_000))
        }
        return .done(.stopped, claims: .stopped)
    }

    /// Stops a session and boots it again, after the time that a stop takes; boots one that is stopped.
    mutating func restart(_ index: Int, _ contract: Contract, now: Timestamp) -> CommandResult {
        guard sessions[index].status != .stopped else { return boot(index, contract, now: now) }
        halt(index, at: now, keepingSteps: false)
        if configuration.stopTime > .zero {
            schedule(index, .starting, at: now + configuration.stopTime)
        } else {
            beginBoot(index, at: now)
        }
        return .done(.restarted, claims: .starting)
    }

    mutating func logOut(_ index: Int, now: Timestamp) -> CommandResult {
        unpair(index, now: now)
        return .done(.loggedOut, claims: sessions[index].status)
    }

    /// Takes the pairing away; what runs asks for a scan.
    mutating func unpair(_ index: Int, now: Timestamp) {
        edit(index) { $0.isPaired = false }
        guard sessions[index].isRunning else { return }
        edit(index) { session in
            session.steps = []
            session.codes = 0
        }
        enter(index, .scanQRCode, at: now)
    }

    /// A person scanned the code: the session is paired, and works if it was waiting for that.
    mutating func pair(_ index: Int, now: Timestamp) {
        edit(index) { $0.isPaired = true }
        guard sessions[index].status == .scanQRCode else { return }
        edit(index) { $0.steps = [] }
        enter(index, .working, at: now)
    }

    /// Makes a session STOPPED, as its own doing or on command.
    mutating func halt(_ index: Int, at instant: Timestamp, keepingSteps: Bool) {
        if !keepingSteps { edit(index) { $0.steps = [] } }
        enter(index, .stopped, at: instant)
        let acknowledged = instant + configuration.stopTime
        edit(index) { $0.stoppedAt = acknowledged }
    }

    private mutating func boot(_ index: Int, _ contract: Contract, now: Timestamp) -> CommandResult {
        let gap = Duration.milliseconds(behaviour.stopStartGapMs)
        let isTooSoon =
            contract.refusesSoonStarts && sessions[index].stoppedAt.map { now < $0 + gap } ?? false
        if isTooSoon, behaviour.startTooSoon == .refuse { return .tooSoon }
        beginBoot(index, at: now, fails: isTooSoon && behaviour.startTooSoon == .fail)
        return .done(.started, claims: .starting)
    }
}
