import ClockSources

// The words that people read for what comes of clock sources.
extension SourceState {
    var label: String {
        switch self {
        case .waiting: "waiting"
        case .receiving: "receiving"
        case .silent: "silent"
        case .refusing: "refusing"
        }
    }

    var sentence: String {
        switch self {
        case .waiting: "Nothing has come yet."
        case .receiving: "What comes is taken."
        case .silent: "It was heard once, and for longer than it may be silent it was not."
        case .refusing: "The last few things that came were all refused; see why below."
        }
    }
}

extension SourceOutcome {
    var label: String {
        switch self {
        case .accepted: "accepted"
        case .repeated: "repeated"
        case .ignored: "ignored"
        case .badProof: "not proved"
        case .malformed: "malformed"
        case .unsupported: "unsupported type"
        case .tooLarge: "too large"
        case .timedOut: "too slow"
        case .rateLimited: "too many"
        case .conflict: "id used twice"
        case .unavailable: "not committed"
        }
    }
}

extension EventEffect {
    var label: String {
        switch self {
        case .applied: "applied"
        case .superseded: "something newer stood"
        case .parked: "lay ahead"
        case .unmatched: "nobody was mapped to it"
        case .recorded: "changed nothing"
        }
    }
}

/// What people read for a word of `deliveries.effects`.
func effectLabel(_ word: String) -> String {
    switch word {
    case KeptEffect.replayed.word: "known already"
    case KeptEffect.conflict.word: "id used twice"
    default: EventEffect(rawValue: word)?.label ?? word
    }
}
