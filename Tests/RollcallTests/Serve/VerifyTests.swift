import LibPQ
import Testing

/// `rollcall verify` and `rollcall rebuild` beside a running service.
@Suite("verify and rebuild", .timeLimit(.minutes(3)))
struct VerifyTests {
    @Test
    func `a falsified state is found, and mended from the ledger`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            for agent in ["true", "false"] {
                try await service.put(agent, hasInstance: false)
                for (kind, time) in [("clock_out", "16:00"), ("clock_in", "08:00"), ("break_start", "12:00")] {
                    let event = #"{"agent_id":"\#(agent)","kind":"\#(kind)","occurred_at":"2026-03-02T\#(time):00Z"}"#
                    #expect(try await service.post(event).status == 202)
                }
            }
            let before = try await installation.run("verify")
            #expect(before.code == 0, "\(before.output)")
            #expect(before.output.contains("2 agents compared, 0 differ"))

            try await installation.owner.execute(
                """
                UPDATE agent_states
                SET shift = 1, desired = 1
                WHERE agent = (SELECT agent FROM agents WHERE agent_id = 'false')
                """
            )
            let falsified = try await installation.run("verify")
            #expect(falsified.code == 1)
            #expect(falsified.output.contains("false: shift, desired"))
            #expect(!falsified.output.contains("true:"))
            let json = try await installation.run("verify", "--json")
            #expect(json.code == 1)
            #expect(
                json.output.contains(#"{"agents":2,"differences":[{"agent_id":"false","fields":["shift","desired"]}]}"#)
            )
            #expect(try await service.agent("false").shift == "in")

            let rebuilt = try await installation.run("rebuild")
            #expect(rebuilt.code == 0, "\(rebuilt.output)")
            let after = try await installation.run("verify")
            #expect(after.code == 0, "\(after.output)")
            #expect(try await service.agent("false").shift == "out")
            #expect(try await service.agent("false").desired == "stopped")
        }
    }

    @Test
    func `a rebuild that would start many sessions needs somebody's name`() async throws {
        try await withInstallation { installation in
            let service = try await installation.serve()
            for number in 1...7 { try await service.put("a\(number)") }
            try await installation.owner.execute("UPDATE agent_states SET shift = 1, desired = 1")
            let refused = try await installation.run("rebuild")
            #expect(refused.code == 1)
            #expect(refused.output.contains("7 sessions") && refused.output.contains("--by"), "\(refused.output)")
            #expect(try await service.agent("a7").shift == "in", "nothing was changed")

            let rebuilt = try await installation.run("rebuild", "--by", "Ada")
            #expect(rebuilt.code == 0, "\(rebuilt.output)")
            #expect(try await service.agent("a7").shift == "out")
            let noted =
                "SELECT count(*) AS count FROM audit WHERE deed = 'ledger.rebuild' AND actor = 'Ada'" as PQStatement
            #expect(try await installation.count(noted) == 1)
            // It counts for whoever changes something after it.
            try await installation.owner.execute(
                "UPDATE agent_states SET shift = 1, desired = 1 WHERE agent = (SELECT min(agent) FROM agents)"
            )
            #expect(try await installation.run("rebuild").code == 1)
        }
    }
}
