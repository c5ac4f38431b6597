import ArgumentParser
import LibPQ
import Logging
import Service

/// `rollcall check-config`: every setting with its origin, and nothing secret; and what the database promises.
struct CheckConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-config",
        abstract: "Print all settings with their origin, without secrets; exit 2 when they would not boot.",
        discussion: """
            The last line says what an event that is answered with 2xx survives: "durability local" the crash of the database's \
            machine, "replicated" the loss of it too. It is "unknown" where the database cannot be asked, which is no fault \
            of the settings.
            """
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
        var report = settings.report
        report.rows.append(
            .init(setting: "durability", value: await durability(settings.databaseURL), origin: .database)
        )
        Terminal.say(json ? try report.json() : report.table)
        for notice in settings.notices { Terminal.complain(notice) }
    }

    /// How long the database may take to say it.
    private static let patience = Duration.seconds(3)

    /// What the database promises; `nil` where none is set, as with `--embedded`.
    private func durability(_ databaseURL: String?) async -> String? {
        guard let databaseURL else { return nil }
        let pool = PQPool(
            Pools.asking(databaseURL),
            logger: Logger(label: "check-config", factory: { _ in SwiftLogNoOpLogHandler() })
        )
        let word: String
        do {
            word = try await Durability.read(pool, timeout: Self.patience).rawValue
        } catch {
            Terminal.complain("durability is not known: \(error)")
            word = "unknown"
        }
        await pool.shutdown()
        return word
    }
}
