import LibPQ
import Testing

/// What becomes of clock events that are in order, over HTTP.
@Suite("Receipts", .serving, .timeLimit(.minutes(3)))
struct LedgerTests {
    private static func event(_ agent: String, _ kind: String, _ id: String, at time: String) -> String {
        #"{"event_id":"\#(id)","agent_id":"\#(agent)","kind":"\#(kind)","occurred_at":"\#(time)"}"#
    }

    @Test
    func `a new event has a receipt that says everything`() async throws {
        let service = try Served.shared()
        try await service.put("full", hasInstance: false)
        let answer = try await service.post(Self.event("full", "clock_in", "full-1", at: "2026-03-02T09:00:00+01:00"))
        #expect(answer.status == 202)
        #expect(answer.headers["content-type"] == "application/json")
        let names: Set<String> = [
            "event_id", "agent_id", "kind", "occurred_at", "received_at", "sequence", "replayed", "effect", "desired",
            "warnings",
        ]
        #expect(try answer.memberNames().isSuperset(of: names))
        let receipt = try answer.decoded(ReceiptView.self)
        #expect(receipt.eventId == "full-1")
        #expect(receipt.agentId == "full")
        #expect(receipt.kind == "clock_in")
        #expect(receipt.occurredAt == "2026-03-02T08:00:00Z")
        #expect(receipt.sequence > 0)
        #expect(!receipt.replayed)
        #expect(receipt.effect == "applied")
        #expect(receipt.desired == .init(state: "running", generation: 1, rule: "shift"))
        #expect(receipt.warnings.isEmpty)
        let stored = try await service.installation.owner.query(
            """
            SELECT count(*) AS count
            FROM clock_events
            WHERE event_id = 'full-1' AND sequence = \(receipt.sequence)
                AND received_at = \(receipt.receivedAt)::text::timestamptz
            """
        )
        #expect(try stored[0].column("count", as: Int64.self) == 1)
    }

    @Test(arguments: ["clock-in", "clock-out", "break-start", "break-end"])
    func `each route makes its kind of event, of now, without a body`(action: String) async throws {
        let service = try Served.shared()
        let agent = "now-\(action)"
        let answer = try await service.clock(action, agent)
        #expect(answer.status == 202)
        let receipt = try answer.decoded(ReceiptView.self)
        #expect(receipt.kind.split(separator: "_") == action.split(separator: "-"))
        #expect(receipt.agentId == agent)
        #expect(receipt.occurredAt == receipt.receivedAt)
        #expect(!receipt.eventId.isEmpty)
        #expect(try await service.clock(action, agent).status == 202)
    }

    @Test
    func `a replay repeats the first receipt, with what is desired as of now`() async throws {
        let service = try Served.shared()
        try await service.put("again", hasInstance: false)
        let event = Self.event("again", "clock_in", "again-1", at: "2026-03-02T08:00:00Z")
        let first = try await service.post(event).decoded(ReceiptView.self)
        _ = try await service.post(Self.event("again", "clock_out", "again-2", at: "2026-03-02T16:00:00Z"))
        for _ in 0..<2 {
            let answer = try await service.post(event)
            #expect(answer.status == 200)
            let replay = try answer.decoded(ReceiptView.self)
            #expect(replay.replayed)
            #expect(replay.receivedAt == first.receivedAt)
            #expect(replay.sequence == first.sequence)
            #expect(replay.occurredAt == first.occurredAt)
            #expect(replay.desired == .init(state: "stopped", generation: 2, rule: "shift"))
        }
        #expect(try await service.agent("again").shift == "out")
    }

    @Test
    func `an id in Idempotency-Key, quoted or not, is the id in the body`() async throws {
        let service = try Served.shared()
        let content = #"{"occurred_at":"2026-03-02T08:00:00Z"}"#
        let path = "/v1/agents/keyed/clock-in"
        let first = try await service.send("POST", path, json: content, headers: ["Idempotency-Key": "\"k-1\""])
        #expect(first.status == 202)
        #expect(try first.decoded(ReceiptView.self).eventId == "k-1")
        let second = try await service.send("POST", path, json: content, headers: ["Idempotency-Key": "k-1"])
        #expect(second.status == 200)
        let third = try await service.post(Self.event("keyed", "clock_in", "k-1", at: "2026-03-02T08:00:00Z"))
        #expect(third.status == 200)
        #expect(try third.decoded(ReceiptView.self).sequence == (try first.decoded(ReceiptView.self).sequence))
    }

