import Domain
import LibPQ
import Service
import Testing

/// Names that somebody maps while clock events go on, through the routes and the database.
@Suite("Mapping", .timeLimit(.minutes(3)))
struct MappingTests {
    private func withVendor(_ body: @escaping @Sendable (RunningService) async throws -> Void) async throws {
        try await withRunningService {
            $0.addVendor()
            // A portion of ten thousand events takes seconds under ThreadSanitizer.
            $0.idleInTransactionTimeout = .seconds(60)
        } _: { service in
            try await service.addWithoutSession("ana", "bo")
            try await body(service)
            let clock = DatabaseClock()
            try await clock.measure(service.owner)
            try await expectVerified(service, clock)
        }
    }

    private func map(_ service: RunningService, _ name: String, to agent: String = "ana") async throws -> Mapped {
        let answer = try await service.send(
            "PUT",
            "/v1/sources/vendor/aliases/\(name)",
            json: #"{"agent_id":"\#(agent)"}"#
        )
        #expect(answer.status < 300, "\(answer.text)")
        return try answer.decoded()
    }

    private func unmatched(_ service: RunningService) async throws -> Int {
        let list: UnmatchedView = try await service.send("GET", "/v1/unmatched").decoded()
        return list.items.count
    }

    private func timeline(_ service: RunningService, _ agent: String = "ana") async throws -> TimelineView {
        try await service.send("GET", "/v1/agents/\(agent)/timeline?from=\(rfc3339(in: -30 * 86_400))").decoded()
    }

