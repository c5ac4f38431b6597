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
        for migration in pending { Terminal.say("pending: \(migration.name)") }
        if check {
            if !pending.isEmpty { throw Ending.foundWrong }
        } else {
            try await migrator.migrate()
        }
        Terminal.say(check || pending.isEmpty ? "up to date" : "applied \(pending.count)")
    }
}
