import Domain
import Foundation
import LibPQ
import Logging
import Service
import Testing

/// What a sender meets who says again what was said before the edge of a month, and before its body was dropped.
@Suite("Deliveries across partitions", .timeLimit(.minutes(2)))
struct DroppedBodiesTests {
    private static let named = ScriptedSource.Script(
        delivery: "d1",
        punches: [.init(agent: "ana", kind: "clock_in", at: "2026-03-02T08:00:00Z", id: "e1")]
    )
    private static let unnamed = ScriptedSource.Script(
        punches: [.init(agent: "ana", kind: "clock_out", at: "2026-03-02T09:00:00Z")]
    )
    private static let record = ScriptedSource.Script(
        punches: [
            .init(agent: "bo", kind: "clock_in", at: "2026-03-02T08:00:00Z", record: "r"),
            .init(agent: "bo", kind: "clock_out", at: "2026-03-02T09:00:00Z", record: "r", ordinal: 1),
        ]
    )
    private static let ignored = ScriptedSource.Script(delivery: "d9")

    private static var all: [ScriptedSource.Script] { [named, unnamed, record, ignored] }

    private func withVendor(
        _ body: @escaping @Sendable (RunningService, DatabaseClock) async throws -> Void
    ) async throws {
        let clock = DatabaseClock()
        try await withRunningService {
            $0.addVendor()
            $0.clock = clock
        } _: { service in
            try await service.addWithoutSession("ana", "bo")
            try await service.until {
                try await service.count("SELECT count(*) AS count FROM delivery_partitions()") == 4
            }
            try await body(service, clock)
        }
    }

    /// Sends all, and returns what was answered about each event.
    private func tellAll(_ service: RunningService) async throws -> [ItemsView] {
        var answers: [ItemsView] = []
        for script in Self.all {
            let answer = try await service.tell(script)
            #expect(answer.status == 200, "\(answer.text)")
            answers.append(try answer.decoded(as: ItemsView.self))
        }
        return answers
    }

    private func expectReplays(_ second: [ItemsView], of first: [ItemsView]) {
        #expect(second.map { $0.results.map(\.sequence) } == first.map { $0.results.map(\.sequence) })
        #expect(first.flatMap { $0.results.map(\.replayed) } == [false, false, false, false])
        #expect(second.flatMap { $0.results.map(\.replayed) } == [true, true, true, true])
    }

    private func withID(_ service: RunningService) async throws -> Int64 {
        try await service.count("SELECT count(*) AS count FROM deliveries WHERE delivery_id IS NOT NULL")
    }

    private func months(_ service: RunningService) async throws -> Int64 {
        try await service.count("SELECT count(DISTINCT tableoid) AS count FROM deliveries")
    }

    @Test
    func `a delivery before and after the edge of a month is one`() async throws {
        try await withVendor { service, clock in
            let edges = try await service.owner.rows(
                "SELECT min(upper_at) AS edge FROM delivery_partitions() WHERE kind = 'month'"
            ) { row throws(PQError) in try row.column("edge", as: Timestamp.self) }
            let edge = try #require(edges.first)
            clock.put(to: edge - .seconds(60))
            let first = try await tellAll(service)
            clock.put(to: edge + .seconds(1))
            // The edge is real: what is new lies on its other side.
            _ = try await service.tell(.init(delivery: "d2"))
            #expect(try await months(service) >= 2)
            expectReplays(try await tellAll(service), of: first)
            #expect(try await service.ledgerCount() == 4)
            // Of the two without an id each body is kept, as it always is.
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 7)
            #expect(try await withID(service) == 3)
        }
    }

    @Test
    func `a delivery whose body was dropped is the same one still`() async throws {
        try await withVendor { service, clock in
            let today = clock.now()
            clock.put(to: today - .seconds(80 * 86_400))
            let first = try await tellAll(service)
            _ = try await service.owner.query("SELECT make_delivery_partition(now() - interval '80 days')")
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 4)
            clock.put(to: today)
            _ = try await service.owner.query(
                """
                SELECT drop_delivery_partition(p.name, interval '30 days')
                FROM delivery_partitions() p
                WHERE p.kind = 'month' AND p.upper_at < now()
                """
            )
            _ = try await service.owner.query("SELECT trim_deliveries(interval '30 days', 1000)")
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 0)
            expectReplays(try await tellAll(service), of: first)
            #expect(try await service.ledgerCount() == 4)
            #expect(try await withID(service) == 0)
            // And what is news is kept as ever.
            try await service.tellRecord("r", of: "bo", from: "2026-03-02T08:00:00Z")
            #expect(try await service.ledgerCount() == 5)
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 3)
        }
    }

    @Test
    func `an id used for something else leaves its body, since nothing else tells of it`() async throws {
        try await withVendor { service, _ in
            _ = try await tellAll(service)
            var other = Self.named
            other.delivery = nil
            other.punches[0].kind = "clock_out"
            _ = try await service.tell(other)
            #expect(try await service.ledgerCount() == 4)
            #expect(try await service.count("SELECT count(*) AS count FROM deliveries") == 5)
        }
    }
}
