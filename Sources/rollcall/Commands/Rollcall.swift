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
            VerifyCommand.self, RebuildCommand.self, CheckConfigCommand.self, DemoCommand.self,
            SimulateEngineCommand.self, RehearseCommand.self,
        ]
    )
}
