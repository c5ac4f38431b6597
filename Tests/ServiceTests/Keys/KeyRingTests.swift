import Domain
import LibPQ
import Logging
import Service
import Testing

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
            #expect(there.caller(authorization: "bearer \(secret)") != nil)
            try await there.refreshIfChanged(version: try await version(pool))
            #expect(there.caller(authorization: "bearer \(secret)") == nil)
            #expect(try await here.revoke(key.id, by: "test"))
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
            let found55 = try await ring.list().count
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

    private func version(_ pool: PQPool) async throws -> String {
        let result = try await pool.query(
            "SELECT concat_ws('/', count(*), max(created_at), max(revoked_at)) AS version FROM api_keys"
        )
        return try result[0].column("version", as: String.self)
    }
}
