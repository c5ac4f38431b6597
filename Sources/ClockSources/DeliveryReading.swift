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
    /// A record that the sender named without saying what is in it: it has to be fetched (``RecordNamingSource``).
    package var fetch: RecordReference?
    /// What this sender must hear instead of our usual receipt, once the reading is committed.
    package var answer: DeliveryAnswer?

    package init(
        deliveryID: String? = nil,
        punches: [SourcePunch] = [],
        ignored: String? = nil,
        warnings: [String] = [],
        fetch: RecordReference? = nil,
        answer: DeliveryAnswer? = nil
    ) {
        self.deliveryID = deliveryID
        self.punches = punches
        self.ignored = ignored
        self.warnings = warnings
        self.fetch = fetch
        self.answer = answer
    }
}

/// An answer that a sender's own rules prescribe.
package struct DeliveryAnswer: Sendable, Hashable {
    /// The HTTP status, a 2xx.
    package var status: Int
    /// Header fields besides the usual ones, by name.
    package var headers: [String: String]
    /// The body, which is JSON; `nil` for none.
    package var body: String?

    package init(status: Int, headers: [String: String] = [:], body: String? = nil) {
        self.status = status
        self.headers = headers
        self.body = body
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
    /// Grows with every change of the record.
    ///
    /// `nil` when the sender numbers nothing: the ledger then takes what the delivery says as newer than all it
    /// holds of the record, unless it equals what the record's last report says.
    package var version: Int64?
    /// Position inside the record: the start is 0, breaks follow by time, the end comes last.
    package var ordinal: Int16
    /// The sender's id of this event; `nil` where the record identifies it, since twin deliveries
    /// of one change carry different ids.
    package var eventID: String?
    /// Whether the sender said when it happened.
    ///
    /// Otherwise ``occurredAt`` is when it was sent, which differs from one attempt to the next, so two attempts
    /// with one id and different times are no contradiction.
    package var hasOwnTime: Bool

    package init(
        externalAgent: String?,
        kind: PunchKind,
        occurredAt: Timestamp,
        record: String? = nil,
        version: Int64? = nil,
        ordinal: Int16 = 0,
        eventID: String? = nil,
        hasOwnTime: Bool = true
    ) {
        self.externalAgent = externalAgent
        self.kind = kind
        self.occurredAt = occurredAt
        self.record = record
        self.version = version
        self.ordinal = ordinal
        self.eventID = eventID
        self.hasOwnTime = hasOwnTime
    }
}

/// The stable words used in ``DeliveryReading/ignored`` and ``DeliveryReading/warnings``.
package enum DeliveryLabel {
    /// Genuine, but not in the sender's documented shape: malformed JSON, a missing or impossible field.
    package static let unusable = "unusable"
    /// An event type that says nothing about presence.
    package static let unknownType = "unknown-type"
    /// A word that neither the settings nor the kind's usual words explain.
    package static let unmappedWord = "unmapped-word"
    /// A test call or handshake, about nobody.
    package static let handshake = "handshake"
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
    /// A device recorded that somebody came or went, but not which.
    package static let noDirection = "no-direction"
    /// A local time that the clock showed twice or not at all; read as the first, or moved forward.
    package static let ambiguousLocalTime = "ambiguous-local-time"
    /// A local time came, and the settings name no zone.
    package static let noTimeZone = "no-time-zone"
    /// Nobody clocked out: the sender's own rule did.
    package static let autoClockOut = "auto-clock-out"
    /// The sender is not set up to say when a record ends, so it stays open.
    package static let endNotSent = "end-not-sent"
    /// A record that a person turned down.
    package static let rejected = "rejected"
    /// The sender's API has no record of the id that its delivery named.
    package static let recordGone = "record-gone"
    /// A record ends before it starts.
    package static let endBeforeStart = "end-before-start"
}

/// A delivery that is turned away before anything is kept of it.
///
/// Only what failed its proof is refused, and what breaks a format, or a limit of it, that its sender chose because we read it.
/// A vendor's genuine body that we cannot use is accepted and ignored, because a 4xx makes some senders give
/// up for good.
package struct SourceRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// Why it was refused.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        /// No signature or token, or not the right one.
        case badProof = "bad_proof"
        /// The source's settings demand an idempotency key and the delivery has none.
        case missingKey = "missing_key"
        /// Not JSON, or without what the format itself demands.
        case malformed
        /// A content type that this kind of source does not read.
        case unsupportedFormat = "unsupported_format"
        /// More items in one body than we take, from a sender that can send fewer.
        case tooManyItems = "too_many_items"
    }

    package var kind: Kind

    package init(_ kind: Kind) {
        self.kind = kind
    }

    /// The HTTP status of the answer.
    package var status: Int {
        switch kind {
        case .badProof: 401
        case .missingKey, .malformed: 400
        case .unsupportedFormat: 415
        case .tooManyItems: 413
        }
    }

    /// Safe to log and to show: names neither what was sent nor what was expected.
    package var description: String {
        switch kind {
        case .badProof: "the delivery does not prove that it comes from this source"
        case .missingKey: "the delivery carries neither an Idempotency-Key nor an event id"
        case .malformed: "the delivery is not in the form that this kind of source demands"
        case .unsupportedFormat: "the delivery's content type is not one that this kind of source reads"
        case .tooManyItems: "the delivery holds more than 1,000 items"
        }
    }
}
