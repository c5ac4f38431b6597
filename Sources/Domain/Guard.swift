/// What the blast-radius guard lets pass: every number with its reason.
package struct GuardPolicy: Sendable, Hashable {
    /// Instances of which something else may be desired at once, whatever the fleet: what a person does by hand.
    package var floor: Int64 = 5
    /// The same as a share of all instances, in percent; the larger of the two counts.
    package var percent: Int64 = 10
    /// How far back changes are added up, so that many small ones count as the large one they are.
    package var window: Duration = .seconds(300)
    /// How long something waits for somebody before it is dropped: a working day later the facts are others.
    package var lifetime: Duration = .seconds(86_400)

    package init() {}

    /// The most instances of which something else may be desired within ``window``.
    package func limit(fleet: Int64) -> Int64 { max(floor, fleet * percent / 100) }

    /// Whether a change of so many instances is more than may pass, after `recent` others within ``window``.
    package func forbids(_ changing: Int64, recent: Int64, fleet: Int64) -> Bool {
        changing > 0 && recent + changing > limit(fleet: fleet)
    }
}

/// Why something waits for a named person.
package enum GuardReason: String, Sendable, Hashable, CaseIterable {
    /// Too much would change within the window.
    case tooMany = "too_many"
    /// A stop would follow from a listing alone: nobody said that the agent is off.
    case fromListing = "from_listing"

    /// The sentence for people, in English.
    package var sentence: String {
        switch self {
        case .tooMany:
            "It would change what is desired of many sessions within a few minutes, so it waits until somebody confirms it."
        case .fromListing:
            "It would stop a session only because a list says so, so it waits until somebody confirms it."
        }
    }
}

/// What a change does to one instance: another state is desired of it than before.
package struct DesiredEffect: Sendable, Hashable {
    /// The agent whose facts the change is about.
    package var agentID: String
    package var before: RunState
    package var after: RunState

    package init(agentID: String, before: RunState, after: RunState) {
        self.agentID = agentID
        self.before = before
        self.after = after
    }
}

/// Decides which effects of a change have to wait for a named person; those of clock events are never asked about.
///
/// Pure. A change that goes beyond the limit waits as a whole: part of a mistake is a mistake too. Of a smaller one that is a
/// listing, its stops wait.
///
/// - Parameters:
///   - effects: one for each instance of which something else would be desired.
///   - isListing: whether nothing but a list of agents says so (an import).
///   - recent: how many instances of changes that passed within the window had an effect.
///   - fleet: how many instances there are.
///   - policy: the limits.
/// - Returns: the agents whose part waits, and why.
package func guardVerdict(
    _ effects: [DesiredEffect],
    isListing: Bool,
    recent: Int64,
    fleet: Int64,
    policy: GuardPolicy
) -> [String: GuardReason] {
    let isTooMuch = policy.forbids(Int64(effects.count), recent: recent, fleet: fleet)
    var waiting: [String: GuardReason] = [:]
    for effect in effects {
        if isListing, effect.before == .running, effect.after == .stopped {
            waiting[effect.agentID] = .fromListing
        } else if isTooMuch, waiting[effect.agentID] == nil {
            waiting[effect.agentID] = .tooMany
        }
    }
    return waiting
}
