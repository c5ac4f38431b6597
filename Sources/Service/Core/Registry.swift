package import LibPQ

/// The numbers that configured names of engine accounts and clock sources have in the database.
package struct Registry: Sendable {
    private let pool: PQPool

    /// `pool`: may write to `engine_accounts` and `clock_sources`.
    package init(pool: PQPool) {
        self.pool = pool
    }

    /// Makes engine accounts known, so that agents may refer to them.
    ///
    /// Index: `engine_accounts_name_key`.
    ///
    /// - Returns: the number of each, by name.
    @discardableResult
    package func accounts(_ names: [String]) async throws(PQError) -> [String: Int32] {
        let results = try await pool.pipeline([
            """
            INSERT INTO engine_accounts (name)
            SELECT n.name FROM unnest(\(names)) AS n (name)
            WHERE NOT EXISTS (SELECT FROM engine_accounts e WHERE e.name = n.name)
            ORDER BY n.name
            ON CONFLICT (name) DO NOTHING
            """,
            "SELECT account AS number, name FROM engine_accounts WHERE name = ANY (\(names))",
        ])
        return try Self.numbers(results[1])
    }

    /// Makes clock sources known, so that aliases and events may refer to them.
    ///
    /// Index: `clock_sources_name_key`.
    ///
    /// - Returns: the number of each, by name.
    @discardableResult
    package func sources(_ names: [String]) async throws(PQError) -> [String: Int32] {
        let results = try await pool.pipeline([
            Self.add(sources: names),
            "SELECT source_id AS number, name FROM clock_sources WHERE name = ANY (\(names))",
        ])
        return try Self.numbers(results[1])
    }

    /// Adds the clock sources that are not known yet; those that are use up no number.
    static func add(sources names: [String]) -> PQStatement {
        """
        INSERT INTO clock_sources (name)
        SELECT n.name FROM unnest(\(names)) AS n (name)
        WHERE NOT EXISTS (SELECT FROM clock_sources s WHERE s.name = n.name)
        ORDER BY n.name
        ON CONFLICT (name) DO NOTHING
        """
    }

    private static func numbers(_ result: PQResult) throws(PQError) -> [String: Int32] {
        var numbers: [String: Int32] = [:]
        for row in result {
            numbers[try row.column("name", as: String.self)] = try row.column("number", as: Int32.self)
        }
        return numbers
    }
}
