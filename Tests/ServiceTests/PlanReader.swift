import LibPQ

extension PQConnection {
    /// The plan of a prepared statement made for all values, as the service's pools have it, line by line.
    ///
    /// `settings`: statements that come before, such as `SET enable_seqscan = off`.
    /// `arguments`: values in SQL, with which the statement is then run (EXPLAIN ANALYZE); without them it is only planned.
    func plan(of statement: PQStatement, settings: String = "", arguments: [String]? = nil) async throws -> [String] {
        try await simpleQuery("SET plan_cache_mode = force_generic_plan; \(settings)")
        let types = try await rows(
            """
            SELECT format_type(t.oid::oid, NULL) AS name
            FROM unnest(\(statement.binds.map { Int64($0.type.oid) })) WITH ORDINALITY AS t (oid, place)
            ORDER BY t.place
            """
        ) { row throws(PQError) in try row.column("name", as: String.self) }
        try await simpleQuery("PREPARE read_plan\(Self.list(types)) AS \(statement.text)")
        let options = arguments == nil ? "COSTS off" : "ANALYZE, COSTS off, TIMING off"
        let values = Self.list(arguments ?? types.map { _ in "NULL" })
        let plan = try await rows(
            PQStatement(stringLiteral: "EXPLAIN (\(options)) EXECUTE read_plan\(values)")
        ) { row throws(PQError) in try row.column("QUERY PLAN", as: String.self) }
        try await simpleQuery("DEALLOCATE read_plan")
        return plan
    }

    private static func list(_ parts: [String]) -> String {
        parts.isEmpty ? "" : " (\(parts.joined(separator: ", ")))"
    }
}