    @Test
    func `without an id, an event is another of its agent, kind and second`() async throws {
        let service = try Served.shared()
        func post(_ kind: String, _ time: String) async throws -> Int {
            try await service.post(#"{"agent_id":"second","kind":"\#(kind)","occurred_at":"\#(time)"}"#).status
        }
        #expect(try await post("clock_in", "2026-03-02T08:00:00.1Z") == 202)
        #expect(try await post("clock_in", "2026-03-02T08:00:00.9Z") == 200)
        #expect(try await post("clock_in", "2026-03-02T10:00:00+02:00") == 200)
        #expect(try await post("clock_in", "2026-03-02T08:00:01Z") == 202)
        #expect(try await post("clock_out", "2026-03-02T08:00:00Z") == 202)
        #expect(
            try await service.installation.count(
                "SELECT count(*) AS count FROM clock_events WHERE external_id = 'second'"
            ) == 3
        )
    }

    @Test
    func `the same event posted by many at once is one row and one news`() async throws {
        let service = try Served.shared()
        try await service.put("crowd", hasInstance: false)
        let event = Self.event("crowd", "clock_in", "crowd-1", at: "2026-03-02T08:00:00Z")
        let answers = try await withThrowingTaskGroup(of: Answer.self) { group -> [Answer] in
            for _ in 0..<24 { group.addTask { try await service.post(event) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.filter { $0.status == 202 }.count == 1)
        #expect(answers.filter { $0.status == 200 }.count == 23)
        let receipts = try answers.map { try $0.decoded(ReceiptView.self) }
        #expect(Set(receipts.map(\.sequence)).count == 1)
        #expect(Set(receipts.map(\.receivedAt)).count == 1)
        #expect(
            try await service.installation.count(
                "SELECT count(*) AS count FROM clock_events WHERE event_id = 'crowd-1'"
            ) == 1
        )
        #expect(try await service.agent("crowd").shift == "in")
    }

    @Test
    func `a future event is parked and applied at its time`() async throws {
        let service = try Served.shared()
        try await service.put("parked", hasInstance: false)
        let time = instant(inSeconds: 6)
        let answer = try await service.post(Self.event("parked", "clock_in", "parked-1", at: time))
        #expect(answer.status == 202)
        let receipt = try answer.decoded(ReceiptView.self)
        #expect(receipt.effect == "parked")
        #expect(receipt.warnings == ["future"])
        #expect(receipt.desired?.state == "stopped")
        let agent = try await service.until("parked") { $0.shift == "in" }
        #expect(agent.desired == "running")
        #expect(agent.shiftSince == receipt.occurredAt)
        #expect(
            try await service.installation.count(
                "SELECT count(*) AS count FROM clock_events WHERE event_id = 'parked-1' AND effective_at <= now()"
            ) == 1
        )
    }

    @Test
    func `an event a moment ahead of our clock counts as now`() async throws {
        let service = try Served.shared()
        try await service.put("skewed", hasInstance: false)
        let body = Self.event("skewed", "clock_in", "skewed-1", at: instant(inSeconds: 1.5))
        let receipt = try await service.post(body).decoded(ReceiptView.self)
        #expect(receipt.effect == "applied")
        #expect(try await service.agent("skewed").shiftSince == receipt.receivedAt)
    }

    @Test
    func `events of somebody unknown are kept, shown, and applied in order when the agent appears`() async throws {
        let service = try Served.shared()
        struct Unmatched: Decodable {
            struct Item: Decodable { var externalId: String?; var eventId: String? }
            var items: [Item]
        }
        func waiting() async throws -> [String?] {
            let list: Unmatched = try await service.send("GET", "/v1/unmatched?source=api&limit=500").decoded()
            return list.items.filter { $0.eventId?.hasPrefix("new-") ?? false }.map(\.eventId)
        }
        let breakStart = Self.event("newcomer", "break_start", "new-2", at: instant(inSeconds: -60))
        let clockIn = Self.event("newcomer", "clock_in", "new-1", at: instant(inSeconds: -120))
        for event in [breakStart, clockIn] {
            let answer = try await service.post(event)
            #expect(answer.status == 202)
            let receipt = try answer.decoded(ReceiptView.self)
            #expect(receipt.effect == "unmatched")
            #expect(receipt.desired == nil)
        }
        #expect(try await waiting() == ["new-2", "new-1"])
        #expect(try await service.send("GET", "/v1/agents/newcomer").status == 404)
        try await service.put("newcomer", hasInstance: false)
        let agent = try await service.until("newcomer") { $0.shift == "break" }
        #expect(agent.desired == "running")
        #expect(try await waiting().isEmpty)
        let replay = try await service.post(clockIn)
        #expect(replay.status == 200)
        #expect(try await service.agent("newcomer").shift == "break")
    }
}
