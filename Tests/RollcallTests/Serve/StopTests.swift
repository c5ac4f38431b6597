import LibPQ
import Testing

/// SIGTERM: what is under way is seen through, then the process ends well.
@Suite("SIGTERM", .timeLimit(.minutes(3)))
struct StopTests {
    @Test
    func `a command under way is awaited and its outcome recorded`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            try await service.engine.put("i-ana", "STOPPED")
            try await service.put("ana")
            try await service.until("ana") { $0.observed == "STOPPED" }
            try await service.engine.fault("slow", on: "start", of: "i-ana", milliseconds: 1500)
            #expect(try await service.clock("clock-in", "ana").status == 202)
            try await service.until("the start is under way") {
                try await service.engine.commands(of: "i-ana").count == 1
            }
            service.process.signal(15)
            #expect(try await service.process.ending(within: .seconds(30)) == .exit(0))
            #expect(
                try await installation.count(
                    """
                    SELECT count(*) AS count
                    FROM commands
                    WHERE verdict = 'ok' AND ended_at IS NOT NULL
                    """
                ) == 1
            )
            #expect(
                try await installation.count("SELECT count(*) AS count FROM engine_leases WHERE holder IS NOT NULL")
                    == 0
            )
            #expect(try await installation.count("SELECT count(*) AS count FROM replicas") == 0)
            // Whoever comes next has nothing left to do but to look.
            let next = try await installation.serve()
            try await next.until("ana") { $0.observed == "WORKING" && $0.condition == "converged" }
            #expect(try await installation.engine.commands(of: "i-ana").map(\.operation) == ["start"])
        }
    }

    @Test
    func `requests that wait for a session are answered, and hold nothing up`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            try await service.engine.put("i-ana", "STOPPED")
            try await service.put("ana")
            try await service.engine.admin("PUT", "faults", #"{"kind":"stuck_starting","scope":"all"}"#)
            async let waiting = service.clock("clock-in", "ana", wait: 60)
            try await service.until("the start is sent") {
                try await service.engine.commands(of: "i-ana").count == 1
            }
            service.process.signal(15)
            #expect(try await service.process.ending(within: .seconds(30)) == .exit(0))
            #expect(try await waiting.status == 202)
        }
    }

    @Test
    func `events that were taken are committed before the end`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            let answers = try await withThrowingTaskGroup(of: Answer?.self) { group -> [Answer?] in
                for number in 0..<40 {
                    // Who comes too late is refused or finds nobody, and may send again.
                    group.addTask { try? await service.clock("clock-in", "crowd-\(number)") }
                }
                group.addTask {
                    service.process.signal(15)
                    return nil
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(try await service.process.ending(within: .seconds(30)) == .exit(0))
            let taken = answers.compactMap { $0 }.filter { $0.status == 202 }
            let receipts = try taken.map { try $0.decoded(ReceiptView.self).sequence }
            let kept = try await installation.count(
                "SELECT count(*) AS count FROM clock_events WHERE sequence = ANY (\(receipts))"
            )
            #expect(kept == Int64(receipts.count))
        }
    }
}
