import ClockSources
import Domain
import FoundationEssentials

/// Turns what a vendor's delivery says into events that can be committed.
///
/// Pure. Fixes each event's identity, as ``EventAdmission`` does for our own format.
struct DeliveryAdmission: Sendable {
    /// Events that one delivery may become; one that says more is kept and not read.
    static let eventLimit = AppendQueue.requestLimit

    let sourceID: Int32
    /// Whether an external id that equals an agent id matches without an alias.
    let matchesAgentID: Bool
    /// An event this far ahead counts as now (`ROLLCALL_CLOCK_SKEW`).
    let skew: Duration

    /// The delivery's events, in its order.
    ///
    /// `receivedAt`: when it arrived, or when what it names was fetched, by the database's clock.
    func admit(_ reading: DeliveryReading, receivedAt: Timestamp) -> [IncomingEvent] {
        var events: [IncomingEvent] = []
        var reportCounts: [String: Int] = [:]
        for group in reading.punches.groupedByReport {
            guard let first = group.first else { continue }
            guard let record = first.record else {
                events.append(event(first, of: reading, receivedAt: receivedAt))
                continue
            }
            // A later report of the same record in one delivery counts as received later, so that it is the newer one.
            let earlier = reportCounts[record, default: 0]
            reportCounts[record] = earlier + 1
            events += self.events(group, of: record, reading, receivedAt: receivedAt + .microseconds(earlier))
        }
        return events
    }

    /// The events of one report of a record.
    private func events(
        _ group: [SourcePunch],
        of record: String,
        _ reading: DeliveryReading,
        receivedAt: Timestamp
    ) -> [IncomingEvent] {
        let report = EventIdentity.report(group.map(\.reported))
        return group.map { punch in
            var event = event(punch, of: reading, receivedAt: receivedAt)
            event.hasOwnTime = false
            if punch.kind == .void {
                event.dedupe = EventIdentity.ofWithdrawal(record, sourceID: sourceID)
            } else {
                event.report = report
                event.dedupe = EventIdentity.ofRecord(
                    record,
                    version: punch.version,
                    report: report,
                    reportedAt: receivedAt,
                    kind: punch.kind,
                    ordinal: punch.ordinal,
                    sourceID: sourceID
                )
            }
            return event
        }
    }

    /// An event with the identity that it has by itself.
    private func event(_ punch: SourcePunch, of reading: DeliveryReading, receivedAt: Timestamp) -> IncomingEvent {
        let identity =
            punch.eventID.map { EventIdentity.named($0, sourceID: sourceID) }
            ?? EventIdentity.unnamed(
                agentID: punch.externalAgent ?? "",
                kind: punch.kind,
                occurredAt: punch.occurredAt,
                sourceID: sourceID
            )
        return IncomingEvent(
            dedupe: identity,
            sourceID: sourceID,
            externalID: punch.externalAgent,
            matchesAgentID: matchesAgentID,
            kind: punch.kind,
            ordinal: punch.ordinal,
            occurredAt: punch.occurredAt,
            // Without an id of the sender's, the same agent, kind and second make the event the same.
            hasOwnTime: punch.eventID != nil && punch.hasOwnTime,
            receivedAt: receivedAt,
            effectiveAt: IncomingEvent.effectiveAt(occurredAt: punch.occurredAt, receivedAt: receivedAt, skew: skew),
            eventID: punch.eventID ?? reading.deliveryID ?? identity.uuidString.lowercased(),
            record: punch.record,
            version: punch.version,
            warnings: reading.warnings
        )
    }
}

extension [SourcePunch] {
    /// The punches of each report of a record together, and every other one alone, in their order.
    ///
    /// A delivery may tell the same record twice; then its places begin anew.
    fileprivate var groupedByReport: [[SourcePunch]] {
        reduce(into: []) { groups, punch in
            if let last = groups.last?.last, let record = punch.record, last.record == record,
                last.version == punch.version, last.ordinal < punch.ordinal, last.kind != .void, punch.kind != .void
            {
                groups[groups.count - 1].append(punch)
            } else {
                groups.append([punch])
            }
        }
    }
}

extension SourcePunch {
    fileprivate var reported: ReportedPunch {
        ReportedPunch(externalID: externalAgent, kind: kind, ordinal: ordinal, occurredAt: occurredAt)
    }
}
