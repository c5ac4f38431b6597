/// A kind of sender that we can read.
///
/// Each adapter's file says what it is; ``allCases`` lists them.
package struct SourceKind: RawRepresentable, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// All kinds, in the order in which people are told of them.
    package static let allCases: [SourceKind] = [
        .square,
        .genericBearer,
        .standardWebhooks,
        .cloudEvents,
        .rfc9421,
        .toggl,
        .clockify,
        .twilio,
        .deputy,
        .frappe,
        .odoo,
        .zendesk,
        .sevenShifts,
        .factorial,
        .personio,
    ]

    /// The word of `ROLLCALL_SOURCE_<NAME>_KIND`.
    package let rawValue: String
    /// Whether an external id equal to an agent id matches without an alias, unless the settings say otherwise.
    package let matchesAgentID: Bool
    /// Whether an id that was used for another event is answered with 422: for senders that are written for us.
    package let refusesConflicts: Bool
    /// The fewest characters a secret may have.
    package let secretLengthLimit: Int
    /// Makes the adapter of a source of this kind.
    let makeSource: @Sendable (SourceSettings) throws(SourceSettingsError) -> any ClockSource

    /// - Parameters:
    ///   - word: what the settings call it.
    ///   - matchesAgentID: for senders that are told our agent ids; a vendor's own ids could only equal one by chance.
    ///   - refusesConflicts: others get a 2xx for all that is genuine, since a 4xx makes some of them give up for good.
    ///   - secretLengthLimit: characters.
    ///   - makeSource: throws when the settings cannot make a safe source of the kind.
    init(
        _ word: String,
        matchesAgentID: Bool = false,
        refusesConflicts: Bool = false,
        secretLengthLimit: Int = SourceSettings.secretLengthLimit,
        makeSource: @escaping @Sendable (SourceSettings) throws(SourceSettingsError) -> any ClockSource
    ) {
        rawValue = word
        self.matchesAgentID = matchesAgentID
        self.refusesConflicts = refusesConflicts
        self.secretLengthLimit = secretLengthLimit
        self.makeSource = makeSource
    }

    /// The kind that a word means; `nil` for one that means none.
    package init?(rawValue: String) {
        guard let kind = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
        self = kind
    }

    package var description: String { rawValue }

    package static func == (left: SourceKind, right: SourceKind) -> Bool { left.rawValue == right.rawValue }

    package func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }
}
