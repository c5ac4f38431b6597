import Domain
import Foundation
import LibPQ
import Testing

/// What the outside is told, by the real binary over real HTTP.
@Suite("Alerts", .timeLimit(.minutes(5)))
struct AlertTests {
    private struct Log: Decodable {
        struct Notice: Decodable {
            var kind: String
            var state: String
            var attempts: Int
            var httpStatus: Int?
            var fault: String?
        }
        var items: [Notice]
    }

    private func log(_ served: Served) async throws -> [Log.Notice] {
        let log: Log = try await served.send("GET", "/v1/alerts").decoded()
        return log.items
    }

    private func breakCredential(_ served: Served) async throws {
        try await served.engine.admin("PUT", "faults", #"{"kind":"unauthorized","scope":"all"}"#)
        try await served.clock("clock-in", "ana")
        try await served.until("the account is refused") {
            try await served.installation.count("SELECT count(*) AS count FROM incidents WHERE closed_at IS NULL") == 1
        }
    }

    private func mendCredential(_ served: Served) async throws {
        try await served.engine.admin("DELETE", "faults", nil)
        _ = try await served.send("POST", "/v1/engines/main/sweep?wait=30")
    }

    @Test
    func `an incident is told once, signed, and so is its end; two replicas tell it no oftener`() async throws {
        try await AlertInbox.run { inbox in
            try await withInstallation { installation in
                let first = try await installation.serve(inbox.settings)
                let second = try await installation.serve(inbox.settings)
                try await installation.engine.put("i-ana", "STOPPED")
                try await first.put("ana")
                try await breakCredential(first)
                try await inbox.until("it is told") { $0.contains { $0.type == "incident.opened" } }
                // The agent cannot work either, but that is the same incident.
                try await mendCredential(first)
                try await inbox.until("its end is told") { $0.contains { $0.type == "incident.closed" } }
                let letters = inbox.letters
                #expect(letters.map(\.type) == ["incident.opened", "incident.closed"])
                #expect(!letters.map(\.isGenuine).contains(false))
                #expect(Set(letters.map(\.id)).count == 2)
                #expect(letters[0].text("kind") == "account_refused" && letters[0].text("engine") == "main")
                #expect(letters[0].text("incident") == letters[1].text("incident"))
                for served in [first, second] {
                    try await served.until("the log says so") {
                        try await log(served).map(\.state) == ["delivered", "delivered"]
                    }
                    #expect(!served.process.output.contains("a-secret-of-the-receiver"))
                    #expect(!served.process.output.contains("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
                }
                let key = try await first.makeKey(role: "view", "--team", "blue")
                let bound: Log = try await first.send("GET", "/v1/alerts", key: key.key).decoded()
                #expect(bound.items.isEmpty)
            }
        }
    }

    @Test
    func `who clocks in during an incident is told of by that alone, also while they come up once it is over`()
        async throws
    {
        try await AlertInbox.run { inbox in
            try await withInstallation { installation in
                var settings = inbox.settings
                settings["ROLLCALL_ALERT_AFTER"] = "15s"
                let served = try await installation.serve(settings)
                let agents = ["ana", "bo", "cy"]
                for agent in agents {
                    try await installation.engine.put("i-\(agent)", "STOPPED")
                    try await served.put(agent)
                    try await served.until(agent) { $0.condition == "converged" }
                }
                try await breakCredential(served)
                for agent in agents.dropFirst() { try await served.clock("clock-in", agent) }
                try await inbox.until("it is told") { $0.contains { $0.type == "incident.opened" } }
                try await served.until("all have waited for longer than is told of") {
                    try await installation.count(Self.longWaiting) == 3
                }
                try await mendCredential(served)
                try await inbox.until("its end is told") { $0.contains { $0.type == "incident.closed" } }
                for agent in agents {
                    try await served.until(agent) { $0.observed == "WORKING" && $0.condition == "converged" }
                }
                #expect(try await log(served).map(\.kind).sorted() == ["incident.closed", "incident.opened"])
                #expect(inbox.letters.map(\.type) == ["incident.opened", "incident.closed"])
            }
        }
    }

    private static let longWaiting: PQStatement = """
        SELECT count(*) AS count
        FROM agent_states
        WHERE shift <> 0 AND desired = 1 AND desired_since < now() - interval '15 seconds'
        """

    @Test
    func `what is not taken is tried again under the same id, over a crash too, and its end waits for it`() async throws
    {
        try await AlertInbox.run { inbox in
            try await withInstallation { installation in
                inbox.fail(with: [500, 302])
                let served = try await installation.serve(inbox.settings)
                try await installation.engine.put("i-ana", "STOPPED")
                try await served.put("ana")
                try await breakCredential(served)
                try await inbox.until("a first try") { !$0.isEmpty }
                try await served.until("the fault is in the log") { try await log(served).first?.fault == "refused" }
                served.process.kill()
                try await served.process.ending()
                let next = try await installation.serve(inbox.settings)
                try await mendCredential(next)
                try await inbox.until("it is told") { $0.filter { (200..<300).contains($0.status) }.count == 2 }
                #expect(inbox.letters.map(\.status) == [500, 302, 204, 204])
                #expect(
                    inbox.letters.map(\.type) == Array(repeating: "incident.opened", count: 3) + ["incident.closed"]
                )
                #expect(Set(inbox.letters.prefix(3).map(\.id)).count == 1)
                #expect(!inbox.letters.map(\.isGenuine).contains(false))
                try await next.until("the log says so") { try await log(next).last?.attempts == 3 }
            }
        }
    }

