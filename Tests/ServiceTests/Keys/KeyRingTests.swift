import Domain
import Foundation
import LibPQ
import Logging
import Testing

@testable import Service

@Suite("KeyRing")
struct KeyRingTests {
    @Test
    func `a key made elsewhere works after its version was heard of, and a revoked one ends`() async throws {
        try await withMigratedDatabase { pool, _ in
            let here = KeyRing(pool: pool)
            let there = KeyRing(pool: pool)
            try await there.refresh()
            let (key, secret) = try await here.create(NewAPIKey(name: "n", role: .clock, source: "till-1"), by: "test")
            #expect(here.caller(authorization: "Bearer \(secret)")?.sourceName == "till-1")
            #expect(there.caller(authorization: "Bearer \(secret)") == nil)
            try await there.refreshIfChanged(version: try await version(pool))
            let caller = try #require(there.caller(authorization: "bearer \(secret)"))
            #expect(caller.keyID == key.id && caller.role == .clock)
            #expect(there.caller(forBearer: secret) == caller)
            #expect(there.caller(keyID: key.id) == caller)

            #expect(try await here.revoke(key.id, by: "test"))
            #expect(here.caller(authorization: "Bearer \(secret)") == nil)
            #expect(here.caller(keyID: key.id) == nil)
            #expect(there.caller(authorization: "bearer \(secret)") != nil)
            try await there.refreshIfChanged(version: try await version(pool))
            #expect(there.caller(authorization: "bearer \(secret)") == nil)
            #expect(try await here.revoke(key.id, by: "test"))
        }
    }

    @Test
    func `who made a key gets it also where the keys cannot be read again, and it works once they can`() async throws {
        try await withMigratedDatabase { pool, _ in
            let ring = KeyRing(pool: pool)
            // Reading needs the column, making does not.
            _ = try await pool.query("ALTER TABLE api_keys RENAME COLUMN revoked_at TO hidden")
            let (key, secret) = try await ring.create(NewAPIKey(name: "n", role: .view), by: "test")
            #expect(ring.caller(forBearer: secret) == nil)
            _ = try await pool.query("ALTER TABLE api_keys RENAME COLUMN hidden TO revoked_at")
            try await ring.refreshIfChanged(version: try await version(pool))
            #expect(ring.caller(forBearer: secret)?.keyID == key.id)
        }
    }

    @Test
    func `the same version is not read again`() async throws {
        try await withMigratedDatabase { pool, _ in
            let ring = KeyRing(pool: pool)
            let (_, secret) = try await ring.create(NewAPIKey(name: "n", role: .view), by: "test")
            let version = try await version(pool)
            _ = try await pool.query("DELETE FROM api_keys")
            try await ring.refreshIfChanged(version: version)
            #expect(ring.caller(forBearer: secret) != nil)
        }
    }

    @Test
    func `the bootstrap key makes the first admin and no second one`() async throws {
        try await withMigratedDatabase { pool, _ in
            let ring = KeyRing(pool: pool)
            let secret = String(repeating: "b", count: 32)
            #expect(!ring.hasAdmin)
            let found50 = try await ring.bootstrap(secret)
            #expect(found50 == .created)
            #expect(ring.hasAdmin)
            #expect(ring.caller(forBearer: secret)?.role == .admin)
            let found53 = try await ring.bootstrap(secret)
            #expect(found53 == .ignored)
            let found54 = try await ring.bootstrap(String(repeating: "c", count: 32))
            #expect(found54 == .ignored)
            let found55 = try await ring.page(cursor: nil).keys.count
            #expect(found55 == 1)
        }
    }

    @Test
    func `the first admin is made while retention works`() async throws {
        try await withMigratedDatabase { owner, connectionString in
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            var configuration = PQConfiguration(connectionString: connectionString, maxConnections: 1)
            // As a replica's writers: one that waited for retention would fail.
            configuration.callTimeout = .seconds(5)
            let pool = PQPool(configuration, logger: logger)
            let ring = KeyRing(pool: pool)
            try await owner.withTransaction { transaction in
                _ = try await transaction.run(["SELECT pg_advisory_xact_lock(7265, 2)"])
                let made = try await ring.bootstrap(String(repeating: "b", count: 32))
                #expect(made == .created)
            }
            await pool.shutdown()
        }
    }

