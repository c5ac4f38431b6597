/// How an agent's shift and session agree, in one word that people read for the two together.
///
/// In the order of how badly somebody is needed, worst first.
package enum Agreement: String, Sendable, Hashable, CaseIterable {
    /// Here, should work and cannot; Rollcall is at the end of its means.
    case stuck
    /// The engine refuses our credential, so nothing can be done or seen.
    case refused
    /// Here, and the session waits for its phone to scan the code.
    case mustScan = "must_scan"
    /// Here, and nobody mapped an instance.
    case hereUnmapped = "here_unmapped"
    /// Here, and nobody knows whether the session runs.
    case hereUnsure = "here_unsure"
    /// Here, and the session does not run; Rollcall is repairing it.
    case mute
    /// Not here; somebody holds the session running, it does not, and Rollcall is at the end of its means.
    case heldStuck = "held_stuck"
    /// Not here; somebody holds the session running, and it does not.
    case heldMute = "held_mute"
    /// The session runs and should not, and cannot be stopped.
    case runaway
    /// Not here, and the session runs; Rollcall is stopping it.
    case alone
    /// Here, and the session runs although a hold or the break says that it should not.
    case againstOrder = "against_order"
    /// A list brought the session, which runs, and nobody ever said that its agent is off, so it is not stopped yet.
    case listedOn = "listed_on"
    /// Here, and somebody holds the session stopped.
    case hereHeldOff = "here_held_off"
    /// Here, and somebody holds the session running.
    case hereHeldOn = "here_held_on"
    case comingUp = "coming_up"
    case goingDown = "going_down"
    /// Not here; somebody holds the session running.
    case heldOn = "held_on"
    /// Not here; somebody holds the session stopped.
    case heldOff = "held_off"
    /// Not here, and nobody knows whether the session runs.
    case unsure
    /// Here, and the session runs.
    case fine
    /// On break, and the session is stopped for that.
    case offForBreak = "off_for_break"
    /// Not here, and the session is stopped.
    case off
    /// Not here, and without an instance.
    case unmapped

    /// Whether it lists among what needs somebody.
    ///
    /// The same as ``needsSomebody(shift:desired:condition:)`` of what it comes from, so that counts by these say how many there are.
    package var needsSomebody: Bool {
        switch self {
        case .stuck, .refused, .mustScan, .hereUnmapped, .hereUnsure, .mute, .heldStuck, .heldMute, .runaway, .alone,
            .againstOrder, .listedOn, .hereHeldOff:
            true
        case .hereHeldOn, .comingUp, .goingDown, .heldOn, .heldOff, .unsure, .fine, .offForBreak, .off, .unmapped: false
        }
    }

    /// Its place among all, worst first.
    package var rank: Int { Self.ranks[self] ?? Self.allCases.count }

    private static let ranks = Dictionary(uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}

/// Whether an agent who stands so needs somebody: whoever is at work and cannot, also since somebody holds the session
/// stopped, and any session that is not as it should be.
package func needsSomebody(shift: Shift, desired: RunState, condition: Condition) -> Bool {
    switch condition {
    case .needsAttention, .needsPairing, .drifted: true
    case .unknown, .unassigned: shift != .out
    case .held: shift != .out && desired == .stopped
    case .converged, .starting, .stopping: false
    }
}

/// Names how an agent's shift and session agree.
///
/// Pure and total. `shift`: where the agent is, as the ledger tells it. `desired`: whether the session should run.
/// `condition`: how it stands. `reason`: why.
package func agreement(shift: Shift, desired: RunState, condition: Condition, reason: Reason) -> Agreement {
    let isHere = shift != .out
    let isWanted = desired == .running
    return switch condition {
    case .needsAttention:
        switch (reason, isHere, isWanted) {
        case (.accountRefused, _, _): .refused
        case (.listedOnly, _, _): .listedOn
        case (_, true, true): .stuck
        case (_, false, true): .heldStuck
        case (_, _, false): .runaway
        }
    case .needsPairing: .mustScan
    case .drifted:
        switch (isHere, isWanted) {
        case (true, true): .mute
        case (false, true): .heldMute
        case (true, false): .againstOrder
        case (false, false): .alone
        }
    case .unassigned: isHere ? .hereUnmapped : .unmapped
    case .unknown: isHere ? .hereUnsure : .unsure
    case .held:
        switch (isHere, isWanted) {
        case (true, true): .hereHeldOn
        case (true, false): .hereHeldOff
        case (false, true): .heldOn
        case (false, false): .heldOff
        }
    case .starting: .comingUp
    case .stopping: .goingDown
    case .converged: isWanted ? .fine : (isHere ? .offForBreak : .off)
    }
}

/// What has to be so of an agent for one agreement, in the terms that an index, a count or a row can be asked for.
///
/// Each agreement is of one condition, and no two of the same condition have an agent in common.
package struct AgreementTerms: Sendable, Hashable {
    package var condition: Condition
    /// Whether the agent is at work, on shift or on break; `nil` where it does not matter.
    package var isHere: Bool?
    /// `nil` where it does not matter.
    package var desired: RunState?
    /// Whether the engine refuses our credential; `nil` where it does not matter.
    package var isRefused: Bool?
    /// Whether a list alone brought the session; `nil` where it does not matter.
    package var isListed: Bool?

    init(
        _ condition: Condition,
        isHere: Bool? = nil,
        desired: RunState? = nil,
        isRefused: Bool? = nil,
        isListed: Bool? = nil
    ) {
        self.condition = condition
        self.isHere = isHere
        self.desired = desired
        self.isRefused = isRefused
        self.isListed = isListed
    }

    /// Of whom Rollcall is at the end of its means.
    fileprivate static func stuck(isHere: Bool? = nil, desired: RunState) -> AgreementTerms {
        AgreementTerms(.needsAttention, isHere: isHere, desired: desired, isRefused: false, isListed: false)
    }
}

extension Agreement {
    /// Of whom ``agreement(shift:desired:condition:reason:)`` says this.
    package var terms: AgreementTerms {
        switch self {
        case .stuck: .stuck(isHere: true, desired: .running)
        case .refused: AgreementTerms(.needsAttention, isRefused: true)
        case .mustScan: AgreementTerms(.needsPairing)
        case .hereUnmapped: AgreementTerms(.unassigned, isHere: true)
        case .hereUnsure: AgreementTerms(.unknown, isHere: true)
        case .mute: AgreementTerms(.drifted, isHere: true, desired: .running)
        case .heldStuck: .stuck(isHere: false, desired: .running)
        case .heldMute: AgreementTerms(.drifted, isHere: false, desired: .running)
        case .runaway: .stuck(desired: .stopped)
        case .alone: AgreementTerms(.drifted, isHere: false, desired: .stopped)
        case .againstOrder: AgreementTerms(.drifted, isHere: true, desired: .stopped)
        case .listedOn: AgreementTerms(.needsAttention, isListed: true)
        case .hereHeldOff: AgreementTerms(.held, isHere: true, desired: .stopped)
        case .hereHeldOn: AgreementTerms(.held, isHere: true, desired: .running)
        case .comingUp: AgreementTerms(.starting)
        case .goingDown: AgreementTerms(.stopping)
        case .heldOn: AgreementTerms(.held, isHere: false, desired: .running)
        case .heldOff: AgreementTerms(.held, isHere: false, desired: .stopped)
        case .unsure: AgreementTerms(.unknown, isHere: false)
        case .fine: AgreementTerms(.converged, desired: .running)
        case .offForBreak: AgreementTerms(.converged, isHere: true, desired: .stopped)
        case .off: AgreementTerms(.converged, isHere: false, desired: .stopped)
        case .unmapped: AgreementTerms(.unassigned, isHere: false)
        }
    }
}

/// Whose turn it is to do something.
package enum Turn: String, Sendable, Hashable, CaseIterable {
    case nobody
    /// It is being done; people wait.
    case rollcall
    /// The agent scans the code.
    case agent
    /// Somebody who manages the team looks at it.
    case manager
    /// Somebody who may map gives the agent the right instance.
    case mapper
    /// Whoever runs the engine brings it back.
    case engine
    /// Whoever runs Rollcall mends its credential, or has somebody act for the engine again.
    case `operator`
    /// Whoever holds it, or the hold's end.
    case holder
}

extension Agreement {
    /// Whose turn it is, by why it stands so.
    ///
    /// `isAttended`: whether somebody acts for the session's engine. While nobody does, Rollcall is at nothing there and the
    /// engine is asked nothing, so that it is for whoever runs Rollcall what is otherwise for those two.
    package func turn(_ reason: Reason, isAttended: Bool = true) -> Turn {
        let own = attendedTurn(reason)
        return switch own {
        case .rollcall, .engine: isAttended ? own : .operator
        case .nobody, .agent, .manager, .mapper, .operator, .holder: own
        }
    }

    private func attendedTurn(_ reason: Reason) -> Turn {
        switch self {
        case .stuck, .heldStuck, .runaway: reason == .sessionMissing ? .mapper : .manager
        case .listedOn: .manager
        case .refused: .operator
        case .mustScan: .agent
        case .hereUnmapped: .mapper
        case .hereUnsure, .unsure:
            switch reason {
            case .unknownWord: .manager
            case .neverRead: .rollcall
            default: .engine
            }
        case .mute, .heldMute, .alone, .againstOrder, .comingUp, .goingDown: .rollcall
        case .hereHeldOff, .hereHeldOn, .heldOn, .heldOff: .holder
        case .fine, .offForBreak, .off, .unmapped: .nobody
        }
    }
}
