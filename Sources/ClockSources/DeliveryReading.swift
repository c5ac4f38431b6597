package import Domain

/// What a genuine delivery says.
package struct DeliveryReading: Sendable, Hashable {
    /// The sender's id of this delivery, the same at every retry; `nil` when it sends none, and the
    /// ledger then knows a replay by the body.
    package var deliveryID: String?
    /// In the order the sender lists them; a record's punches by ``SourcePunch/ordinal``.
    package var punches: [SourcePunch]
    /// A stable label (``DeliveryLabel``) that tells why there are no punches; `nil` when there are some.
    package var ignored: String?
    /// Stable labels (``DeliveryLabel``) of what was odd but did not keep us from reading the rest.
    package var warnings: [String]

    package init(
        deliveryID: String? = nil,
        punches: [SourcePunch] = [],
        ignored: String? = nil,
        warnings: [String] = []
    ) {
        self.deliveryID = deliveryID
        self.punches = punches
        self.ignored = ignored
        self.warnings = warnings
    }
}

/// One thing a sender says happened, in the sender's own identifiers.
///
/// All punches of one version of a record replace all punches of its lower versions, so a reading always
/// holds a version's full set. The ledger tells repeats by (source, record, version, kind, ordinal), or by
/// event id where there is no record.
package struct SourcePunch: Sendable, Hashable {
    /// Who, as the sender calls them; `nil` only for a void, which may name the record alone.
    package var externalAgent: String?
    package var kind: PunchKind
    /// When it happened, by the sender's word; for a void, when the record was withdrawn.
    package var occurredAt: Timestamp
    /// The sender's id of the shift, timecard or attendance this belongs to; `nil` for a lone event.
    package var record: String?
    /// Grows with every change of the record; `nil` when the sender numbers nothing.
    package var version: Int64?
    /// Position inside the record: the start is 0, breaks follow by time, the end comes last.
    package var ordinal: Int16
    /// The sender's id of this event; `nil` where the record identifies it, since twin deliveries
    /// of one change carry different ids.
    package var eventID: String?

    package init(
        externalAgent: String?,
        kind: PunchKind,
        occurredAt: Timestamp,
        record: String? = nil,
        version: Int64? = nil,
        ordinal: Int16 = 0,
        eventID: String? = nil
    ) {
        self.externalAgent = externalAgent
        self.kind = kind
        self.occurredAt = occurredAt
        self.record = record
        self.version = version
        self.ordinal = ordinal
        self.eventID = eventID
    }
}

/// The stable words used in ``DeliveryReading/ignored`` and ``DeliveryReading/warnings``.
package enum DeliveryLabel {
    /// Genuine, but not in the sender's documented shape: malformed JSON, a missing or impossible field.
    package static let unusable = "unusable"
    /// An event type that says nothing about presence.
    package static let unknownType = "unknown-type"
    /// More items in one body than we take.
    package static let tooManyItems = "too-many-items"
    /// A list with nothing in it.
    package static let empty = "empty"
    /// A record that should be numbered came without its version.
    package static let noVersion = "no-version"
    /// A break that could not be placed in time was left out.
    package static let unusableBreak = "unusable-break"
    /// One item of a list could not be read; the others count.
    package static let unusableItem = "unusable-item"
    /// The sender calls a record closed without saying when it ended.
    package static let closedWithoutEnd = "closed-without-end"
    /// A record ends before it starts.
    package static let endBeforeStart = "end-before-start"
}

/// A delivery that is turned away before anything is kept of it.
///
/// Only what failed its proof, or lacks an id our own format demands, is refused. A genuine body that we
/// cannot use is accepted and ignored, because a 4xx makes some senders give up for good.
package struct SourceRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// Why it was refused.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// No signature or token, or not the right one.
        case badProof = "bad_proof"
        /// The source's settings demand an idempotency key and the delivery has none.
        case missingKey = "missing_key"
    }

    package var kind: Kind

    package init(_ kind: Kind) {
        self.kind = kind
    }

    /// The HTTP status of the answer.
    package var status: Int {
        switch kind {
        case .badProof: 401
        case .missingKey: 400
        }
    }

    /// Safe to log and to show: names neither what was sent nor what was expected.
    package var description: String {
        switch kind {
        case .badProof: "the delivery does not prove that it comes from this source"
        case .missingKey: "the delivery carries neither an Idempotency-Key nor an event id"
        }
    }
}
