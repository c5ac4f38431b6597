import Domain
import Testing

/// Events that come early, late, out of order, or before anybody knows whom they are about.
@Suite("News out of order", .timeLimit(.minutes(2)))
struct NewsOrderTests {
    private func at(_ seconds: Double) -> String { #"{"occurred_at":"\#(rfc3339(in: seconds))"}"# }

    private func effect(_ answer: WireResponse) throws -> String {
        #expect(answer.status == 202, "\(answer.text)")
        return try answer.decoded(as: ReceiptView.self).effect
    }

    @Test
    func `an event of the future takes effect at its time`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            // One after the other: where nothing happens for a while both would be due, and nothing be to do.
            let start = timestamp(in: 4)
            let clockIn = #"{"occurred_at":"\#(start.rfc3339)"}"#
            #expect(try effect(await service.clock("clock-in", "ana", json: clockIn)) == "parked")
            try await service.until { try await service.engine.commands() == ["start"] }
            let end = timestamp(in: 4)
            let clockOut = #"{"occurred_at":"\#(end.rfc3339)"}"#
            #expect(try effect(await service.clock("clock-out", "ana", json: clockOut)) == "parked")
            try await service.until { try await service.engine.commands() == ["start", "stop"] }
            let ana = try await service.until("ana") { $0.observed == "STOPPED" && $0.condition == "converged" }
            #expect(ana.shift == "out" && ana.shiftSince == end.rfc3339)
            let commands = try await service.engine.calls().filter(\.isMutating)
            #expect(commands[0].receivedAtUs >= start.microseconds)
            #expect(commands[1].receivedAtUs >= end.microseconds)
        }
    }

    @Test
    func `late news changes nothing that newer news decided`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            #expect(try await service.clock("clock-in", "ana", wait: 30, json: at(-60)).status == 200)
            #expect(try effect(await service.clock("clock-out", "ana", json: at(-3600))) == "superseded")
            #expect(try await service.agent("ana").shift == "in")
            #expect(try await service.clock("clock-out", "ana", wait: 30).status == 200)
            #expect(try effect(await service.clock("clock-in", "ana", json: at(-1800))) == "superseded")
            #expect(try await service.agent("ana").desired == "stopped")
            try await service.sweep()
            #expect(try await service.engine.commands() == ["start", "stop"])
        }
    }

    @Test
    func `a clock-out that came before its clock-in leaves nobody on shift`() async throws {
        try await withRunningService { service in
            try await service.add("ana")
            try await service.until("ana") { $0.condition == "converged" }
            try await service.clock("clock-out", "ana", json: at(-10))
            try await service.clock("clock-in", "ana", json: at(-20))
            let ana = try await service.agent("ana")
            #expect(ana.shift == "out" && ana.desired == "stopped")
            try await service.sweep()
            #expect(try await service.engine.commands().isEmpty)
        }
    }

    @Test(arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 2, 1]])
    func `a day posted in any order ends as it happened`(order: [Int]) async throws {
        try await withRunningService { service in
            try await service.add("ana")
            let day = [("clock_in", -30.0), ("clock_out", -20.0), ("clock_in", -10.0)].map { kind, second in
                #"{"agent_id":"ana","kind":"\#(kind)","occurred_at":"\#(rfc3339(in: second))"}"#
            }
            for place in order { #expect(try await service.post(day[place]).status == 202) }
            let ana = try await service.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(ana.shift == "in" && ana.desired == "running")
            #expect(try await service.engine.status(of: "i-ana") == "WORKING")
            for event in day { #expect(try await service.post(event).status == 200, "it is a replay") }
            try await service.sweep()
            #expect(try await service.engine.commands().last == "start")
        }
    }

    @Test
    func `an event about a stranger takes effect once the agent is known`() async throws {
        try await withRunningService { service in
            #expect(try effect(await service.clock("clock-in", "zoe", json: at(-60))) == "unmatched")
            #expect(try await service.send("GET", "/v1/unmatched").text.contains(#""zoe""#))
            try await service.add("zoe")
            let zoe = try await service.until("zoe") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(zoe.shift == "in" && zoe.rule == "shift")
            #expect(try await service.engine.commands() == ["start"])
        }
    }

    @Test
    func `old news about a stranger starts nothing and stays to be seen`() async throws {
        try await withRunningService { service in
            #expect(try effect(await service.clock("clock-in", "zoe", json: at(-25 * 3600))) == "unmatched")
            try await service.add("zoe")
            let zoe = try await service.until("zoe") { $0.condition == "converged" }
            #expect(zoe.observed == "STOPPED" && zoe.desired == "stopped")
            try await service.sweep()
            #expect(try await service.engine.commands().isEmpty)
            #expect(try await service.send("GET", "/v1/unmatched").text.contains(#""zoe""#))
        }
    }
}
