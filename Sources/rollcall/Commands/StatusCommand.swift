import ArgumentParser
import LibPQ
import Service

/// `rollcall status`: how things stand, in a few lines.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Counts by condition, what is in line, who acts, what is wrong."
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await DatabaseCommand.run(options) { _, pools, _, _ in
            let counts = try await counts(pools.readers)
            if json {
                Terminal.say(
                    "{" + counts.map { "\(JSONText.quoted($0.name)):\($0.count)" }.joined(separator: ",") + "}"
                )
            } else {
                for count in counts { Terminal.say("\(count.name)  \(count.count)") }
            }
        }
    }

    /// One statement over small tables and one pass over the instances.
    private func counts(_ pool: PQPool) async throws(PQError) -> [(name: String, count: Int64)] {
        try await pool.rows(
            """
            SELECT 'condition ' || condition AS name, count(*) AS count FROM observed_states GROUP BY condition
            UNION ALL SELECT 'agents', count(*) FROM agents
            UNION ALL SELECT 'in line', count(*) FROM reconcile_queue
            UNION ALL SELECT 'replicas alive', count(*) FROM replicas WHERE expires_at > now()
            UNION ALL SELECT 'leases held', count(*) FROM engine_leases l JOIN replicas r ON r.replica = l.holder AND r.expires_at > now()
            UNION ALL SELECT 'incidents open', count(*) FROM incidents WHERE closed_at IS NULL
            ORDER BY name
            """
        ) { row throws(PQError) in
            (try row.column("name", as: String.self), try row.column("count", as: Int64.self))
        }
    }
}
