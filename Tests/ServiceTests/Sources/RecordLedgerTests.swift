import Domain
import LibPQ
import Service
import Testing

/// What reports of records do to the ledger and to agents' states, through the route and the database.
@Suite("Records in the ledger", .timeLimit(.minutes(2)))
struct RecordLedgerTests {
    private static let eight = "2026-03-02T08:00:00Z"
    private static let noon = "2026-03-02T12:00:00Z"
    private static let one = "2026-03-02T13:00:00Z"

    private func withVendor(_ body: @escaping @Sendable (RunningService) async throws -> Void) async throws {
        try await withRunningService {
            $0.addVendor()
        } _: { service in
            try await service.addWithoutSession("ana", "bo")
            try await body(service)
            try await expectVerified(service, await Self.databaseTime(service))
        }
    }

    private static func databaseTime(_ service: RunningService) async throws -> DatabaseClock {
        let clock = DatabaseClock()
        try await clock.measure(service.owner)
        return clock
    }

    @Test
    func `without versions the last report counts, and one that repeats it is a replay`() async throws {
        try await withVendor { service in
            try await service.tellRecord(from: Self.eight)
            #expect(try await service.agent("ana").shift == "in")
            let repeated = try await service.tellRecord(from: Self.eight)
            #expect(try repeated.decoded(as: ItemsView.self).results.map(\.replayed) == [true])
            #expect(try await service.ledgerCount() == 1)
            try await service.tellRecord(from: Self.eight, to: Self.noon)
            #expect(try await service.agent("ana").shift == "out")
            // What was true once may be true again.
            let reopened = try await service.tellRecord(from: Self.eight)
            #expect(try reopened.decoded(as: ItemsView.self).results.map(\.replayed) == [false])
            #expect(try await service.agent("ana").shift == "in")
            #expect(try await service.ledgerCount() == 4)
        }
    }

    @Test
    func `the same report from many senders at once is one`() async throws {
        try await withVendor { service in
            for agent in ["ana", "nobody-knows"] {
                let before = try await service.ledgerCount()
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<40 {
                        group.addTask {
                            try await service.tellRecord("of-\(agent)", of: agent, from: Self.eight, to: Self.noon)
                                .status
                        }
                    }
                    for try await status in group { #expect(status == 200) }
                }
                #expect(try await service.ledgerCount() == before + 2, "\(agent)")
            }
        }
    }

    @Test
    func `one version said in two ways is refused by nobody, and the later counts`() async throws {
        try await withVendor { service in
            try await service.tellRecord(from: Self.eight, to: Self.noon, version: 5)
            let second = try await service.tellRecord(from: Self.eight, version: 5)
            #expect(second.status == 200 && !second.text.contains("idempotency_conflict"), "\(second.text)")
            #expect(try await service.agent("ana").shift == "in")
            try await service.tellRecord(from: Self.eight, to: Self.noon, version: 5)
            #expect(try await service.agent("ana").shift == "in")
            try await service.tellRecord(from: Self.eight, version: 4)
            try await service.tellRecord(from: Self.eight, to: Self.noon, version: 6)
            #expect(try await service.agent("ana").shift == "out")
        }
    }