    @Test
    func `an old open card waits for the version that ends it, and the history is then right`() async throws {
        try await withVendor { service in
            let start = rfc3339(in: -30 * 3600)
            let end = rfc3339(in: -22 * 3600)
            try await service.tellRecord(of: "77", from: start, version: 1)
            let mapped = try await map(service, "77")
            #expect(mapped == Mapped(applied: 0, leftOut: 1))
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await timeline(service).events.isEmpty)
            // What comes later is not kept waiting by it.
            try await service.tell(
                .init(punches: [.init(agent: "77", kind: "clock_in", at: rfc3339(in: -600), id: "e1")])
            )
            #expect(try await service.agent("ana").shift == "in")
            #expect(try await unmatched(service) == 1)
            try await service.tellRecord(of: "77", from: start, to: end, version: 2)
            #expect(try await unmatched(service) == 0)
            let told = try await timeline(service)
            #expect(told.shift.map(\.state) == ["out", "in", "out", "in"])
            #expect(told.events.map(\.standing) == ["superseded", "stands", "stands", "stands"])
            #expect(told.events.map(\.stands) == [false, true, true, true])
        }
    }

    @Test
    func `an old clock-in and its break come with their clock-out`() async throws {
        try await withVendor { service in
            let punches: [(String, Double)] = [("clock_in", -30), ("break_start", -29), ("break_end", -28)]
            for (kind, hours) in punches {
                try await service.tell(
                    .init(punches: [.init(agent: "77", kind: kind, at: rfc3339(in: hours * 3600), id: kind)])
                )
            }
            #expect(try await map(service, "77") == Mapped(applied: 0, leftOut: 3))
            #expect(try await service.agent("ana").shift == "out")
            try await service.tell(
                .init(punches: [.init(agent: "77", kind: "clock_out", at: rfc3339(in: -26 * 3600), id: "out")])
            )
            #expect(try await unmatched(service) == 0)
            #expect(try await timeline(service).shift.map(\.state) == ["out", "in", "break", "in", "out"])
            #expect(try await service.agent("ana").shift == "out")
        }
    }

    @Test
    func `an end that lies ahead brings the beginning when its time comes`() async throws {
        try await withVendor { service in
            try await service.tell(
                .init(punches: [.init(agent: "77", kind: "clock_in", at: rfc3339(in: -30 * 3600), id: "in")])
            )
            try await service.tell(
                .init(punches: [.init(agent: "77", kind: "clock_out", at: rfc3339(in: 4), id: "out")])
            )
            #expect(try await map(service, "77").leftOut == 1)
            #expect(try await service.agent("ana").shift == "out")
            try await service.until { try await unmatched(service) == 0 }
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await timeline(service).shift.map(\.state).last == "out")
        }
    }

    @Test
    func `a correction that reopens an old card after the mapping counts`() async throws {
        try await withVendor { service in
            let start = rfc3339(in: -30 * 3600)
            try await service.tellRecord(of: "77", from: start, to: rfc3339(in: -26 * 3600), version: 1)
            #expect(try await map(service, "77") == Mapped(applied: 2, leftOut: 0))
            #expect(try await service.agent("ana").shift == "out")
            try await service.tellRecord(of: "77", from: start, version: 2)
            #expect(try await service.agent("ana").shift == "in")
        }
    }

    @Test
    func `a deletion without a name follows its record, before the mapping and after`() async throws {
        try await withVendor { service in
            try await service.tellRecord("r1", of: "77", from: rfc3339(in: -600))
            try await service.tell(.init(punches: [.init(kind: "void", at: rfc3339(in: -300), record: "r1")]))
            #expect(try await map(service, "77") == Mapped(applied: 2, leftOut: 0))
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await timeline(service).events.map(\.standing) == ["withdrawn", "stands"])
            // One that was left out, and one that was taken.
            try await service.tellRecord("r2", of: "78", from: rfc3339(in: -30 * 3600))
            try await service.tellRecord("r3", of: "78", from: rfc3339(in: -900))
            #expect(try await map(service, "78") == Mapped(applied: 1, leftOut: 1))
            #expect(try await service.agent("ana").shift == "in")
            for record in ["r2", "r3"] {
                try await service.tell(.init(punches: [.init(kind: "void", at: rfc3339(in: -60), record: record)]))
            }
            #expect(try await unmatched(service) == 0)
            #expect(try await service.agent("ana").shift == "out")
            let standings = try await timeline(service).events.map(\.standing)
            #expect(standings.filter { $0 == "withdrawn" }.count == 3 && standings.count == 6)
        }
    }

    @Test
    func `a name that moves takes later events only, and an agent that comes back inherits nothing`() async throws {
        try await withVendor { service in
            try await service.tellRecord("old", of: "77", from: rfc3339(in: -30 * 3600))
            try await service.tellRecord("new", of: "77", from: rfc3339(in: -600))
            #expect(try await map(service, "77") == Mapped(applied: 1, leftOut: 1))
            let moved = try await map(service, "77", to: "bo")
            #expect(moved.movedFrom == "ana" && moved.applied == 0)
            #expect(try await service.agent("ana").shift == "in")
            #expect(try await service.agent("bo").shift == "out")
            try await service.tellRecord("next", of: "77", from: rfc3339(in: -60))
            #expect(try await service.agent("bo").shift == "in")
            #expect(try await service.send("DELETE", "/v1/agents/bo").status == 204)
            try await service.addWithoutSession("bo")
            #expect(try await map(service, "77", to: "bo") == Mapped(applied: 0, leftOut: 0))
            #expect(try await service.agent("bo").shift == "out")
            // An end of what the deleted one left out starts no history of the new one.
            try await service.tell(
                .init(punches: [.init(agent: "77", kind: "clock_out", at: rfc3339(in: -5), id: "o")])
            )
            #expect(try await timeline(service, "bo").shift.map(\.state) == ["out"])
            #expect(try await timeline(service, "bo").events.count == 1)
        }
    }

    private func leftOut(_ service: RunningService) async throws -> Int64 {
        try await service.count("SELECT count(*) AS count FROM left_out_events")
    }

    @Test
    func `what was left out costs its agent nothing, until something comes that may end it`() async throws {
        try await withVendor { service in
            let young = ScriptedSource.Script(
                punches: [.init(agent: "77", kind: "clock_in", at: rfc3339(in: -600), id: "e1")]
            )
            try await service.tell(
                .init(punches: [.init(agent: "77", kind: "clock_in", at: rfc3339(in: -30 * 3600), id: "old")])
            )
            #expect(try await map(service, "77").leftOut == 1)
            try await service.tell(young)
            let before = try await service.agent("ana")
            #expect(before.shift == "in")
            // A row that no fold has seen yet: whether all punches are read shows in the state.
            _ = try await service.owner.query(
                """
                INSERT INTO clock_events (
                    dedupe, agent, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id
                )
                SELECT gen_random_uuid(), a.agent, s.source_id, 1, now() - interval '20 min', now() - interval '20 min', now(),
                    'unseen', '77'
                FROM agents a, clock_sources s
                WHERE a.agent_id = 'ana' AND s.name = 'vendor'
                """
            )
            try await service.tell(young)
            try await service.tell(
                .init(punches: [.init(agent: "77", kind: "clock_in", at: rfc3339(in: -300), id: "e2")])
            )
            let after = try await service.agent("ana")
            #expect(after.shiftSince == before.shiftSince && after.shift == "in")
            #expect(try await leftOut(service) == 1)
            try await service.tell(
                .init(punches: [.init(agent: "77", kind: "clock_out", at: rfc3339(in: -200), id: "e3")])
            )
            #expect(try await leftOut(service) == 0)
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await timeline(service).shift.map(\.state) == ["out", "in", "out"])
        }
    }

    @Test
    func `what a release that knows nothing of it gave to the agent is left out no more`() async throws {
        try await withVendor { service in
            let tell = { (name: String, kind: String, hours: Double) in
                let at = rfc3339(in: hours * 3600)
                _ = try await service.tell(
                    .init(punches: [.init(agent: name, kind: kind, at: at, id: "\(name) \(kind)")])
                )
            }
            let give: PQStatement = """
                INSERT INTO clock_event_matches (sequence, agent) SELECT sequence, agent FROM left_out_events
                """
            try await tell("77", "clock_in", -40)
            #expect(try await map(service, "77").leftOut == 1)
            _ = try await service.owner.query(give)
            #expect(try await map(service, "77").leftOut == 0)
            #expect(try await leftOut(service) == 1)
            // By an event.
            try await tell("77", "clock_out", -39)
            #expect(try await leftOut(service) == 0)
            // By a mapping.
            try await tell("78", "clock_in", -36)
            #expect(try await map(service, "78").leftOut == 1)
            _ = try await service.owner.query(give)
            try await tell("79", "clock_in", -35)
            try await tell("79", "clock_out", -34)
            #expect(try await map(service, "79").applied == 2)
            #expect(try await leftOut(service) == 0)
        }
    }

    @Test
    func `a name with more events than one portion is mapped to its end`() async throws {
        try await withVendor { service in
            _ = try await service.owner.query(
                """
                INSERT INTO clock_events (dedupe, source_id, kind, occurred_at, effective_at, received_at, event_id, external_id)
                SELECT gen_random_uuid(), s.source_id, 2 - n % 2, now() - make_interval(secs => 60 * (25003 - n)),
                    now() - make_interval(secs => 60 * (25003 - n)), now(), n::text, '77'
                FROM clock_sources s, generate_series(1, 25001) AS n
                WHERE s.name = 'vendor'
                """
            )
            let preview: Mapped = try await service.send(
                "PUT",
                "/v1/sources/vendor/aliases/77?dry_run=true",
                json: #"{"agent_id":"ana"}"#
            ).decoded()
            #expect(preview.complete == false)
            #expect(try await map(service, "77") == Mapped(applied: 25_001, leftOut: 0))
            #expect(try await service.agent("ana").shift == "in")
            #expect(try await unmatched(service) == 0)
        }
    }
}

/// The answer to a mapping, as far as tests look at it.
private struct Mapped: Decodable, Equatable {
    var applied: Int
    var leftOut: Int
    var movedFrom: String?
    var complete: Bool = true
}

private struct UnmatchedView: Decodable {
    struct Item: Decodable {
        var sequence: Int64
    }

    var items: [Item]
}

private struct TimelineView: Decodable {
    struct Interval: Decodable {
        var state: String?
    }

    struct Event: Decodable {
        var kind: String
        var stands: Bool
        var standing: String
    }

    var shift: [Interval]
    var events: [Event]
}
