import Logging
import Service
import ServiceLifecycle

/// The service on an embedded database: begins once that is ready, or never when told to end before.
struct EmbeddedService: ServiceLifecycle.Service {
    let database: EmbeddedPostgres
    let service: RollcallService
    let logger: Logger

    func run() async throws {
        guard await database.isReady() else { return }
        // It holds no password: who may open the socket is in.
        logger.notice(
            "for other commands set ROLLCALL_DATABASE_URL to this",
            metadata: [LogKeys.databaseURL: "\(database.connectionString)"]
        )
        try await service.run()
    }
}

extension EmbeddedService: CustomStringConvertible {
    /// Names the service only, as the service's own description does.
    var description: String { "EmbeddedService" }
}
