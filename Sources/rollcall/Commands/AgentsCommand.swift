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
        abstract: "Import, list and show agents.",
        subcommands: [Import.self, List.self, Show.self]
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
            guard let bytes = FileManager.default.contents(atPath: file) else {
                Terminal.complain("\(file) cannot be read")
                throw ExitCode(2)
            }
            let parsed = AgentImportFile(parsing: bytes)
            try await DatabaseCommand.run(options) { settings, pools, clock, _ in
                let directory = AgentDirectory(
                    pool: pools.writers,
                    policy: settings.policy,
                    rules: settings.matchingRules,
                    clock: clock,
                    wakes: SilentBell()
                )
                try await directory.register(
                    accounts: settings.engines.map(\.name),
                    sources: settings.sources.map(\.name)
                )
                let report = try await AgentImport(directory).run(parsed, isDryRun: dryRun, author: "command line")
                show(report)
                if !report.isComplete { throw Ending.foundWrong }
            }
        }

        private func show(_ report: AgentImport.Report) {
            if json {
                let faults = report.faults.map { "{\"line\":\($0.line),\"detail\":\(JSONText.quoted($0.detail))}" }
                Terminal.say(
                    "{\"dry_run\":\(dryRun),\"added\":\(report.added),\"changed\":\(report.changed),"
                        + "\"unchanged\":\(report.unchanged),\"faults\":[\(faults.joined(separator: ","))]}"
                )
            } else {
                for fault in report.faults { Terminal.complain("line \(fault.line): \(fault.detail)") }
                let verb = dryRun ? "would be " : ""
                Terminal.say(
                    "\(report.added) \(verb)added, \(report.changed) \(verb)changed, \(report.unchanged) unchanged"
                )
            }
        }
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
