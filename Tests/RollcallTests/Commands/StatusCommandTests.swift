import Foundation
import LibPQ
import Testing

/// `rollcall status` counts as the page does.
@Suite("status", .timeLimit(.minutes(3)))
struct StatusCommandTests {
    private func counts(_ installation: Installation, sweep: String) async throws -> [String: Int] {
        let outcome = try await installation.run(
            "status",
            "--json",
            settings: ["ROLLCALL_SWEEP_INTERVAL": sweep, "ROLLCALL_OFF_SHIFT_SWEEP_INTERVAL": sweep]
        )
        #expect(outcome.code == 0, "\(outcome.output)")
        let line = try #require(outcome.output.split(separator: "\n").last { $0.hasPrefix("{") })
        return try JSONDecoder().decode([String: Int].self, from: Data(line.utf8))
    }

    @Test
    func `every agent is counted once, and what nobody has read lately is unknown`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            for agent in ["ana", "ben", "gone"] { try await service.put(agent) }
            try await service.put("bare", hasInstance: false)
            for agent in ["ana", "ben", "gone"] { try await service.until(agent) { $0.condition == "converged" } }
            service.process.signal(15)
            try await service.process.ending()
            // A session that is nobody's any more is no agent.
            _ = try await installation.owner.pipeline([
                """
                UPDATE instances x
                SET agent = NULL
                FROM agents a
                WHERE a.agent = x.agent AND a.agent_id = 'gone'
                """, "DELETE FROM agents WHERE agent_id = 'gone'",
            ])
            let fresh = try await counts(installation, sweep: "1h")
            #expect(fresh["condition converged"] == 2 && fresh["condition unassigned"] == 1 && fresh["agents"] == 3)
            let conditions = fresh.filter { $0.key.hasPrefix("condition ") }
            #expect(conditions.values.reduce(0, +) == 3, "\(fresh)")
            try await service.until("the looks are older than three seconds") {
                try await installation.count(
                    """
                    SELECT count(*) AS count
                    FROM observed_states o
                    LEFT JOIN looks l ON l.instance = o.instance
                    WHERE greatest(o.read_at, l.looked_at) > now() - interval '4 seconds'
                    """
                ) == 0
            }
            let stale = try await counts(installation, sweep: "1s")
            #expect(stale["condition unknown"] == 2 && stale["condition unassigned"] == 1, "\(stale)")
            #expect(stale["condition converged"] == nil)
        }
    }
}
