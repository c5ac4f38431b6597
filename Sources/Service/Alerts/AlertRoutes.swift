import Domain
import FoundationEssentials
import Hummingbird
import LibPQ
import NIOCore

/// One notice of the log: what the outside was told, and what came of that.
struct AlertNotice: Sendable {
    var id: UUID
    var kind: String
    var subject: String
    var createdAt: Timestamp
    var state: String
    var attempts: Int32
    var lastTryAt: Timestamp?
    var nextTryAt: Timestamp?
    var httpStatus: Int16?
    var fault: String?

    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("id", "msg_" + id.uuidString.lowercased(), into: &buffer)
        object.member("kind", kind, into: &buffer)
        object.member("subject", subject, into: &buffer)
        object.member("created_at", createdAt, into: &buffer)
        object.member("state", state, into: &buffer)
        object.member("attempts", attempts, into: &buffer)
        object.member("last_try_at", lastTryAt, into: &buffer)
        object.member("next_try_at", nextTryAt, into: &buffer)
        object.member("http_status", httpStatus, into: &buffer)
        object.member("fault", fault, into: &buffer)
        object.end(&buffer)
    }
}

/// `/v1/alerts`: the log of what the outside was told.
struct AlertRoutes: Sendable {
    private let pool: PQPool

    init(_ dependencies: ManagementDependencies) {
        pool = dependencies.readPool
    }

    /// Newest first; to a key that is bound to teams there are none, since a notice may be about anybody.
    @Sendable
    func list(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let query = try QueryParameters(request)
        let limit = try query.integer("limit", in: 1...500) ?? 50
        guard caller.teams == nil else { return .list([AlertNotice](), nextCursor: nil) { $0.write(to: &$1) } }
        let notices = try await notices(limit: Int64(limit))
        return .list(notices, nextCursor: nil) { $0.write(to: &$1) }
    }

    /// Index: `alert_notices_created`.
    private func notices(limit: Int64) async throws(PQError) -> [AlertNotice] {
        try await pool.rows(
            """
            SELECT n.notice, n.kind, n.subject, n.created_at, n.state, n.attempts, n.last_try_at,
                CASE WHEN n.state = 'waiting' THEN n.next_try_at END AS next_try_at, n.http_status, n.fault
            FROM alert_notices n
            ORDER BY n.created_at DESC, n.notice DESC
            LIMIT \(limit)
            """
        ) { row throws(PQError) in
            AlertNotice(
                id: try row.column("notice", as: UUID.self),
                kind: try row.column("kind", as: String.self),
                subject: try row.column("subject", as: String.self),
                createdAt: try row.column("created_at", as: Timestamp.self),
                state: try row.column("state", as: String.self),
                attempts: try row.column("attempts", as: Int32.self),
                lastTryAt: try row.column("last_try_at", as: Timestamp?.self),
                nextTryAt: try row.column("next_try_at", as: Timestamp?.self),
                httpStatus: try row.column("http_status", as: Int16?.self),
                fault: try row.column("fault", as: String?.self)
            )
        }
    }
}
