import Domain
import FoundationEssentials
import LibPQ

/// A row of ``LedgerStatements/stored(_:)``.
struct StoredEvent {
    var sequence: Int64
    var kind: PunchKind?
    var externalID: String?
    var occurredAt: Timestamp
    var receivedAt: Timestamp

    /// Whether an event with its id says the same; what belongs to a record does, however it is worded.
    ///
    /// Of an erased person nobody can tell any more whom the event named.
    func isSame(as event: IncomingEvent) -> Bool {
        event.record != nil
            || ((externalID == event.externalID || ErasedName.isErased(externalID)) && kind == event.kind
                && (!event.hasOwnTime || occurredAt == event.occurredAt))
    }

    static func read(_ result: PQResult) throws(PQError) -> [UUID: StoredEvent] {
        let dedupe = try result.decoder("dedupe", as: UUID.self)
        let sequence = try result.decoder("sequence", as: Int64.self)
        let kind = try result.decoder("kind", as: Int16.self)
        let externalID = try result.decoder("external_id", as: String?.self)
        let occurredAt = try result.decoder("occurred_at", as: Timestamp.self)
        let receivedAt = try result.decoder("received_at", as: Timestamp.self)
        var events: [UUID: StoredEvent] = [:]
        for row in result {
            events[try dedupe[row]] = StoredEvent(
                sequence: try sequence[row],
                kind: PunchKind(code: try kind[row]),
                externalID: try externalID[row],
                occurredAt: try occurredAt[row],
                receivedAt: try receivedAt[row]
            )
        }
        return events
    }
}
