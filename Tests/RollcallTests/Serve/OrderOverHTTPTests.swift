import LibPQ
import Testing

/// State follows when things happened, never when they arrived.
@Suite("Order over HTTP", .serving, .timeLimit(.minutes(3)))
struct OrderOverHTTPTests {
    /// A day on which some things happen at the same instant.
    private static let day = [
        ("clock_in", "08:00:00"), ("break_start", "10:00:00"), ("break_end", "10:15:00"), ("clock_out", "12:00:00"),
        ("clock_in", "12:00:00"), ("break_start", "14:00:00"),
    ]

    private static func post(_ steps: [(String, String)], of agent: String) async throws -> [String] {
        let service = try Served.shared()
        var effects: [String] = []
        for (kind, time) in steps {
            let id = "\(agent)-\(kind)-\(time)"
            let answer = try await service.post(
                #"{"event_id":"\#(id)","agent_id":"\#(agent)","kind":"\#(kind)","occurred_at":"2026-03-02T\#(time)Z"}"#
            )
            #expect(answer.status == 202)
            effects.append(try answer.decoded(ReceiptView.self).effect)
        }
        return effects
    }

    @Test
    func `a day ends the same in whatever order it arrives`() async throws {
        let service = try Served.shared()
        let places = Array(Self.day.indices)
        let orders =
            [places, Array(places.reversed()), [1, 0, 3, 2, 5, 4], [5, 0, 4, 1, 3, 2]]
            + (1..<places.count).map { Array(places[$0...] + places[..<$0]) }
        for (number, order) in orders.enumerated() {
            let agent = "day-\(number)"
            try await service.put(agent, hasInstance: false)
            _ = try await Self.post(order.map { Self.day[$0] }, of: agent)
            let view = try await service.agent(agent)
            #expect(view.shift == "break", "\(order)")
            #expect(view.shiftSince == "2026-03-02T14:00:00Z", "\(order)")
            #expect(view.desired == "running", "\(order)")
        }
    }

    @Test
    func `one array in any order is the same day`() async throws {
        let service = try Served.shared()
        try await service.put("array", hasInstance: false)
        let items = Self.day.reversed().map {
            #"{"agent_id":"array","kind":"\#($0.0)","occurred_at":"2026-03-02T\#($0.1)Z"}"#
        }
        #expect(try await service.post("[\(items.joined(separator: ","))]").status == 202)
        #expect(try await service.agent("array").shift == "break")
        #expect(try await service.agent("array").shiftSince == "2026-03-02T14:00:00Z")
    }

    @Test
    func `late news changes nothing that something newer stands for`() async throws {
        let service = try Served.shared()
        try await service.put("late", hasInstance: false)
        let effects = try await Self.post(
            [("clock_in", "08:00:00"), ("clock_out", "10:00:00"), ("clock_in", "09:00:00"), ("clock_in", "11:00:00")],
            of: "late"
        )
        #expect(effects == ["applied", "applied", "superseded", "applied"])
        #expect(try await service.agent("late").shiftSince == "2026-03-02T11:00:00Z")
    }

    @Test
    func `a late clock-out ends a shift whose break was known before it`() async throws {
        let service = try Served.shared()
        try await service.put("mended", hasInstance: false)
        // The break-end at ten means nothing once it is known that the agent had left at nine.
        let effects = try await Self.post(
            [("clock_in", "08:00:00"), ("break_end", "10:00:00"), ("clock_out", "09:00:00")],
            of: "mended"
        )
        #expect(effects == ["applied", "recorded", "applied"])
        #expect(try await service.agent("mended").shift == "out")
        #expect(try await service.agent("mended").shiftSince == "2026-03-02T09:00:00Z")
    }

    @Test
    func `a clock-in during a break ends the break`() async throws {
        let service = try Served.shared()
        try await service.put("back", hasInstance: false)
        let effects = try await Self.post(
            [
                ("clock_in", "08:00:00"), ("break_start", "09:00:00"), ("clock_in", "09:30:00"),
                ("break_end", "10:00:00"),
            ],
            of: "back"
        )
        #expect(effects == ["applied", "applied", "applied", "recorded"])
        let view = try await service.agent("back")
        #expect(view.shift == "in")
        #expect(view.shiftSince == "2026-03-02T09:30:00Z")
    }

    @Test
    func `what changes nothing is recorded`() async throws {
        let service = try Served.shared()
        try await service.put("idle", hasInstance: false)
        let effects = try await Self.post(
            [
                ("break_start", "07:00:00"), ("clock_out", "07:30:00"), ("clock_in", "08:00:00"),
                ("clock_in", "08:30:00"), ("break_end", "09:00:00"), ("clock_out", "10:00:00"),
                ("break_start", "11:00:00"),
            ],
            of: "idle"
        )
        #expect(
            effects == ["recorded", "recorded", "applied", "recorded", "recorded", "applied", "recorded"]
        )
        let view = try await service.agent("idle")
        #expect(view.shift == "out")
        #expect(view.shiftSince == "2026-03-02T10:00:00Z")
        #expect(
            try await service.installation.count(
                "SELECT count(*) AS count FROM clock_events WHERE external_id = 'idle'"
            ) == 7
        )
    }
}