    @Test
    func `no key is stored or listed in clear`() async throws {
        try await withManagement { fixture in
            let made = try await fixture.send(
                "POST",
                "/v1/keys",
                json: #"{"name":"n","role":"view","teams":["b","a"]}"#
            )
            #expect(made.status == 201)
            let secret = try #require(try made.json()["key"] as? String)
            #expect(secret.utf8.count >= 43)
            #expect(try made.json()["teams"] as? [String] == ["a", "b"])
            let list = try await fixture.send("GET", "/v1/keys")
            #expect(!list.text.contains(secret))
            #expect(try list.items().count == Role.allCases.count + 1)
            let clear = try await fixture.count(
                "SELECT count(*) AS count FROM api_keys WHERE encode(key_hash, 'escape') LIKE '%' || \(secret) || '%'"
            )
            #expect(clear == 0)
        }
    }

    @Test(arguments: [
        (#"{"role":"view"}"#, "name"), (#"{"name":"","role":"view"}"#, "name"), (#"{"name":"n"}"#, "role"),
        (#"{"name":"n","role":"god"}"#, "role"), (#"{"name":"n","role":"view","teams":[]}"#, "teams"),
        (#"{"name":"n","role":"view","teams":"a"}"#, "teams"), (#"{"name":"n","role":"view","teams":[1]}"#, "teams[0]"),
        (#"{"name":"n","role":"view","source":"hr"}"#, "source"),
        (#"{"name":"n","role":"clock","source":"a b"}"#, "source"),
    ])
    func `a key that makes no sense is refused`(body: String, field: String) async throws {
        try await withManagement { fixture in
            let answer = try await fixture.send("POST", "/v1/keys", json: body)
            #expect(answer.status == 422)
            #expect(try answer.json()["field"] as? String == field)
        }
    }

    @Test
    func `a bootstrap key that cannot make an admin says why`() async throws {
        try await withMigratedDatabase { pool, _ in
            let ring = KeyRing(pool: pool)
            let (_, secret) = try await ring.create(NewAPIKey(name: "n", role: .view), by: "test")
            let ofAnotherRole = try await ring.bootstrap(secret)
            #expect(ofAnotherRole == .lesser)
            let first = String(repeating: "b", count: 32)
            _ = try await ring.bootstrap(first)
            let key = try #require(try await ring.page(cursor: nil).keys.first { $0.role == .admin })
            #expect(try await ring.revoke(key.id, by: "test"))
            let revoked = try await ring.bootstrap(first)
            #expect(revoked == .revoked)
            #expect(!ring.hasAdmin)
            let other = try await ring.bootstrap(String(repeating: "c", count: 32))
            #expect(other == .created)
            let beside = try await ring.bootstrap(first)
            #expect(beside == .ignored)
        }
    }

    @Test
    func `a key revoked by a clock that is behind ends everywhere`() async throws {
        try await withMigratedDatabase { pool, _ in
            let (here, there) = (KeyRing(pool: pool), KeyRing(pool: pool))
            let (earlier, _) = try await here.create(NewAPIKey(name: "a", role: .view), by: "test")
            let (later, secret) = try await here.create(NewAPIKey(name: "b", role: .view), by: "test")
            // As a server did whose clock was ahead of the one that took its place.
            _ = try await pool.query(
                "UPDATE api_keys SET revoked_at = now() + interval '1 minute' WHERE key_id = \(earlier.id)"
            )
            try await there.refresh()
            #expect(there.caller(forBearer: secret) != nil)
            #expect(try await here.revoke(later.id, by: "test"))
            try await there.refreshIfChanged(version: try await version(pool))
            #expect(there.caller(forBearer: secret) == nil)
        }
    }

    @Test
    func `of two revocations that overlap, the one that ends last counts as well`() async throws {
        try await withMigratedDatabase { pool, _ in
            let (here, there) = (KeyRing(pool: pool), KeyRing(pool: pool))
            let (slow, slowSecret) = try await here.create(NewAPIKey(name: "a", role: .view), by: "test")
            let (quick, quickSecret) = try await here.create(NewAPIKey(name: "b", role: .view), by: "test")
            try await there.refresh()
            try await pool.withTransaction { transaction in
                try await transaction.run(["UPDATE api_keys SET revoked_at = now() WHERE key_id = \(slow.id)"])
                #expect(try await here.revoke(quick.id, by: "test"))
                try await there.refreshIfChanged(version: try await version(pool))
                #expect(there.caller(forBearer: quickSecret) == nil)
                #expect(there.caller(forBearer: slowSecret) != nil)
            }
            try await there.refreshIfChanged(version: try await version(pool))
            #expect(there.caller(forBearer: slowSecret) == nil)
        }
    }

    @Test
    func `the audit has who revoked a key, and nothing of one that there is not`() async throws {
        try await withManagement { fixture in
            let (key, _) = try await fixture.keyRing.create(NewAPIKey(name: "n", role: .view), by: "test")
            let unknown = UUID().uuidString.lowercased()
            #expect(try await fixture.send("DELETE", "/v1/keys/\(unknown)").status == 404)
            #expect(try await fixture.send("DELETE", "/v1/keys/\(key.id.uuidString)").status == 204)
            let lines = try await fixture.pool.rows(
                "SELECT concat_ws(' ', actor, subject) AS line FROM audit WHERE deed = 'key.revoke'"
            ) { row throws(PQError) in try row.column("line", as: String.self) }
            #expect(lines == ["admin \(key.id.uuidString.lowercased())"])
        }
    }

    @Test
    func `keys come in pages, live ones first, newest first, each once`() async throws {
        try await withManagement { fixture in
            // Two of each instant, and every third revoked.
            _ = try await fixture.pool.query(
                """
                INSERT INTO api_keys (key_id, name, role, key_hash, created_by, created_at, revoked_at)
                SELECT gen_random_uuid(), 'k' || n, 'view', sha256(convert_to('k' || n, 'UTF8')), 'test',
                    now() - (n / 2) * interval '1 second', CASE WHEN n % 3 = 0 THEN now() END
                FROM generate_series(1, 20) AS n
                """
            )
            let all = try await fixture.send("GET", "/v1/keys")
            #expect(try all.json()["next_cursor"] is NSNull)
            let expected = try all.items().compactMap { $0["id"] as? String }
            #expect(expected.count == 20 + Role.allCases.count)
            let revoked = try all.items().map { $0["revoked_at"] is String }
            #expect(revoked == revoked.sorted { !$0 && $1 } && revoked.contains(true))
            var ids: [String] = []
            var path = "/v1/keys?limit=7"
            while true {
                let page = try await fixture.send("GET", path)
                #expect(page.status == 200, "\(page.text)")
                #expect(try page.items().count <= 7)
                ids += try page.items().compactMap { $0["id"] as? String }
                guard let next = try page.json()["next_cursor"] as? String else { break }
                path = "/v1/keys?limit=7&cursor=\(next)"
            }
            #expect(ids == expected)
        }
    }

    @Test(arguments: ["limit=0", "limit=1001", "limit=x", "cursor=x", "cursor=2.1.x", "cursor=0.1.2"])
    func `a page of keys that makes no sense is refused`(query: String) async throws {
        try await withManagement { fixture in
            let answer = try await fixture.send("GET", "/v1/keys?\(query)")
            #expect(answer.status == 422, "\(answer.text)")
            #expect(try answer.json()["field"] as? String == query.split(separator: "=").first.map(String.init))
        }
    }

    private func version(_ pool: PQPool) async throws -> String {
        let result = try await pool.query("SELECT \(keysVersion: ()) AS version")
        return try result[0].column("version", as: String.self)
    }
}
