import ArgumentParser
import Service

/// `rollcall check-config`: every setting with its origin, and nothing secret.
struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Print all settings with their origin, without secrets; exit 2 when they would not boot."
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let settings = try options.load(for: .check)
        do {
            await (try Composition(settings)).shutdown()
        } catch {
            Terminal.complain("\(error)")
            throw ExitCode(SettingsError.exitCode)
        }
        Terminal.say(json ? try settings.report.json() : settings.report.table)
        for notice in settings.notices { Terminal.complain(notice) }
    }
}
