import LibPQ
import Testing

extension FaultRun {
    /// A telephone number that is nobody's, without its plus sign: every event's body has it in a member of its own, and so have an
    /// engine's words where it refuses.
    ///
    /// Source: the numbers that end in 555-0100 to 555-0199 are kept for fiction.
    static let phone = "12025550143"

    /// What must stand nowhere in ``said()``.
    var secrets: [History.Secret] {
        [
            // Of all replicas at once, and a part of one is too much.
            History.Secret(name: "an engine account's token", text: Self.tokenStem),
            History.Secret(name: "the administrator's key", text: Installation.adminKey),
            History.Secret(name: "the database's password", text: installation.databasePassword),
            History.Secret(name: "a telephone number", text: Self.phone),
        ]
    }

    /// What people read of the run: every replica's output up to now, the metrics of those that run, and the words that the
    /// database keeps of commands and incidents.
    func said() async throws -> [History.Saying] {
        var said = replicas.map { replica in
            History.Saying(place: "replica-\(replica.number).log", text: replica.process.output)
        }
        for replica in live where replica.served != nil {
            // One that does not answer is a failure of its own, and the rest of the history is judged all the same.
            let answer = try? await PlainHTTP(port: replica.metricsPort).send("GET", "/metrics")
            #expect(answer?.status == 200, "the metrics of replica \(replica.number)")
            said.append(History.Saying(place: "replica-\(replica.number).metrics", text: answer?.text ?? ""))
        }
        said.append(
            History.Saying(
                place: "commands.detail",
                text: try await details("SELECT detail FROM commands WHERE detail IS NOT NULL")
            )
        )
        said.append(
            History.Saying(place: "incidents.detail", text: try await details("SELECT detail FROM incidents"))
        )
        return said
    }

    private func details(_ statement: PQStatement) async throws -> String {
        let details = try await installation.owner.rows(statement) { row throws(PQError) in
            try row.column("detail", as: String.self)
        }
        return details.joined(separator: "\n")
    }
}
