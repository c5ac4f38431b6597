import ClockSources
import LibPQ
import Logging
import Service

/// Runs the body of a command that needs the database, and maps what goes wrong to an exit code.
enum DatabaseCommand {
    /// Opens the pools `serve` would open, measures the database's clock, and closes everything afterwards.
    ///
    /// `purpose`: decides which settings may not be missing.
    static func run(
        _ options: SettingsOptions,
        for purpose: LoadSettings.Purpose = .command,
        _ body: (Settings, Pools, DatabaseClock, Logger) async throws -> Void
    ) async throws {
        let settings = try options.load(for: purpose)
        let logger = settings.bootstrapLogging(atLeast: .warning)
        do {
            let pools = Pools(databaseURL: try settings.requireDatabase(), connections: 4, logger: logger)
            do {
                let clock = DatabaseClock()
                try await clock.measure(pools.writers)
                try await body(settings, pools, clock, logger)
            } catch {
                await pools.shutdown()
                throw error
            }
            await pools.shutdown()
        } catch {
            throw Ending.code(for: error)
        }
    }
}

/// A command runs beside `serve`, which finds what was put in line within a second.
struct SilentBell: WakeBell {
    func ring(_ wakes: [Wake]) {}
}

extension Settings {
    /// The rules for matching events to agents, as `serve` has them.
    var matchingRules: MatchingRules {
        MatchingRules(
            sources: Dictionary(sources.map { ($0.reading.name, $0.reading.matchAgentID) }) { first, _ in first }
        )
    }
}
