import ArgumentParser
import Domain
import LibPQ
import Service

/// `rollcall status`: how things stand, in a few lines.
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Agents by condition, what is in line, who acts, what is wrong."
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        try await DatabaseCommand.run(options) { settings, pools, clock, _ in
            let conditions = try await ConditionCounts.read(
                pool: pools.readers,
                freshness: settings.freshness(pools),
                clock: clock
            )
            let counts =
                conditions.map { (name: "condition \($0.condition.rawValue)", count: Int64($0.count)) }
                + (try await counts(pools.readers))
            if json {
                Terminal.say(
                    "{" + counts.map { "\(JSONText.quoted($0.name)):\($0.count)" }.joined(separator: ",") + "}"
                )
            } else {
                for count in counts { Terminal.say("\(count.name)  \(count.count)") }
            }
        }
    }

    /// One statement over small tables and the agents' keys, by name.
    private func counts(_ pool: PQPool) async throws(PQError) -> [(name: String, count: Int64)] {
        try await pool.rows(
            """
            SELECT 'agents' AS name, count(*) AS count FROM agents
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