    @Test
    func `an agent on shift who cannot work is told once, without name or number, and that it can again`() async throws
    {
        try await AlertInbox.run { inbox in
            try await withInstallation { installation in
                var settings = inbox.settings
                settings["ROLLCALL_ALERT_AFTER"] = "1s"
                let served = try await installation.serve(settings)
                try await installation.engine.put("i-+34600111222", "STOPPED", isPaired: false)
                let body =
                    #"{"name":"Zelda","team":"blue","instance":{"engine":"main","instance_id":"i-+34600111222"}}"#
                #expect(try await served.send("PUT", "/v1/agents/+34600111222", json: body).status == 201)
                try await served.put("bo", hasInstance: false)
                try await installation.engine.put("i-cy", "STOPPED")
                try await served.put("cy")
                try await served.until("cy") { $0.condition == "converged" }
                // The engine starts this session as well, and tells nothing of it: it hangs in `starting`.
                try await installation.engine.admin(
                    "PUT",
                    "faults",
                    #"{"kind":"error_in_200","scope":"i-cy","operations":["info"]}"#
                )
                try await served.clock("clock-in", "+34600111222")
                try await served.clock("clock-in", "bo")
                try await served.clock("clock-in", "cy")
                try await inbox.until("all are told") { $0.filter { $0.type == "agent.cannot_work" }.count == 3 }
                let letters = inbox.letters
                #expect(!letters.map(\.isGenuine).contains(false))
                #expect(
                    Set(letters.map { $0.text("condition") }) == ["needs_pairing", "unassigned", "starting"]
                )
                #expect(letters.contains { $0.text("agent_id") == "bo" && $0.text("team") == "blue" })
                #expect(letters.contains { $0.text("agent_id") == "cy" && $0.text("condition") == "starting" })
                for letter in letters {
                    #expect(!letter.body.contains("Zelda") && !letter.body.contains("34600111222"))
                }
                try await served.engine.admin("POST", "scan", #"{"scope":"all"}"#)
                try await served.engine.admin("DELETE", "faults", nil)
                try await served.clock("clock-out", "bo")
                try await inbox.until("that is over is told") { $0.filter { $0.type == "agent.can_work" }.count == 3 }
                #expect(inbox.letters.count == 6)
            }
        }
    }

    @Test
    func `nothing goes to an address of this machine or its network that no setting allows`() async throws {
        try await AlertInbox.run { inbox in
            try await withInstallation { installation in
                var settings = inbox.settings
                settings["ROLLCALL_ALERT_URL"] = "https://localhost:\(inbox.port)/hooks/rollcall"
                settings["ROLLCALL_ALERT_ALLOW_HOSTS"] = nil
                let served = try await installation.serve(settings)
                try await installation.engine.put("i-ana", "STOPPED")
                try await served.put("ana")
                try await breakCredential(served)
                try await served.until("it is refused") { try await log(served).first?.fault == "forbidden_address" }
                #expect(try await log(served).first?.httpStatus == nil)
                #expect(inbox.letters.isEmpty)
            }
        }
    }
}
