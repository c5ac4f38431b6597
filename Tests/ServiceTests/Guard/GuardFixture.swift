import Domain
import LibPQ
import Testing

@testable import Service

/// What tests of the guard do and ask, over the routes.
extension ManagementFixture {
    /// Puts agents, each with a session, and lets them clock in an hour ago.
    func addOnShift(_ agentIDs: [String], team: String = "support", withSession: Bool = true) async throws {
        for agentID in agentIDs {
            if withSession {
                try await addAgent(agentID, team: team)
            } else {
                _ = try await send("PUT", "/v1/agents/\(agentID)", json: #"{"team":"\#(team)"}"#)
            }
            try await addEvent(.clockIn, of: agentID, ago: .seconds(3600), matched: true)
            try await refold(agentID)
        }
    }

    func importFile(_ text: String) async throws -> AgentImport.Report {
        try await AgentImport(dependencies.directory)
            .run(AgentImportFile(parsing: text.utf8), isDryRun: false, author: "hr")
    }

    /// A file that gives each agent the session `<prefix>-<agent>`.
    func fileOfSessions(_ agentIDs: [String], prefix: String, team: String? = nil) -> String {
        "agent_id,engine,instance_id" + (team == nil ? "\n" : ",team\n")
            + agentIDs.map { "\($0),main,\(prefix)-\($0)" + (team.map { ",\($0)" } ?? "") + "\n" }.joined()
    }

    func session(of agentID: String) async throws -> String? {
        let agent = try await send("GET", "/v1/agents/\(agentID)").json()
        return (agent["instance"] as? [String: Any])?["instance_id"] as? String
    }

    func waiting(of agentID: String) async throws -> [String] {
        let agent = try await send("GET", "/v1/agents/\(agentID)").json()
        return (agent["waiting"] as? [[String: Any]] ?? []).compactMap { $0["kind"] as? String }
    }

    /// The changes that wait, newest first.
    func heldChanges(key: String? = nil) async throws -> [Int64] {
        let answer = try await key == nil ? send("GET", "/v1/guard") : send("GET", "/v1/guard", key: key)
        return try answer.items().filter { $0["state"] as? String == "held" }.compactMap {
            ($0["change"] as? Int).map(Int64.init)
        }
    }

    func state(of change: Int64) async throws -> String? {
        try await send("GET", "/v1/guard/\(change)").json()["state"] as? String
    }

    func openIncidents() async throws -> [String] {
        try await send("GET", "/v1/incidents").items().filter { $0["closed_at"] is String == false }
            .compactMap { $0["kind"] as? String }
    }

    func audit(_ deed: String) async throws -> [String] {
        try await pool.rows("SELECT actor FROM audit WHERE deed = \(deed) ORDER BY entry") { row throws(PQError) in
            try row.column("actor", as: String.self)
        }
    }

    var keeper: GuardKeeper {
        GuardKeeper(
            pool: pool,
            desk: GuardDesk(
                dependencies.directory,
                freshness: dependencies.freshness,
                logger: dependencies.logger
            ),
            logger: dependencies.logger
        )
    }

    /// Runs statements that only the schema's owner may.
    func asOwner(_ statements: [PQStatement]) async throws {
        try await pool.withTransaction { transaction in
            try await transaction.run(["SET LOCAL ROLE NONE"] + statements)
        }
    }

    func hold(_ agentID: String, _ state: String = "stopped", reason: String = "exam") async throws -> Int {
        let until = (clock.now() + .seconds(3600)).rfc3339
        return try await send(
            "PUT",
            "/v1/agents/\(agentID)/hold",
            as: .manage,
            json: #"{"state":"\#(state)","until":"\#(until)","reason":"\#(reason)"}"#
        ).status
    }
}
