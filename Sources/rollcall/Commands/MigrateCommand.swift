import ArgumentParser
import LibPQ
import Service

/// `rollcall migrate`: brings the database's schema up to this release.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Apply pending migrations.",
        discussion: "With --check nothing is applied: exit 0 when up to date, 1 when something is pending."
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Only say what is pending.")
    var check = false

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let settings = try options.load(for: .command)
        let logger = settings.bootstrapLogging()
        do {
            let pool = PQPool(Pools.owning(try settings.requireDatabase()), logger: logger)
            do {
                try await run(Migrator(pool: pool, logger: logger))
                await pool.shutdown()
            } catch {
                await pool.shutdown()
                throw error
            }
        } catch {
            throw Ending.code(for: error)
        }
    }

    private func run(_ migrator: Migrator) async throws {
        let pending = try await migrator.pending()
        if !json { for migration in pending { Terminal.say("pending: \(migration.name)") } }
        if !check { try await migrator.migrate() }
        if json {
            let names = pending.map { JSONText.quoted($0.name) }.joined(separator: ",")
            Terminal.say("{\"pending\":[\(check ? names : "")],\"applied\":[\(check ? "" : names)]}")
        }
        if check, !pending.isEmpty { throw Ending.foundWrong }
        if !json { Terminal.say(pending.isEmpty ? "up to date" : "applied \(pending.count)") }
    }
}
