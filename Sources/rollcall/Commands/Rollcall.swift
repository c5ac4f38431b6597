import ArgumentParser

/// The command line: the only place that knows every concrete type.
@main
struct Rollcall: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollcall",
        abstract: "Keeps every agent's messaging session in step with the agent's shift.",
        discussion: "Settings come from the environment, then from --config, then from defaults; see check-config.",
        subcommands: [
            ServeCommand.self, MigrateCommand.self, AgentsCommand.self, KeysCommand.self, StatusCommand.self,
            ExplainCommand.self, ReconcileCommand.self, VerifyCommand.self, RebuildCommand.self, SourcesCommand.self,
            GuardCommand.self, CheckConfigCommand.self, DemoCommand.self, SimulateCommand.self,
            SimulateEngineCommand.self,
            RehearseCommand.self,
        ]
    )

    /// Parses and runs; what cannot be parsed ends with 2, as wrong settings do.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            Terminal.complain(fullMessage(for: error))
            exit(withError: ExitCode(SettingsError.exitCode))
        }
    }
}