    @Test
    func `a record given to another agent moves the shift along`() async throws {
        try await withVendor { service in
            try await service.tellRecord(of: "ana", from: Self.eight, version: 1)
            #expect(try await service.agent("ana").shift == "in")
            try await service.tellRecord(of: "bo", from: Self.eight, version: 2)
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await service.agent("bo").shift == "in")
            // An old version that comes late is ana's and changes nothing.
            try await service.tellRecord(of: "ana", from: Self.noon, version: 1)
            #expect(try await service.agent("ana").shift == "out")
            try await service.tellRecord(of: "ana", from: Self.eight, version: 3)
            #expect(try await service.agent("ana").shift == "in")
            #expect(try await service.agent("bo").shift == "out")
        }
    }

    @Test
    func `a timecard goes on from the stored state, which says what it needs`() async throws {
        try await withVendor { service in
            try await service.tellRecord(from: Self.eight, version: 1)
            #expect(try await Self.tail(service)?.hasSuffix(" r") == true)
            try await service.tellRecord(from: Self.eight, to: Self.noon, version: 2)
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await Self.tail(service)?.hasSuffix(" r") == true)
            try await service.tellRecord("next", from: Self.one, version: 1)
            #expect(try await service.agent("ana").shift == "in")
            #expect(try await Self.tail(service)?.hasSuffix(" next") == true)
        }
    }

    /// What the last release writes: it knows nothing of the tail.
    @Test
    func `a state that the last release changed is not gone on from`() async throws {
        try await withVendor { service in
            try await service.tellRecord(from: Self.noon, version: 1)
            // It took a clock-in at eight, so that what is open is not the record's alone any more.
            _ = try await service.owner.pipeline([
                """
                INSERT INTO clock_events (dedupe, agent, source_id, kind, occurred_at, effective_at, received_at, external_id)
                SELECT gen_random_uuid(), agent, 1, 1, \(Self.eight)::text::timestamptz, \(Self.eight)::text::timestamptz,
                    now(), agent_id
                FROM agents
                WHERE agent_id = 'ana'
                """,
                """
                UPDATE agent_states AS s
                SET generation = s.generation + 1, shift = 1, shift_since = \(Self.eight)::text::timestamptz,
                    last_effective_at = s.last_effective_at, last_rank = s.last_rank, has_records = true
                FROM agents a
                WHERE a.agent = s.agent AND a.agent_id = 'ana'
                """,
            ])
            #expect(try await Self.tail(service) == nil)
            try await service.tellRecord(from: Self.noon, to: Self.one, version: 2)
            #expect(try await service.agent("ana").shift == "in")
        }
    }

    private static func tail(_ service: RunningService) async throws -> String? {
        try await service.owner.rows(
            "SELECT s.fold_tail FROM agent_states s JOIN agents a ON a.agent = s.agent WHERE a.agent_id = 'ana'"
        ) { row throws(PQError) in try row.column("fold_tail", as: String?.self) }.first ?? nil
    }

    @Test(arguments: [nil, "ana", "bo", "nobody-knows"] as [String?])
    func `a withdrawal ends the shift for good, whomever it names`(named: String?) async throws {
        try await withVendor { service in
            try await service.tellRecord(of: "ana", from: Self.eight, version: 1)
            for _ in 0..<2 {
                try await service.tell(
                    .init(punches: [.init(agent: named, kind: "void", at: Self.one, record: "r")])
                )
                #expect(try await service.agent("ana").shift == "out")
            }
            try await service.tellRecord(of: "ana", from: Self.eight, version: 9)
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await service.ledgerCount() == 3)
        }
    }

    /// Requests that come together are one batch, as what one delivery says is.
    @Test(arguments: [nil, "ana", "bo", "nobody-knows"] as [String?])
    func `a withdrawal ends the shift whomever it names, whatever its batch says of the agent besides`(
        named: String?
    ) async throws {
        try await withVendor { service in
            try await service.tellRecord(of: "ana", from: Self.eight, version: 1)
            #expect(try await service.agent("ana").shift == "in")
            let besides = [
                ScriptedSource.Script.Punch(agent: "ana", kind: "break_end", at: Self.noon, id: "alone"),
                .init(agent: "ana", kind: "clock_in", at: Self.noon, record: "r", version: 2),
            ]
            let withdrawal = ScriptedSource.Script.Punch(agent: named, kind: "void", at: Self.one, record: "r")
            try await service.tell(.init(punches: besides + [withdrawal]))
            #expect(try await service.agent("ana").shift == "out")
        }
    }

    @Test
    func `a record that is begun and withdrawn, or given away, in one batch is nobody's shift`() async throws {
        try await withVendor { service in
            try await service.tell(
                .init(punches: [
                    .init(agent: "ana", kind: "clock_in", at: Self.eight, record: "gone", version: 1),
                    .init(kind: "void", at: Self.noon, record: "gone"),
                ])
            )
            #expect(try await service.agent("ana").shift == "out")
            try await service.tell(
                .init(punches: [
                    .init(agent: "ana", kind: "clock_in", at: Self.one, record: "given", version: 1),
                    .init(agent: "bo", kind: "clock_in", at: Self.one, record: "given", version: 2),
                ])
            )
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await service.agent("bo").shift == "in")
        }
    }

    @Test
    func `a withdrawal ends the shift of an agent who was mapped only later`() async throws {
        try await withVendor { service in
            try await service.tellRecord(of: "cleo", from: rfc3339(in: -600), version: 1)
            try await service.addWithoutSession("cleo")
            #expect(try await service.agent("cleo").shift == "in")
            try await service.tell(.init(punches: [.init(kind: "void", at: rfc3339(in: -60), record: "r")]))
            #expect(try await service.agent("cleo").shift == "out")
        }
    }

    @Test
    func `one delivery tells of several records, and of one in two states`() async throws {
        try await withVendor { service in
            let answer = try await service.tell(
                .init(punches: [
                    .init(agent: "ana", kind: "clock_in", at: Self.eight, record: "a"),
                    .init(agent: "bo", kind: "clock_in", at: Self.eight, record: "b"),
                    .init(agent: "bo", kind: "clock_out", at: Self.noon, record: "b", ordinal: 1),
                    .init(agent: "ana", kind: "clock_in", at: Self.eight, record: "a"),
                    .init(agent: "ana", kind: "clock_out", at: Self.noon, record: "a", ordinal: 1),
                ])
            )
            #expect(try answer.decoded(as: ItemsView.self).results.count == 5, "\(answer.text)")
            #expect(try await service.agent("ana").shift == "out")
            #expect(try await service.agent("bo").shift == "out")
            #expect(try await service.ledgerCount() == 5)
        }
    }

    @Test
    func `numbered punches of a source count by their number`() async throws {
        try await withVendor { service in
            let tell = { (kind: String, at: String, version: Int64) in
                try await service.tell(
                    .init(punches: [.init(agent: "ana", kind: kind, at: at, version: version, id: "e\(version)")])
                )
            }
            _ = try await tell("clock_out", Self.noon, 8)
            _ = try await tell("clock_in", Self.one, 7)
            #expect(try await service.agent("ana").shift == "out")
            _ = try await tell("clock_in", Self.noon, 9)
            #expect(try await service.agent("ana").shift == "in")
        }
    }
}
