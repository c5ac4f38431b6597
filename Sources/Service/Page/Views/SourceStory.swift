import Domain

/// Gathers what the pages of clock sources show.
struct SourceStory: Sendable {
    let sources: SourceReads
    let deliveries: DeliveryReads
    let clock: DatabaseClock

    /// Items on one page.
    static let pageSize = 25

    /// All sources; none for a caller who is bound to teams.
    func all(for caller: Caller, frame: PageFrame) async throws -> SourcesModel {
        let standings = caller.teams == nil ? try await sources.standings() : []
        return SourcesModel(frame: frame, caller: caller, sources: standings, now: clock.now())
    }

    /// One source, and what came of it.
    ///
    /// - Throws: ``Problem`` `not_found`, or for a query that makes no sense; `PQError`.
    func source(
        _ name: String,
        _ query: QueryParameters,
        for caller: Caller,
        frame: PageFrame
    ) async throws -> SourceModel {
        let filter = try query.word("outcome", as: DeliveryReads.Filter.self)
        let position = try query["cursor"].map { word throws(Problem) in try DeliveryReads.Position(word: word) }
        guard caller.teams == nil, !name.contains("\u{0}"), let standing = try await sources.standings(of: name).first
        else { throw Problem(.notFound) }
        let page = try await deliveries.page(
            of: standing.sourceID,
            filter,
            after: position,
            limit: Self.pageSize,
            hasBodies: caller.role.includes(.manage)
        )
        return SourceModel(
            frame: frame,
            caller: caller,
            source: standing,
            items: page.items,
            filter: filter,
            next: page.next,
            now: clock.now()
        )
    }
}
