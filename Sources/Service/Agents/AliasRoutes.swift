import Domain
import Hummingbird
import NIOCore

/// `/v1/sources/{source}/aliases`: what one source calls whom, one name at a time.
struct AliasRoutes: Sendable {
    private let aliases: AliasReads
    private let agents: AgentReads
    private let directory: AgentDirectory
    private let limits: BodyLimits

    init(_ dependencies: ManagementDependencies) {
        aliases = AliasReads(pool: dependencies.readPool)
        agents = dependencies.reads
        directory = dependencies.directory
        limits = dependencies.limits
    }

    @Sendable
    func list(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.view)
        let query = try QueryParameters(request)
        let limit = try query.integer("limit", in: 1...500) ?? 50
        let filter = AliasReads.Filter(agentID: query["agent"], search: query["q"], teams: caller.teams)
        if let search = filter.search { try checkText(search, field: "q") }
        let after = try query["cursor"].map { word throws(Problem) in
            guard let text = TextCursor.text(word) else { throw .foreignCursor }
            return text
        }
        let source = try context.pathParameter("source")
        let page = try await aliases.page(source, filter, after: after ?? "", limit: limit)
        return .list(page.entries, nextCursor: page.next.map(TextCursor.word)) { entry, buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("source", source, into: &buffer)
            object.member("external_id", entry.externalID, into: &buffer)
            object.member("agent_id", entry.agentID, into: &buffer)
            object.member("created_at", entry.createdAt, into: &buffer)
            object.end(&buffer)
        }
    }

    @Sendable
    func put(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.admin)
        let alias = try alias(context)
        try checkExternalID(alias.externalID, field: "external_id")
        let isDryRun = try QueryParameters(request).flag("dry_run")
        let fields = try await jsonBody(request, context: context, limits: limits)
        let agentID = try fields.requiredText("agent_id", limit: 128)
        guard isAgentID(agentID) else { throw Problem.invalidAgentID("agent_id") }
        let mapping = try await directory.map(
            alias,
            to: agentID,
            isDryRun: isDryRun,
            caller: caller,
            author: caller.name
        )
        let standings = try await agents.standings([mapping.before, mapping.after])
        return .json(mapping.isNew && !isDryRun ? .created : .ok) { buffer in
            mapping.write(before: standings[0], after: standings[1], to: &buffer)
        }
    }

    @Sendable
    func remove(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.admin)
        try await directory.unmap(try alias(context), caller: caller, author: caller.name)
        return Response(status: .noContent)
    }

    /// The alias in the address.
    ///
    /// - Throws: `not_found`, `invalid_field`.
    private func alias(_ context: AppRequestContext) throws(Problem) -> AliasSpec {
        let externalID = try context.pathParameter("external_id")
        try checkText(externalID, field: "external_id", isRequired: true)
        return AliasSpec(source: try context.pathParameter("source"), externalID: externalID)
    }
}
