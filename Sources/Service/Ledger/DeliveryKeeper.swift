import ClockSources
import LibPQ

/// Keeps deliveries that no event comes of by themselves, and what they ask to be fetched.
struct DeliveryKeeper: Sendable {
    let pool: PQPool
    let fetches: RecordFetchQueue

    /// Commits a delivery, with the wish for the record that it names.
    ///
    /// - Throws: when it is not committed within ``AnswerDeadlines/limit``.
    func keep(_ delivery: KeptDelivery, fetching reference: RecordReference? = nil) async throws(Problem) {
        var statements = [LedgerStatements.keep([delivery])]
        if let reference { statements.append(fetches.ask(for: reference, sourceID: delivery.sourceID)) }
        do {
            try await pool.pipeline(statements, timeout: AnswerDeadlines.limit)
        } catch {
            throw Problem(error)
        }
        if reference != nil { fetches.ring() }
    }
}
