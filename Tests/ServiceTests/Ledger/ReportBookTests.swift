import ClockSources
import Domain
import Foundation
import Testing

@testable import Service

@Suite("ReportBook")
struct ReportBookTests {
    private let day = Timestamp(seconds: 1_800_000_000)
    private let admission = DeliveryAdmission(sourceID: 3, matchesAgentID: false, skew: .seconds(2))

    /// The events of a record from its start to its end, both in seconds, received at a second.
    private func report(
        _ start: Int64,
        _ end: Int64? = nil,
        at received: Int64,
        version: Int64? = nil,
        record: String = "r"
    ) -> [IncomingEvent] {
        let punch = { (kind: PunchKind, second: Int64, ordinal: Int16) in
            SourcePunch(
                externalAgent: "e",
                kind: kind,
                occurredAt: day + .seconds(second),
                record: record,
                version: version,
                ordinal: ordinal
            )
        }
        let punches = [punch(.clockIn, start, 0)] + (end.map { [punch(.clockOut, $0, 1)] } ?? [])
        return admission.admit(DeliveryReading(punches: punches), receivedAt: day + .seconds(received))
    }

    /// The rows that events leave in the ledger.
    private func rows(_ events: [IncomingEvent]) -> [StoredPunch] {
        events.compactMap { event in
            event.recordKey.map { record in
                StoredPunch(
                    dedupe: event.dedupe,
                    record: record,
                    report: RecordReport(version: event.version, reportedAt: event.receivedAt),
                    punch: ReportedPunch(
                        externalID: event.externalID,
                        kind: event.kind,
                        ordinal: event.ordinal,
                        occurredAt: event.occurredAt
                    )
                )
            }
        }
    }

    private func identities(_ events: [IncomingEvent], after known: [IncomingEvent]) -> [UUID] {
        var book = ReportBook(rows(known))
        return book.identified(events).map(\.dedupe)
    }

    @Test
    func `what stands and is said again is a repetition`() {
        let first = report(1, 9, at: 10)
        #expect(identities(report(1, 9, at: 20), after: first) == first.map(\.dedupe))
    }

    @Test
    func `what is said anew after something else is news`() {
        let open = report(1, at: 2)
        let closed = report(1, 9, at: 10)
        let again = report(1, at: 20)
        #expect(identities(again, after: open + closed) == again.map(\.dedupe))
        #expect(Set(again.map(\.dedupe)).isDisjoint(with: open.map(\.dedupe)))
    }

    @Test
    func `what an erased person's sender says again is a repetition, and of somebody else it is news`() {
        let first = report(1, 9, at: 10)
        let erased = rows(first).map { row in
            var row = row
            row.punch.externalID = "erased:0d3a4c1e-53f2-4d36-a9f7-0d1a9a2f4b7c"
            return row
        }
        var book = ReportBook(erased)
        #expect(book.identified(report(1, 9, at: 20)).map(\.dedupe) == first.map(\.dedupe))
        book = ReportBook(erased)
        let other = report(1, 8, at: 20)
        #expect(book.identified(other).map(\.dedupe) == other.map(\.dedupe))
    }

    @Test
    func `the same report tried again meets its own rows, whatever came since`() {
        let first = report(1, at: 2)
        let later = report(1, 9, at: 10)
        #expect(identities(first, after: first + later) == first.map(\.dedupe))
    }

    @Test
    func `a repetition of what stands under a version meets that version's rows`() {
        let made = report(1, at: 2, version: 0)
        #expect(identities(report(1, at: 20), after: made) == made.map(\.dedupe))
    }

    @Test
    func `in one batch the later of two equal reports is a repetition, and of two different ones news`() {
        let first = report(1, at: 2)
        #expect(identities(report(1, at: 3) + first, after: []) == first.map(\.dedupe) + first.map(\.dedupe))
        let closed = report(1, 9, at: 3)
        #expect(identities(first + closed, after: []) == (first + closed).map(\.dedupe))
        let reopened = report(1, at: 4)
        #expect(identities(first + closed + reopened, after: []) == (first + closed + reopened).map(\.dedupe))
    }

    @Test
    func `records do not meet each other`() {
        let other = report(1, at: 2, record: "other")
        let own = report(1, at: 3)
        #expect(identities(own, after: other) == own.map(\.dedupe))
    }

    @Test
    func `a withdrawal has one identity, whenever and by whomever it is told`() {
        let told = { (agent: String?, second: Int64) in
            let void = SourcePunch(
                externalAgent: agent,
                kind: .void,
                occurredAt: self.day + .seconds(second),
                record: "r"
            )
            return admission.admit(DeliveryReading(punches: [void]), receivedAt: self.day + .seconds(second))
        }
        let (first, second) = (told(nil, 5), told("e", 50))
        #expect(first.map(\.dedupe) == second.map(\.dedupe))
        #expect(identities(second, after: report(1, at: 2) + first) == first.map(\.dedupe))
    }
}
