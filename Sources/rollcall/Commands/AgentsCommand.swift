import ArgumentParser
import ClockSources
import Domain
import Foundation
import NIOCore
import Service

/// `rollcall agents`: the map of agents to instances.
struct AgentsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agents",
        abstract: "Import, list, show, map and erase agents.",
        subcommands: [Import.self, List.self, Show.self, Map.self, Unmatched.self, Erase.self]
    )

    /// `rollcall agents import FILE.csv`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add and change agents from a CSV file; who is not in it stays as is.",
            discussion: "Columns: \(AgentImportFile.columns.joined(separator: ","))"
        )

        @OptionGroup var options: SettingsOptions

        @Argument(help: "The file.")
        var file: String

        @Flag(help: "Only say what would change.")
        var dryRun = false

        @Flag(help: "Print JSON.")
        var json = false

        func run() async throws {
            let parsed = try parsed()
            try await DatabaseCommand.run(options) { settings, pools, clock, _ in
                let directory = try await settings.directory(pools, clock)
                let output = ImportOutput(isDryRun: dryRun, isJSON: json)
                let report = try await AgentImport(directory).run(
                    parsed,
                    isDryRun: dryRun,
                    author: "command line",
                    onDifference: output.say
                )
                output.finish(report)
                if !report.isComplete { throw Ending.foundWrong }
            }
        }

        /// The file, checked; its bytes are given up before the import begins.
        private func parsed() throws -> AgentImportFile {
            guard let bytes = FileManager.default.contents(atPath: file) else {
                Terminal.complain("\(file) cannot be read")
                throw ExitCode(2)
            }
            return AgentImportFile(parsing: bytes)
        }
    }
}

extension Settings {
    /// The map of agents, with everything that the settings name known to it.
    func directory(_ pools: Pools, _ clock: DatabaseClock) async throws -> AgentDirectory {
        let directory = AgentDirectory(
            pool: pools.writers,
            policy: policy,
            rules: matchingRules,
            clock: clock,
            wakes: SilentBell()
        )
        let registry = Registry(pool: pools.writers)
        try await registry.accounts(engines.map(\.name))
        try await registry.sources(sources.map(\.reading.name))
        return directory
    }
}

/// JSON for small answers of commands.
enum JSONText {
    static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer()
        buffer.writeJSON(text)
        return String(buffer: buffer)
    }
}
