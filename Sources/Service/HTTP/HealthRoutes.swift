import Hummingbird
import LibPQ
import Logging

/// Routes for whoever watches the process.
///
/// They need no key and tell nothing about anybody.
struct HealthRoutes: Sendable {
    let pool: PQPool
    let logger: Logger

    /// How long the database may take to answer before it counts as not reachable.
    private static let databaseTimeout = Duration.seconds(2)

    func add(to router: Router<AppRequestContext>) {
        router.get("livez") { _, _ in
            Response.json { buffer in
                var object = JSONObjectWriter(&buffer)
                object.member("status", "alive", into: &buffer)
                object.end(&buffer)
            }
        }
        router.get("readyz") { _, _ in await ready() }
        router.get("openapi.yaml") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/yaml"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: PackageResources.openapi_yaml))
            )
        }
    }

    /// Whether requests can be served: the database answers, and its schema is this release's.
    private func ready() async -> Response {
        do {
            let durability = try await Durability.read(pool, timeout: Self.databaseTimeout)
            let pending = try await Migrator(pool: pool, logger: logger).pending()
            return answer(
                pending.isEmpty ? .ok : .serviceUnavailable,
                database: "reachable",
                migrations: pending.isEmpty ? "applied" : "pending",
                durability: durability.rawValue
            )
        } catch is MigrationError {
            return answer(.serviceUnavailable, database: "reachable", migrations: "edited", durability: nil)
        } catch {
            return answer(.serviceUnavailable, database: "unreachable", migrations: nil, durability: nil)
        }
    }

    private func answer(
        _ status: HTTPResponse.Status,
        database: String,
        migrations: String?,
        durability: String?
    ) -> Response {
        Response.json(status) { buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("status", status == .ok ? "ready" : "unready", into: &buffer)
            object.member("database", database, into: &buffer)
            object.member("migrations", migrations, into: &buffer)
            object.member("durability", durability, into: &buffer)
            object.end(&buffer)
        }
    }
}
