import LibPQ
import Testing

/// The process dies between two steps; the next one finds its way with nothing posted again.
@Suite("Crashes", .timeLimit(.minutes(5)))
struct CrashTests {
    /// 3 s must lie between the end of a stop and the next start.
    private static let gap: Int64 = 3_000_000

    @Test(arguments: ["before-engine-call", "after-engine-call", "before-receipt"])
    func `a clock-in survives kill -9, and its session is started once`(point: String) async throws {
        try await withInstallation { installation in
            let first = try await installation.serve(["ROLLCALL_CRASH_AT": point])
            try await first.put("ana")
            try await first.until("ana") { $0.observed == "STOPPED" }
            let event = #"{"event_id":"shift-1"}"#
            // Whether its sender still gets a receipt depends on the point.
            let answer = try? await first.clock("clock-in", "ana", json: event)
            #expect(answer.map { $0.status == 202 } ?? true)
            if point == "before-receipt" { #expect(answer == nil) }
            #expect(try await first.process.ending() == .signal(9))
            #expect(try await installation.ledgerCount() == 1)

            let second = try await installation.serve()
            let view = try await second.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(view.shift == "in")
            #expect(try await installation.engine.status(of: "i-ana") == "WORKING")
            let commands = try await installation.engine.commands(of: "i-ana")
            #expect(commands.map(\.operation) == ["start"])
            #expect(commands.map(\.effect) == ["started"])
            #expect(try await installation.ledgerCount() == 1)

            let replay = try await second.clock("clock-in", "ana", json: event)
            #expect(replay.status == 200)
            #expect(try replay.decoded(ReceiptView.self).replayed)
            #expect(try await installation.ledgerCount() == 1)
            let verified = try await installation.run("verify")
            #expect(verified.code == 0, "\(verified.output)")
        }
    }

    @Test
    func `a start keeps its distance from a stop whose outcome died with the process`() async throws {
        try await withInstallation { installation in
            let first = try await installation.serve()
            try await first.put("ana")
            #expect(try await first.clock("clock-in", "ana", wait: 60).status == 200)
            first.process.signal(15)
            #expect(try await first.process.ending() == .exit(0))

            let second = try await installation.serve(["ROLLCALL_CRASH_AT": "after-engine-call"])
            _ = try? await second.clock("clock-out", "ana")  // The receipt may be lost.
            #expect(try await second.process.ending() == .signal(9))

            let third = try await installation.serve()
            #expect(try await third.clock("clock-in", "ana", wait: 60).status == 200)
            let commands = try await installation.engine.commands(of: "i-ana")
            #expect(commands.map(\.operation) == ["start", "stop", "start"])
            #expect(commands.allSatisfy { $0.httpStatus == 200 })
            let stop = try #require(commands.dropFirst().first?.answeredMonotonicUs)
            let start = try #require(commands.last?.receivedMonotonicUs)
            #expect(start - stop >= Self.gap)
        }
    }
}
