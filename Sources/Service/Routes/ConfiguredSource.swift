package import ClockSources

/// One configured sender and how its deliveries are read.
package struct ConfiguredSource: Sendable {
    package var name: String
    /// What it is, for people; `nil` for a sender that is none of the known kinds.
    package var kind: SourceKind?
    package var reader: any ClockSource
    /// Whether an external id that equals an agent id matches without an alias.
    package var matchesAgentID: Bool
    /// Whether an id that was used for another event is answered with 422: for senders that were written for us.
    ///
    /// Others get a 2xx for all that is genuine, since a 4xx makes some of them give up for good.
    package var refusesConflicts: Bool
    package var limits: SourceLimits
    /// How long it may send nothing genuine before that is an incident; zero for ever.
    package var silence: Duration
    /// Fetches the records that the sender's deliveries only name; `nil` for senders that say all.
    package var fetcher: (any RecordFetcher)?

    package init(
        name: String,
        kind: SourceKind? = nil,
        reader: any ClockSource,
        matchesAgentID: Bool,
        refusesConflicts: Bool = false,
        limits: SourceLimits = SourceLimits(),
        silence: Duration = .zero,
        fetcher: (any RecordFetcher)? = nil
    ) {
        self.name = name
        self.kind = kind
        self.reader = reader
        self.matchesAgentID = matchesAgentID
        self.refusesConflicts = refusesConflicts
        self.limits = limits
        self.silence = silence
        self.fetcher = fetcher
    }
}

/// How much one source may send, judged before anything of it is read.
package struct SourceLimits: Sendable, Hashable {
    /// Deliveries a second; as many at once after a quiet second.
    package var deliveriesPerSecond: Int
    /// Bytes of one delivery's body.
    package var bodySize: Int

    /// - Parameters:
    ///   - deliveriesPerSecond: more than one machine commits by default, so that only a flood is refused.
    ///   - bodySize: by default what every route takes.
    package init(deliveriesPerSecond: Int = 20_000, bodySize: Int = 1_048_576) {
        self.deliveriesPerSecond = deliveriesPerSecond
        self.bodySize = bodySize
    }
}
