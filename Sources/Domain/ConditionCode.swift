extension Condition {
    /// The number stored in `observed_states.attention` for conditions that are exceptions.
    package var code: Int16 {
        switch self {
        case .converged: 0
        case .starting: 1
        case .stopping: 2
        case .drifted: 3
        case .needsPairing: 4
        case .needsAttention: 5
        case .held: 6
        case .unknown: 7
        case .unassigned: 8
        }
    }
}
