import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// `/v1/keys`: who may do what.
struct KeyRoutes: Sendable {
    let keyRing: KeyRing
    let limits: BodyLimits

    /// A key that is bound to teams could make itself one that is not.
    private static let act = "manage keys"

    @Sendable
    func list(_ request: Request, context: AppRequestContext) async throws -> Response {
        try context.requireAllTeams(to: Self.act)
        let query = try QueryParameters(request)
        // Without a limit as many as there may be: the list was whole before it had pages.
        let limit = try query.integer("limit", in: 1...KeyRing.pageLimit) ?? KeyRing.pageLimit
        let page = try await keyRing.page(cursor: query["cursor"], limit: limit)
        return .list(page.keys, nextCursor: page.nextCursor) { key, buffer in key.write(secret: nil, to: &buffer) }
    }

    @Sendable
    func create(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.requireAllTeams(to: Self.act)
        let fields = try await jsonBody(request, context: context, limits: limits)
        guard let role = try fields.word("role", as: Role.self) else { throw Problem.invalid("role", "It is missing.") }
        let key = try NewAPIKey(
            name: fields.requiredText("name"),
            role: role,
            teams: fields.texts("teams", limit: 100),
            source: fields.text("source")
        )
        let (record, secret) = try await keyRing.create(key, by: caller.name)
        return .json(.created) { buffer in record.write(secret: secret, to: &buffer) }
    }

    @Sendable
    func revoke(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.requireAllTeams(to: Self.act)
        guard let id = UUID(uuidString: try context.pathParameter("key")),
            try await keyRing.revoke(id, by: caller.name)
        else { throw Problem(.notFound) }
        return Response(status: .noContent)
    }
}

extension APIKey {
    /// Writes the key as clients see it.
    ///
    /// `secret`: only in the answer to its making.
    func write(secret: String?, to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("id", id.uuidString.lowercased(), into: &buffer)
        object.member("name", name, into: &buffer)
        object.member("role", role.rawValue, into: &buffer)
        object.name("teams", into: &buffer)
        if let teams {
            buffer.writeJSONArray(teams) { $1.writeJSON($0) }
        } else {
            buffer.writeStaticString("null")
        }
        object.member("source", source, into: &buffer)
        object.member("created_at", createdAt, into: &buffer)
        object.member("created_by", createdBy, into: &buffer)
        object.member("revoked_at", revokedAt, into: &buffer)
        if let secret { object.member("key", secret, into: &buffer) }
        object.end(&buffer)
    }
}
