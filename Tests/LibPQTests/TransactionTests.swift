import LibPQ
import Testing

@Suite("PQPool.withTransaction", .timeLimit(.minutes(5)))
struct TransactionTests {
    private struct Refusal: Error {}

    private func withTable(_ body: (PQPool) async throws -> Void) async throws {
        try await withPool(connections: 2) { pool in
            try await pool.execute("CREATE TABLE notes (n bigint)")
            try await body(pool)
        }
    }

    private func count(_ pool: PQPool) async throws -> Int {
        try await pool.value("SELECT count(*) AS value FROM notes", as: Int.self)
    }

    @Test
    func `a body that returns commits`() async throws {
        try await withTable { pool in
            let id = try await pool.withTransaction { transaction in
                try await transaction.execute("INSERT INTO notes (n) VALUES (1)")
                try await #expect(count(pool) == 0)
                return try await transaction.query("SELECT txid_current() AS id")[0].column("id", as: Int64.self)
            }
            #expect(id > 0)
            try await #expect(count(pool) == 1)
        }
    }

    @Test
    func `a body that throws rolls back`() async throws {
        try await withTable { pool in
            await #expect(throws: Refusal.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO notes (n) VALUES (1)")
                    throw Refusal()
                }
            }
            try await #expect(count(pool) == 0)
            #expect(pool.statistics.busy == 0)
        }
    }

    @Test
    func `a commit travels with the last statements and ends the transaction`() async throws {
        try await withTable { pool in
            try await pool.withTransaction { transaction in
                try await transaction.run(["INSERT INTO notes (n) VALUES (1)", "INSERT INTO notes (n) VALUES (2)"])
                let results = try await transaction.run(["INSERT INTO notes (n) VALUES (3)"], commit: true)
                #expect(results.map(\.affectedRows) == [1])
                #expect(pool.statistics.busy == 0)
                let error = await #expect(throws: PQError.self) { try await transaction.query("SELECT 1") }
                #expect(error?.kind == .invalidInput)
            }
            try await #expect(count(pool) == 3)
        }
    }

    @Test
    func `an error rolls back at once and frees the connection`() async throws {
        try await withTable { pool in
            let error = await #expect(throws: PQError.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.execute("INSERT INTO notes (n) VALUES (1)")
                    _ = try? await transaction.run(["SELECT 1 / \(0)"], commit: true)
                    #expect(pool.statistics.busy == 0)
                }
            }
            #expect(error?.sqlState == "25P02")
            try await #expect(count(pool) == 0)
        }
    }

    @Test
    func `a COMMIT that the server turns into a ROLLBACK is an error`() async throws {
        try await withTable { pool in
            try await pool.execute("CREATE TABLE parents (id bigint PRIMARY KEY)")
            try await pool.execute(
                """
                CREATE TABLE children (
                    parent bigint CONSTRAINT children_parent_fkey REFERENCES parents DEFERRABLE INITIALLY DEFERRED
                )
                """
            )
            let error = await #expect(throws: PQError.self) {
                try await pool.withTransaction { transaction in
                    try await transaction.run(["INSERT INTO children (parent) VALUES (1)"], commit: true)
                }
            }
            #expect(error?.constraintName == "children_parent_fkey")
            try await #expect(pool.value("SELECT count(*) AS value FROM children", as: Int.self) == 0)
        }
    }

    @Test(arguments: zip(PQIsolation.allCases, ["read committed", "repeatable read", "serializable"]))
    func `the isolation is what was asked for`(isolation: PQIsolation, name: String) async throws {
        try await withPool { pool in
            let found = try await pool.withTransaction(isolation: isolation) { transaction in
                try await transaction.query("SELECT current_setting('transaction_isolation') AS a")[0]
                    .column("a", as: String.self)
            }
            #expect(found == name)
        }
    }

    @Test
    func `a serialization failure is transient`() async throws {
        try await withTable { pool in
            try await pool.execute("INSERT INTO notes (n) VALUES (1)")
            let error = await #expect(throws: PQError.self) {
                try await pool.withTransaction(isolation: .repeatableRead) { transaction in
                    try await transaction.query("SELECT n FROM notes")
                    try await pool.execute("UPDATE notes SET n = 2")
                    try await transaction.execute("UPDATE notes SET n = 3")
                }
            }
            #expect(error?.sqlState == "40001")
            #expect(error?.isTransient == true)
        }
    }

    @Test
    func `a body that sends nothing takes no connection`() async throws {
        try await withPool { pool in
            let value = try await pool.withTransaction { transaction in
                try await transaction.run([], commit: true)
                return 5
            }
            #expect(value == 5)
            #expect(pool.statistics.open + pool.statistics.connecting == 0)
        }
    }

    @Test
    func `a cancelled task rolls back and frees the connection`() async throws {
        try await withTable { pool in
            await withTaskGroup { group in
                group.addTask {
                    await #expect { try await cancelInside(pool) } throws: { ($0 as? PQError)?.kind == .cancelled }
                }
            }
            #expect(pool.statistics.busy == 0)
            try await #expect(count(pool) == 0)
        }
    }

    /// Cancels the task it runs in between two statements.
    private func cancelInside(_ pool: PQPool) async throws {
        try await pool.withTransaction { transaction in
            try await transaction.execute("INSERT INTO notes (n) VALUES (1)")
            withUnsafeCurrentTask { $0?.cancel() }
            try await transaction.run(["INSERT INTO notes (n) VALUES (2)"], commit: true)
        }
    }

    @Test
    func `a session keeps its locks until it ends, and scripts run in it`() async throws {
        try await withPool(connections: 2) { pool in
            let free: PQStatement = "SELECT pg_try_advisory_xact_lock(77) AS value"
            try await pool.withConnection { connection in
                try await connection.query("SELECT pg_advisory_lock(77)")
                try await #expect(pool.value(free, as: Bool.self) == false)
                try await connection.simpleQuery("CREATE TABLE a (id bigint); INSERT INTO a VALUES (1), (2);")
                let rows = try await connection.rows("SELECT id FROM a ORDER BY id") { row throws(PQError) in
                    try row.column("id", as: Int.self)
                }
                #expect(rows == [1, 2])
            }
            try await pool.waitUntil(free)
        }
    }

    @Test
    func `a script that fails leaves nothing and says why`() async throws {
        try await withPool { pool in
            let error = await #expect(throws: PQError.self) {
                try await pool.withConnection { connection in
                    try await connection.simpleQuery(
                        "CREATE TABLE b (id bigint); SELECT 1 / 0; CREATE TABLE c (id bigint)"
                    )
                }
            }
            #expect(error?.sqlState == "22012")
            try await #expect(pool.value("SELECT to_regclass('b') IS NULL AS value", as: Bool.self))
        }
    }

    @Test
    func `COPY is refused and does not hang`() async throws {
        try await withPool { pool in
            let error = await #expect(throws: PQError.self) {
                try await pool.withConnection { try await $0.simpleQuery("COPY (SELECT 1) TO STDOUT") }
            }
            #expect(error?.kind == .invalidInput)
            try await #expect(pool.value("SELECT true AS value", as: Bool.self))
        }
    }
}
