import Domain
import LibPQ

/// Reads what lately came of a source: kept deliveries and refusals, newest first, in one list.
struct DeliveryReads: Sendable {
    let pool: PQPool
    let redactor: BodyRedactor

    /// Items on one page; each may carry a body.
    static let limit = 100
    /// Rows looked through for one page where only some outcomes are asked for.
    static let walkLimit = 1000
    /// Bytes of a body that are shown.
    static let bodyLimit = 8192
    /// Bytes read beyond, so that a secret on the edge is recognised.
    private static let bodyMargin = 2048
    /// Events shown of one delivery.
    static let eventLimit = 50

    /// What is asked for.
    enum Filter: String, Sendable, CaseIterable {
        case accepted, repeated, ignored, refused
    }

    /// Where a list goes on: behind this item.
    struct Position: Sendable, Equatable {
        var at: Timestamp
        /// Refusals come after deliveries of the same instant.
        var isRefusal: Bool
        var number: Int64
    }

    /// An item of the walk, before its details are read.
    private struct Step {
        var position: Position
        var outcome: Filter
        var refusal: SourceRefusalNote?
    }

    /// One page of a source's list.
    ///
    /// A page may hold fewer items than `limit`, even none, while there is a position to go on from.
    /// `hasBodies`: whether the raw bodies are part of it.
    func page(
        of source: Int32,
        _ filter: Filter?,
        after position: Position?,
        limit: Int,
        hasBodies: Bool
    ) async throws(PQError) -> (items: [SourceItem], next: Position?) {
        let walk = filter == nil ? limit + 1 : Self.walkLimit
        let results = try await pool.pipeline([
            DeliveryStatements.walk(of: source, after: position, limit: filter == .refused ? 0 : walk),
            DeliveryStatements.refusals(
                of: source,
                after: position,
                limit: filter == nil || filter == .refused ? walk : 0
            ),
        ])
        let steps = try (results[0].map(Self.delivery) + results[1].map(Self.refusal))
            .sorted { $0.position.comesBefore($1.position) }
        // What comes after the end of the shorter list is known only as far as the longer one reaches.
        let seen = steps.prefix(walk)
        let fitting = seen.filter { filter == nil || $0.outcome == filter }
        let chosen = fitting.prefix(limit)
        var next: Position?
        if fitting.count > limit {
            next = chosen.last?.position
        } else if steps.count >= walk {
            next = seen.last?.position
        }
        return (try await items(chosen, hasBodies: hasBodies), next)
    }

    /// Index: `deliveries_pkey` for each delivery, `clock_events_dedupe_key` for each event.
    private func items(_ steps: ArraySlice<Step>, hasBodies: Bool) async throws(PQError) -> [SourceItem] {
        let kept = steps.filter { $0.refusal == nil }.map(\.position)
        var deliveries: [Int64: ShownDelivery] = [:]
        if !kept.isEmpty {
            let results = try await pool.pipeline([
                DeliveryStatements.details(
                    kept,
                    bodyLength: hasBodies ? Int32(Self.bodyLimit + Self.bodyMargin) : 0
                ),
                DeliveryStatements.events(of: kept, limit: Int32(Self.eventLimit)),
            ])
            let events = try ShownEvent.read(results[1])
            for row in results[0] {
                let number = try row.column("delivery", as: Int64.self)
                deliveries[number] = try ShownDelivery(
                    row,
                    events: events[number] ?? [],
                    redactor: redactor
                )
            }
        }
        return steps.compactMap { step in
            if let refusal = step.refusal { return .refusal(refusal) }
            // `nil`: its partition is gone meanwhile.
            guard var delivery = deliveries[step.position.number] else { return nil }
            delivery.outcome = step.outcome.rawValue
            return .delivery(delivery)
        }
    }

    private static func delivery(_ row: PQRow) throws(PQError) -> Step {
        Step(
            position: Position(
                at: try row.column("received_at", as: Timestamp.self),
                isRefusal: false,
                number: try row.column("delivery", as: Int64.self)
            ),
            outcome: Filter(rawValue: try row.column("outcome", as: String.self)) ?? .ignored
        )
    }

    private static func refusal(_ row: PQRow) throws(PQError) -> Step {
        Step(
            position: Position(
                at: try row.column("refused_at", as: Timestamp.self),
                isRefusal: true,
                number: try row.column("refusal", as: Int64.self)
            ),
            outcome: .refused,
            refusal: try SourceRefusalNote(row)
        )
    }
}

extension DeliveryReads.Position {
    /// Newest first.
    func comesBefore(_ other: Self) -> Bool {
        if at != other.at { return at > other.at }
        if isRefusal != other.isRefusal { return !isRefusal }
        return number > other.number
    }

    /// The opaque word that clients hold.
    var word: String { "\(at.microseconds).\(isRefusal ? 1 : 0).\(number)" }

    init(word: String) throws(Problem) {
        let parts = word.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let at = Int64(parts[0]), parts[1] == "0" || parts[1] == "1",
            let number = Int64(parts[2]), at > 0, at < 4_000_000_000_000_000
        else { throw .invalid("cursor", "It is not the next_cursor of this list.") }
        self.init(at: Timestamp(microseconds: at), isRefusal: parts[1] == "1", number: number)
    }
}
