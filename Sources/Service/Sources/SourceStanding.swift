package import Domain

/// How a clock source is doing, in one word.
package enum SourceState: String, Sendable, Hashable, CaseIterable {
    /// Nothing came yet.
    case waiting
    case receiving
    /// It was heard once, and then for longer than it may be silent it was not.
    case silent
    /// The last few things that came were all refused, or the sender's API refuses to say what deliveries only name.
    case refusing

    /// Refusals in a row that are taken for more than chance.
    static let refusalsInARow: Int64 = 3

    /// Judges a source.
    ///
    /// Pure. Silence goes before refusals: what is refused cannot be told from what anybody sends.
    ///
    /// `isFetchRefused`: whether the sender's API turns down the credential that records are fetched with.
    init(lastSeenAt: Timestamp?, refusedSinceSeen: Int64, isSilent: Bool, isFetchRefused: Bool = false) {
        if isSilent {
            self = .silent
        } else if isFetchRefused || refusedSinceSeen >= Self.refusalsInARow
            || (lastSeenAt == nil && refusedSinceSeen > 0)
        {
            self = .refusing
        } else {
            self = lastSeenAt == nil ? .waiting : .receiving
        }
    }
}

/// Everything that is shown of a source as a whole.
package struct SourceStanding: Sendable {
    /// Requests by what they came to.
    package struct Counts: Sendable, Hashable {
        var byOutcome: [SourceOutcome: Int64] = [:]

        subscript(outcome: SourceOutcome) -> Int64 { byOutcome[outcome, default: 0] }

        package var refused: Int64 { byOutcome.reduce(0) { $0 + ($1.key.isRefusal ? $1.value : 0) } }

        package var total: Int64 { byOutcome.values.reduce(0, +) }
    }

    var sourceID: Int32
    package var name: String
    /// The kind's word; `native` for our own format; `nil` for a source that is not set up any more.
    package var kind: String?
    package var state: SourceState
    package var lastSeenAt: Timestamp?
    var lastRefusedAt: Timestamp?
    /// The newest refusal that was noted.
    var lastRefusal: SourceRefusalNote?
    /// Of the day by UTC, and of that and the six before.
    package var today: Counts
    package var week: Counts
    /// How long it may be silent; `nil` for ever.
    var silenceLimit: Duration?
    var silentSince: Timestamp?
    /// Whether the last few things that came were all refused, whatever else there is.
    var areDeliveriesRefused = false
    /// What its deliveries named and what could not be fetched.
    package var unfetched: UnfetchedRecords
    /// Names of people nobody knows, counted to ``UnmatchedNameStatements/countLimit``.
    package var unmatched: Int64
}
