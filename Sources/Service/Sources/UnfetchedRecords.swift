import ClockSources
package import Domain
import LibPQ

/// The records that a source's deliveries named and that could not be fetched yet.
package struct UnfetchedRecords: Sendable, Hashable {
    /// Counted among the first ``countLimit`` that are to be fetched.
    ///
    /// A record that was asked for again counts once its next fetch fails.
    package var count: Int64 = 0
    /// When the one of them that waits longest was last asked for by a delivery; `nil` when there are none.
    package var since: Timestamp?
    /// Why, in the word of a fetch that failed: `unauthorized` before any other.
    ///
    /// `nil` when there are none.
    package var reason: String?

    /// How many are looked at.
    static let countLimit: Int64 = 10_000

    /// Whether the sender's API turns the credential down: nothing gets better until a person acts.
    var isUnauthorized: Bool { reason == RecordFetchError.Kind.unauthorized.rawValue }
}

extension UnfetchedRecords {
    /// How many there are of each source, for what is measured.
    ///
    /// Index: `record_fetches_pkey`.
    static func counts(of sources: [Int32]) -> PQStatement {
        """
        SELECT n.source_id, (
            SELECT count(*)
            FROM (
                SELECT f.failure
                FROM record_fetches f
                WHERE f.source_id = n.source_id
                LIMIT \(countLimit)
            ) x
            WHERE x.failure IS NOT NULL
        ) AS unfetched
        FROM unnest(\(sources)) AS n (source_id)
        """
    }

    /// Reads the columns `unfetched`, `unfetched_since` and `unfetched_reason`.
    init(_ row: PQRow) throws(PQError) {
        self.init(
            count: try row.column("unfetched", as: Int64.self),
            since: try row.column("unfetched_since", as: Timestamp?.self),
            reason: try row.column("unfetched_reason", as: String?.self)
        )
    }
}
