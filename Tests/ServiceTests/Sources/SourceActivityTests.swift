import ClockSources
import Domain
import Foundation
import LibPQ
import Service
import Testing

/// What came of a source, as people see it afterwards.
@Suite("Source activity", .timeLimit(.minutes(3)))
struct SourceActivityTests {
    private static func event(
        _ kind: String,
        _ at: String,
        id: String,
        delivery: String? = nil
    ) -> ScriptedSource.Script {
        ScriptedSource.Script(delivery: delivery, punches: [.init(agent: "ana", kind: kind, at: at, id: id)])
    }

    @Test
    func `each delivery is kept with the events it was read as and what each did`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.addWithoutSession("ana")
            var both = Self.event("clock_in", "2026-03-02T08:00:00Z", id: "e1", delivery: "d1")
            both.punches.append(.init(agent: "nobody", kind: "clock_in", at: "2026-03-02T08:00:00Z", id: "e2"))
            both.punches.append(both.punches[0])
            try await service.tell(both)
            try await service.tell(Self.event("clock_out", "2026-03-02T07:00:00Z", id: "e3"))
            try await service.tell(Self.event("clock_in", "2026-03-02T08:00:00Z", id: "e1"))
            try await service.tell(.init(delivery: "d4"))
            let rows = try await service.owner.rows(
                """
                SELECT d.effects, d.events = (
                        SELECT coalesce(array_agg(e.dedupe ORDER BY n.place), '{}')
                        FROM unnest(d.events) WITH ORDINALITY AS n (dedupe, place)
                        JOIN clock_events e ON e.dedupe = n.dedupe
                    ) AS are_there
                FROM deliveries d
                ORDER BY d.received_at
                """
            ) { row throws(PQError) in
                (try row.column("effects", as: [String].self), try row.column("are_there", as: Bool.self))
            }
            #expect(rows.map(\.0) == [["applied", "unmatched", "replayed"], ["superseded"], ["replayed"], []])
            #expect(rows.map(\.1) == [true, true, true, true])
            let list = try await service.deliveries()
            #expect(list.items.map(\.outcome) == ["ignored", "repeated", "accepted", "accepted"])
            let first = try #require(list.items.last)
            #expect(first.deliveryId == "d1")
            #expect(first.events?.map(\.effect) == ["applied", "unmatched", "replayed"])
            #expect(first.events?.map(\.agentId) == ["ana", nil, "ana"])
            #expect(first.events?.map(\.externalId) == ["ana", "nobody", "ana"])
            #expect(first.events?.map(\.decides) == [true, false, true])
            #expect(list.items[0].readingText?.contains("nothing in it") ?? false)
        }
    }

    @Test
    func `a long delivery whose first events are known is no repetition`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            let script = { (delivery: String, count: Int) in
                ScriptedSource.Script(
                    delivery: delivery,
                    punches: (0..<count).map {
                        .init(agent: "a\($0)", kind: "clock_in", at: "2026-03-02T08:00:00Z", id: "e\($0)")
                    }
                )
            }
            for (delivery, count) in [("d1", 512), ("d2", 600), ("d3", 512)] {
                try await service.until { try await service.tell(script(delivery, count)).status == 200 }
            }
            #expect(try await service.ledgerCount() == 600)
            #expect(try await service.deliveries().items.map(\.outcome) == ["repeated", "accepted", "accepted"])
        }
    }

    @Test
    func `the identity of a report that says again what stands is the one that is in the ledger`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.addWithoutSession("ana")
            for _ in 0..<2 { try await service.tellRecord(from: "2026-03-02T08:00:00Z", to: "2026-03-02T16:00:00Z") }
            let known = try await service.count(
                """
                SELECT count(*) AS count
                FROM deliveries d, unnest(d.events) AS n (dedupe)
                JOIN clock_events e ON e.dedupe = n.dedupe
                """
            )
            #expect(known == 4)
            #expect(try await service.ledgerCount() == 2)
            #expect(try await service.deliveries().items.map(\.outcome) == ["repeated", "accepted"])
        }
    }

    @Test
    func `of a burst, too, each delivery is kept with what all of its events did`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<250 {
                    group.addTask {
                        let punches = (0..<7).map { place in
                            ScriptedSource.Script.Punch(
                                agent: "nobody",
                                kind: "clock_in",
                                at: "2026-03-02T08:00:00Z",
                                id: "e\(number)-\(place)"
                            )
                        }
                        let answer = try await service.tell(.init(delivery: "d\(number)", punches: punches))
                        #expect(answer.status == 200)
                    }
                }
                try await group.waitForAll()
            }
            let whole = try await service.count(
                """
                SELECT count(*) AS count
                FROM deliveries
                WHERE cardinality(events) = 7 AND effects = array_fill('unmatched'::text, ARRAY[7])
                """
            )
            #expect(whole == 250)
            // All under one name.
            #expect(try await service.source().unmatched == 1)
        }
    }

    @Test
    func `what cannot be written at the moment is written later`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.owner.withTransaction { transaction in
                try await transaction.run(["LOCK TABLE source_counts IN EXCLUSIVE MODE"])
                try await service.tell(.init(delivery: "d1"))
                try await service.tell(.init(), proof: "bad")
                // Longer than a flush may take.
                try await transaction.run(["SELECT pg_sleep(4)"])
            }
            try await service.until {
                let today = try await service.source().today
                return today["ignored"] == 1 && today["bad_proof"] == 1
            }
            #expect(try await service.count("SELECT count(*) AS count FROM source_refusals") == 1)
        }
    }

    @Test
    func `counts, the last one seen and refusals with their reasons are told, and nothing of a refused body`()
        async throws
    {
        try await withRunningService {
            $0.addVendor(limits: SourceLimits(bodySize: 4_096))
        } _: { service in
            try await service.addWithoutSession("ana")
            #expect(try await service.source().state == "waiting")
            for _ in 0..<3 {
                try await service.tell(
                    Self.event("clock_in", "2026-03-02T08:00:00Z", id: "hidden-word"),
                    proof: "bad",
                    headers: ["User-Agent": "sender/1.0 +491701234567"]
                )
            }
            try await service.until { try await service.source().state == "refusing" }
            let refused = try await service.source()
            #expect(refused.today["bad_proof"] == 3 && refused.week["bad_proof"] == 3)
            #expect(refused.lastSeenAt == nil)
            #expect(refused.lastRefusal?.reason == "bad_proof")
            let list = try await service.send("GET", "/v1/sources/vendor/deliveries")
            #expect(!list.text.contains("hidden-word") && !list.text.contains("1701234567"), "\(list.text)")
            let items = try list.decoded(as: SourceItemsView.self).items
            #expect(items.map(\.outcome) == ["refused", "refused", "refused"])
            #expect(items[0].userAgent?.hasPrefix("sender/1.0") ?? false)

            try await service.tell(Self.event("clock_in", "2026-03-02T08:00:00Z", id: "e1"))
            try await service.tell(Self.event("clock_in", "2026-03-02T08:00:00Z", id: "e1"))
            try await service.tell(.init())
            let large = String(repeating: " ", count: 5_000)
            let path = "/v1/sources/vendor/events"
            #expect(try await service.send("POST", path, key: nil, headers: [:], body: large).status == 413)
            #expect(
                try await service.send("POST", path, key: nil, headers: ["X-Proof": "good"], body: "{").status == 400
            )
            let expected = ["accepted": 1, "repeated": 1, "ignored": 1, "too_large": 1, "malformed": 1, "bad_proof": 3]
            try await service.until {
                let today = try await service.source().today
                return expected.allSatisfy { today[$0.key] == $0.value }
            }
            let source = try await service.source()
            #expect(source.state == "receiving")
            #expect(source.lastSeenAt != nil)
            #expect(source.today.values.reduce(0, +) == 8)
        }
    }

    @Test
    func `native events are counted, and the last one seen, for the source of their key`() async throws {
        try await withRunningService { service in
            try await service.addWithoutSession("ana")
            for _ in 0..<2 {
                let receipt = try await service.post(#"{"event_id":"e1","agent_id":"ana","kind":"clock_in"}"#)
                #expect(receipt.status < 300, "\(receipt.text)")
            }
            let batch = #"[{"event_id":"e2","agent_id":"ana","kind":"clock_out"},{"agent_id":"ana","kind":"nonsense"}]"#
            #expect(try await service.post(batch).status == 207)
            #expect(try await service.post("{").status == 400)
            try await service.until {
                let today = try await service.source("api").today
                return today["accepted"] == 2 && today["repeated"] == 1 && today["malformed"] == 2
            }
            let source = try await service.source("api")
            #expect(source.kind == "native")
            #expect(source.lastSeenAt != nil)
            #expect(try await service.deliveries(of: "api").items.map(\.outcome) == ["refused"])
        }
    }

    @Test
    func `what came is written down when the service ends`() async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.tell(.init(), proof: "bad")
            try await service.tell(.init(delivery: "d1"))
            await service.stop()
            let counted = try await service.owner.rows(
                "SELECT outcome FROM source_counts ORDER BY outcome"
            ) { row throws(PQError) in try row.column("outcome", as: String.self) }
            #expect(counted == ["bad_proof", "ignored"])
            #expect(try await service.count("SELECT count(*) AS count FROM source_refusals") == 1)
        }
    }
}
