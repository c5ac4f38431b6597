import ClockSources
import LibPQ

/// Keeps deliveries that no event comes of by themselves, and what they ask to be fetched.
struct DeliveryKeeper: Sendable {
    let pool: PQPool
    let fetches: RecordFetchQueue

    /// Commits a delivery, with the wish for the record that it names.
    ///
    /// `deadline`: when the answer must be there; by default ``AnswerDeadlines/limit`` from now.
    /// - Throws: when it is not committed by then.
    func keep(
        _ delivery: KeptDelivery,
        fetching reference: RecordReference? = nil,
        by deadline: ContinuousClock.Instant = .now + AnswerDeadlines.limit
    ) async throws(Problem) {
        var statements = [LedgerStatements.keep([delivery])]
        if let reference { statements.append(fetches.ask(for: reference, sourceID: delivery.sourceID)) }
        do {
            let timeout = max(.milliseconds(1), deadline - .now)
            try await pool.pipeline(statements, timeout: timeout)
        } catch {
            throw Problem(error)
        }
        if reference != nil { fetches.ring() }
    }
}
