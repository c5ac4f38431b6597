import Domain
import FoundationEssentials

/// Turns what a sender wrote into an event that can be committed, or says what is wrong with it.
///
/// Pure.
struct EventAdmission: Sendable {
    /// Characters in an event id.
    static let eventIDLimit = 200
    /// The earliest time an event may have happened: 2000-01-01T00:00:00Z.
    static let earliest = Timestamp(seconds: 946_684_800)
    /// How far ahead an event may lie.
    static let furthestAhead: Duration = .seconds(366 * 86_400)

    /// An event this far ahead counts as now (`ROLLCALL_CLOCK_SKEW`).
    let skew: Duration

    /// Checks one event.
    ///
    /// `body`: what the sender wrote.
    /// `headerID`: the id from `Idempotency-Key`.
    /// `sourceID`: whose event it is.
    /// `now`: when it was received, by the database's clock.
    func admit(
        _ body: ClockEventBody,
        headerID: String? = nil,
        sourceID: Int32,
        now: Timestamp
    ) throws(Problem) -> IncomingEvent {
        guard let agentID = body.agentID else { throw .invalid("agent_id", "agent_id is missing.") }
        guard isAgentID(agentID) else { throw .invalidAgentID("agent_id") }
        guard let kindWord = body.kind else { throw .invalid("kind", "kind is missing.") }
        guard let kind = PunchKind(rawValue: kindWord), kind != .void else {
            throw .invalid("kind", "kind must be clock_in, clock_out, break_start or break_end.")
        }
        if let bodyID = body.eventID, let headerID, bodyID != headerID { throw Problem(.conflictingIDs) }
        let givenID = try Self.checkedID(body.eventID ?? headerID)
        let given = try occurredAt(body.occurredAt, now: now)
        let occurredAt = given ?? now
        let identity: UUID
        let eventID: String
        if let givenID {
            identity = EventIdentity.named(givenID, sourceID: sourceID)
            eventID = givenID
        } else if given != nil {
            identity = EventIdentity.unnamed(agentID: agentID, kind: kind, occurredAt: occurredAt, sourceID: sourceID)
            eventID = identity.uuidString.lowercased()
        } else {
            identity = UUID()
            eventID = identity.uuidString.lowercased()
        }
        return IncomingEvent(
            dedupe: identity,
            sourceID: sourceID,
            externalID: agentID,
            matchesAgentID: true,
            kind: kind,
            occurredAt: occurredAt,
            hasOwnTime: given != nil && givenID != nil,
            receivedAt: now,
            effectiveAt: IncomingEvent.effectiveAt(occurredAt: occurredAt, receivedAt: now, skew: skew),
            eventID: eventID,
            warnings: warnings(occurredAt: occurredAt, now: now)
        )
    }

    /// An id from `Idempotency-Key`: a quoted structured string or bare (draft-ietf-httpapi-idempotency-key-header).
    static func headerID(_ value: String?) -> String? {
        guard let value else { return nil }
        guard value.count >= 2, value.hasPrefix("\""), value.hasSuffix("\"") else { return value }
        return String(value.dropFirst().dropLast()).replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
    }

    private static func checkedID(_ id: String?) throws(Problem) -> String? {
        guard let id else { return nil }
        guard !id.isEmpty, id.unicodeScalars.count <= eventIDLimit, id.unicodeScalars.allSatisfy({ !$0.isControl })
        else {
            throw .invalid("event_id", "event_id has 1 to \(eventIDLimit) characters and no control characters.")
        }
        return id
    }

    private func occurredAt(_ text: String?, now: Timestamp) throws(Problem) -> Timestamp? {
        guard let text else { return nil }
        guard let instant = Timestamp(rfc3339: text) else {
            throw .invalid(
                "occurred_at",
                "occurred_at must be an RFC 3339 time with an offset, as 2026-03-02T08:00:00Z."
            )
        }
        guard instant >= Self.earliest, instant <= now + Self.furthestAhead else {
            throw .invalid("occurred_at", "occurred_at must lie between 2000-01-01 and one year ahead.")
        }
        return instant
    }

    private func warnings(occurredAt: Timestamp, now: Timestamp) -> [String] {
        occurredAt - now > skew ? ["future"] : []
    }
}
