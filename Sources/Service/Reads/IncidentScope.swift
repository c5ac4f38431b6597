import Domain
import LibPQ

extension IncidentKind {
    /// Which sessions of its account an incident is about, by the reason of what is decided on them.
    enum Scope: Sendable {
        case all
        case only([Reason])
        /// All but those that are as they are for a reason of their own.
        case allBut([Reason])
    }

    /// Whom an incident is about: its agents are counted as its own, and the outside is told of it instead of each of them.
    var scope: Scope {
        switch self {
        case .accountRefused, .engineOutage, .readsRefused, .accountUnattended, .changeHeld, .sourceSilent: .all
        case .sessionsLoggedOut: .only([.pairingRequired])
        case .sessionsUnknown: .only([.sessionMissing])
        // Between two refusals it is being tried again.
        case .commandsRefused: .only([.startRefused, .stopRefused, .shouldRun, .shouldStop, .wentDown, .cameUp])
        case .sessionsSuspect: .only([.suspect])
        case .wordsUnknown: .only([.unknownWord])
        // Between two falls it is being started again.
        case .sessionsKeepFalling:
            .only([.keepsFalling, .confirmingDrift, .wentDown, .lookFirst, .startSent, .booting])
        case .sessionsFailing:
            .allBut([
                .pairingRequired, .sessionMissing, .unknownWord, .suspect, .startRefused, .stopRefused, .keepsFalling,
                .keepsComingUp, .listedOnly,
            ])
        }
    }
}

extension PQStatement.StringInterpolation {
    /// Writes the condition that an incident `i` is about the session of an observed state `o` of its account.
    ///
    /// A kind that this release does not know is about all of them.
    mutating func appendInterpolation(isAbout: Void) {
        appendLiteral("CASE i.kind")
        for kind in IncidentKind.allCases {
            let (reasons, isIn): ([Reason], String)
            switch kind.scope {
            case .all: continue
            case .only(let some): (reasons, isIn) = (some, "IN")
            case .allBut(let others): (reasons, isIn) = (others, "NOT IN")
            }
            let words = reasons.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            appendLiteral(" WHEN '\(kind.rawValue)' THEN o.reason \(isIn) (\(words))")
        }
        appendLiteral(" ELSE true END")
    }
}
