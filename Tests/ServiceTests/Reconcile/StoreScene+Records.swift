import ClockSources
import Domain
import Testing

@testable import Service

/// Where an agent stands, as a store has it.
struct StoredShift: Equatable, Sendable {
    var shift = Shift.out
    var since: Timestamp?
    var nextPunchAt: Timestamp?
    var desired = RunState.stopped
    var rule = Rule.default
    var generation: Int64 = 0
}

/// What the suites say and ask of records.
extension StoreScene {
    /// Appends a clock event under the leases a replica believes it holds.
    func append(_ event: IncomingEvent, leases: LeaseBook) async throws -> AppendTransaction.Result {
        try await append([event], leases: leases)
    }

    /// Appends a batch of a replica that holds no lease, and what was answered.
    @discardableResult
    func tell(_ events: [IncomingEvent]) async throws -> [Receipt] {
        try await append(events, leases: LeaseBook()).outcomes.compactMap { outcome in
            guard case .receipt(let receipt) = outcome else { return nil }
            return receipt
        }
    }

    /// The events of a report of a record: its start, and its end where it has one.
    ///
    /// `version`: `nil` where the sender numbers nothing.
    func report(
        _ record: String,
        of agent: String,
        version: Int64?,
        from start: Timestamp,
        to end: Timestamp? = nil,
        at received: Timestamp
    ) -> [IncomingEvent] {
        var marks: [(PunchKind, Timestamp)] = [(.clockIn, start)]
        if let end { marks.append((.clockOut, end)) }
        let punches = marks.enumerated().map { place, mark in
            SourcePunch(
                externalAgent: agent,
                kind: mark.0,
                occurredAt: mark.1,
                record: record,
                version: version,
                ordinal: Int16(place)
            )
        }
        return admit(punches, at: received)
    }

    /// The withdrawal of a record.
    ///
    /// `agent`: `nil` where it names the record alone.
    func withdrawal(_ record: String, of agent: String? = nil, at received: Timestamp) -> [IncomingEvent] {
        admit(
            [SourcePunch(externalAgent: agent, kind: .void, occurredAt: received, record: record)],
            at: received
        )
    }

    private func admit(_ punches: [SourcePunch], at received: Timestamp) -> [IncomingEvent] {
        DeliveryAdmission(sourceID: 1, matchesAgentID: true, skew: .seconds(2))
            .admit(DeliveryReading(punches: punches), receivedAt: received)
    }

    func shift(of agent: Int64) async throws -> StoredShift {
        let facts = try #require(try await known(of: agent)).facts
        return StoredShift(
            shift: facts.state.shift,
            since: facts.state.since,
            nextPunchAt: facts.state.nextPunchAt,
            desired: facts.desired,
            rule: facts.rule,
            generation: facts.generation
        )
    }
}
