import Domain
import Foundation
import LibPQ

/// Where words stand in a database, whatever tables it has: in any column's text, in raw bytes, in the planner's samples.
struct Footprint {
    let owner: PQPool

    /// The places, as `table: word in row`.
    func places(of words: [String]) async throws -> [String] {
        let tables = try await owner.rows(
            """
            SELECT c.relname::text AS name
            FROM pg_class c
            WHERE c.relnamespace = 'public'::regnamespace
              AND c.relkind = 'r'
            ORDER BY 1
            """
        ) { row throws(PQError) in try row.column("name", as: String.self) }
        var places: [String] = []
        for table in tables {
            let rows = try await found(words, in: "SELECT x::text AS line FROM \(identifier: table) AS x", table)
            places += rows
            // Of a table that is empty the old samples stay until it has rows again; PostgreSQL draws no others.
            let samples: PQStatement = """
                SELECT concat_ws(' ', s.most_common_vals::text, s.histogram_bounds::text) AS line
                FROM pg_stats s
                WHERE s.schemaname = 'public'
                  AND s.tablename = \(table)
                  AND EXISTS (SELECT FROM \(identifier: table))
                """
            places += try await found(words, in: samples, "samples")
        }
        return places
    }

    private func found(_ words: [String], in lines: PQStatement, _ name: String) async throws -> [String] {
        let lines = try await owner.rows(lines) { row throws(PQError) in
            try row.column("line", as: String?.self)?.lowercased() ?? ""
        }
        return words.flatMap { word in
            // Raw bytes are shown in hexadecimal.
            let hexadecimal = word.utf8.map { String(format: "%02x", $0) }.joined()
            return lines.filter { $0.contains(word.lowercased()) || $0.contains(hexadecimal) }.map {
                "\(name): \(word) in \($0.prefix(400))"
            }
        }
    }
}
