import Domain
import FoundationEssentials
import LibPQ

/// The statements on `api_keys`.
///
/// The table is small: a row per key ever made.
struct KeyTable: Sendable {
    let pool: PQPool

    /// All live keys, and the version they are at least of.
    func live() async throws(PQError) -> (version: String, callers: [KeyDigest: Caller]) {
        // The version is read first: a key made in between is then read twice rather than never.
        let results = try await pool.pipeline([
            "SELECT \(keysVersion: ()) AS version",
            """
            SELECT k.key_id, k.name, k.role, k.teams, k.key_hash, s.name AS source, coalesce(k.source_id, d.source_id) AS source_id
            FROM api_keys k
            JOIN clock_sources d ON d.name = 'api'
            LEFT JOIN clock_sources s ON s.source_id = k.source_id
            WHERE k.revoked_at IS NULL
            """,
        ])
        var callers: [KeyDigest: Caller] = [:]
        for row in results[1] {
            guard let digest = KeyDigest(try row.column("key_hash", as: [UInt8].self)),
                let role = Role(rawValue: try row.column("role", as: String.self))
            else { continue }
            callers[digest] = Caller(
                keyID: try row.column("key_id", as: UUID.self),
                name: try row.column("name", as: String.self),
                role: role,
                teams: try row.column("teams", as: [String]?.self).map { Set($0) },
                sourceName: try row.column("source", as: String?.self),
                sourceID: try row.column("source_id", as: Int32.self)
            )
        }
        let version = try results[0].first.map { row throws(PQError) in try row.column("version", as: String.self) }
        return (version ?? "", callers)
    }

    /// Adds a key, and its clock source where that is not known yet.
    func insert(_ key: NewAPIKey, digest: KeyDigest, author: String) async throws(PQError) -> APIKey {
        let id = UUID()
        let results = try await pool.pipeline([
            Registry.add(sources: key.source.map { [$0] } ?? []),
            """
            INSERT INTO api_keys (key_id, name, role, teams, source_id, key_hash, created_by)
            VALUES (
                \(id), \(key.name), \(key.role.rawValue), \(key.teams),
                (SELECT s.source_id FROM clock_sources s WHERE s.name = \(key.source)), \(digest.bytes), \(author)
            )
            RETURNING created_at
            """,
            """
            INSERT INTO audit (actor, deed, subject)
            VALUES (\(author), 'key.create', \(id.uuidString.lowercased()))
            """,
        ])
        let createdAt = try results[1][0].column("created_at", as: Timestamp.self)
        return APIKey(
            id: id,
            name: key.name,
            role: key.role,
            teams: key.teams,
            source: key.source,
            createdAt: createdAt,
            createdBy: author
        )
    }

    /// Adds the bootstrap key as the first admin key.
    ///
    /// The lock makes two replicas take turns.
    func insertFirstAdmin(digest: KeyDigest) async throws(PQError) -> KeyRing.Bootstrap {
        let results = try await pool.pipeline([
            AdvisoryLocks.firstAdmin,
            """
            INSERT INTO api_keys (key_id, name, role, key_hash, created_by)
            SELECT \(UUID()), 'bootstrap', 'admin', \(digest.bytes), 'bootstrap'
            WHERE NOT EXISTS (SELECT FROM api_keys WHERE role = 'admin' AND revoked_at IS NULL)
            ON CONFLICT (key_hash) DO NOTHING
            """,
            """
            SELECT EXISTS (SELECT FROM api_keys WHERE role = 'admin' AND revoked_at IS NULL) AS has_admin,
                EXISTS (SELECT FROM api_keys WHERE key_hash = \(digest.bytes) AND revoked_at IS NOT NULL) AS is_revoked
            """,
        ])
        if results[1].affectedRows == 1 { return .created }
        if try results[2][0].column("has_admin", as: Bool.self) { return .ignored }
        return try results[2][0].column("is_revoked", as: Bool.self) ? .revoked : .lesser
    }

    /// Revokes a key; one that was revoked before keeps its time.
    ///
    /// Index: `api_keys_pkey`.
    ///
    /// - Returns: whether there is such a key; of one that there is not, nothing is said in the audit.
    func revoke(_ id: UUID, author: String) async throws(PQError) -> Bool {
        let count = try await pool.execute(
            """
            WITH r AS (
                UPDATE api_keys
                SET revoked_at = coalesce(revoked_at, now())
                WHERE key_id = \(id)
                RETURNING key_id
            )
            INSERT INTO audit (actor, deed, subject)
            SELECT \(author), 'key.revoke', r.key_id::text
            FROM r
            """
        )
        return count == 1
    }

    /// Keys after a position: live ones first, newest first.
    ///
    /// One that is revoked between two pages may be in both; none is left out.
    func list(after position: KeyPosition?, limit: Int) async throws(PQError) -> [APIKey] {
        try await pool.rows(
            """
            SELECT k.key_id, k.name, k.role, k.teams, s.name AS source, k.created_at, k.created_by, k.revoked_at
            FROM api_keys k
            LEFT JOIN clock_sources s ON s.source_id = k.source_id
            CROSS JOIN (
                SELECT \(position?.isRevoked) AS is_revoked, \(position?.createdAt) AS created_at, \(position?.id) AS key_id
            ) p
            WHERE p.is_revoked IS NULL
               OR (k.revoked_at IS NOT NULL) > p.is_revoked
               OR (k.revoked_at IS NOT NULL) = p.is_revoked
                  AND (k.created_at < p.created_at OR k.created_at = p.created_at AND k.key_id > p.key_id)
            ORDER BY k.revoked_at IS NOT NULL, k.created_at DESC, k.key_id
            LIMIT \(Int64(limit))
            """
        ) { row throws(PQError) in
            APIKey(
                id: try row.column("key_id", as: UUID.self),
                name: try row.column("name", as: String.self),
                role: Role(rawValue: try row.column("role", as: String.self)) ?? .view,
                teams: try row.column("teams", as: [String]?.self),
                source: try row.column("source", as: String?.self),
                createdAt: try row.column("created_at", as: Timestamp.self),
                createdBy: try row.column("created_by", as: String.self),
                revokedAt: try row.column("revoked_at", as: Timestamp?.self)
            )
        }
    }
}

extension PQStatement.StringInterpolation {
    /// Writes the scalar expression that says which version of the keys there is; see ``KeyRing/refreshIfChanged(version:)``.
    mutating func appendInterpolation(keysVersion: Void) {
        // Counted as well: a revocation may bear an earlier time than the last, where it began first and was committed last, or
        // where another server's clock is behind.
        appendLiteral(
            "(SELECT concat_ws('/', count(*), count(revoked_at), max(created_at), max(revoked_at)) FROM api_keys)"
        )
    }
}
