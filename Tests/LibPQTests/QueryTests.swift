import LibPQ
import Testing

@Suite("PQPool.query and pipeline", .timeLimit(.minutes(5)))
struct QueryTests {
    @Test
    func `a value never becomes part of the statement`() async throws {
        try await withPool { pool in
            try await pool.execute("CREATE TABLE names (name text)")
            let attack = "x'); DROP TABLE names; --"
            try await pool.execute("INSERT INTO names (name) VALUES (\(attack))")
            #expect(try await pool.value("SELECT name AS value FROM names", as: String.self) == attack)
        }
    }

    @Test
    func `an identifier is quoted, whatever is in it`() async throws {
        try await withPool { pool in
            let table = "odd \"name\"; DROP"
            try await pool.execute("CREATE TABLE \(identifier: table) (id bigint)")
            #expect(try await pool.execute("INSERT INTO \(identifier: table) (id) VALUES (\(1)), (\(2))") == 2)
        }
    }

    @Test
    func `U+0000 in text is refused before anything is sent`() async throws {
        try await withPool { pool in
            let bad: [PQStatement] = [
                "SELECT \("a\0b")", "SELECT \(["a", "b\0"])", "SELECT \([nil, Optional("\0")])",
                "SELECT \(PQJSON("\"\0\""))", "SELECT \([PQJSON("\"\0\"")])", "SELECT \(identifier: "a\0")",
            ]
            for statement in bad {
                await #expect { try await pool.query(statement) } throws: { ($0 as? PQError)?.kind == .invalidInput }
            }
            #expect(pool.statistics.open + pool.statistics.connecting == 0)
        }
    }

    @Test
    func `an array of arrays is refused`() async throws {
        try await withPool { pool in
            await #expect { try await pool.query("SELECT \([["a"], ["b"]])") } throws: {
                ($0 as? PQError)?.kind == .invalidInput
            }
        }
    }

    @Test(arguments: ["missing", "text", "null", "list"])
    func `a decoding error names the column`(column: String) async throws {
        try await withPool { pool in
            let result = try await pool.query(
                "SELECT 'secret' AS text, NULL::bigint AS null, '{{1}}'::bigint[] AS list"
            )
            let error = #expect(throws: PQError.self) {
                if column == "list" {
                    _ = try result[0].column(column, as: [Int64].self)
                } else {
                    _ = try result[0].column(column, as: Int64.self)
                }
            }
            #expect(error?.kind == .decoding)
            #expect(error?.columnName == column)
            #expect(error?.description == "database decoding")
            #expect(error?.debugDescription.contains("secret") == false)
        }
    }

    @Test
    func `a column found once is read in every row`() async throws {
        try await withPool { pool in
            let result = try await pool.query(
                "SELECT n::int8 AS n, n % 2 = 0 AS even FROM generate_series(1, 100) AS n"
            )
            let number = try result.decoder("n", as: Int64.self)
            let isEven = try result.decoder("even", as: Bool.self)
            #expect(result.rowCount == 100)
            for (index, row) in result.enumerated() {
                #expect(try number[row] == Int64(index + 1))
                #expect(try isEven[row] == (index % 2 == 1))
            }
        }
    }

    @Test
    func `a server's error carries its code and the constraint`() async throws {
        try await withPool { pool in
            try await pool.execute("CREATE TABLE agents (id bigint CONSTRAINT agents_pkey PRIMARY KEY)")
            try await pool.execute("INSERT INTO agents (id) VALUES (\(5))")
            let error = await #expect(throws: PQError.self) {
                try await pool.execute("INSERT INTO agents (id) VALUES (\(5))")
            }
            #expect(error?.kind == .server)
            #expect(error?.sqlState == "23505")
            #expect(error?.constraintName == "agents_pkey")
            #expect(error?.tableName == "agents")
            #expect(error?.isTransient == false)
            #expect(error?.description == "database server (SQLSTATE 23505)")
        }
    }

    @Test
    func `an error in a pipeline undoes what was before it and skips what is after`() async throws {
        try await withPool { pool in
            try await pool.execute("CREATE TABLE steps (n bigint)")
            let error = await #expect(throws: PQError.self) {
                try await pool.pipeline([
                    "INSERT INTO steps (n) VALUES (1)", "SELECT 1 / \(0)", "INSERT INTO steps (n) VALUES (3)",
                ])
            }
            #expect(error?.sqlState == "22012")
            #expect(error?.statementIndex == 1)
            #expect(try await pool.value("SELECT count(*) AS value FROM steps", as: Int.self) == 0)
        }
    }

    @Test
    func `a pipeline gives one result for each statement, in order`() async throws {
        try await withPool { pool in
            let results = try await pool.pipeline((0..<500).map { "SELECT \($0) AS value" })
            #expect(try results.map { try $0[0].column("value", as: Int.self) } == Array(0..<500))
            #expect(try await pool.pipeline([]).isEmpty)
        }
    }

    @Test
    func `a pipeline larger than every buffer gets through`() async throws {
        try await withPool { pool in
            let chunk = String(repeating: "z", count: 1_000_000)
            let results = try await pool.pipeline((0..<12).map { _ in "SELECT \(chunk) AS value" })
            #expect(try results.allSatisfy { try $0[0].column("value", as: String.self) == chunk })
        }
    }

    @Test
    func `a statement is prepared once per connection and evicted when the cache is full`() async throws {
        try await withPool(connections: 1) {
            $0.statementCacheLimit = 3
        } _: { pool in
            for _ in 0..<5 { try await pool.query("SELECT \(1) AS a") }
            let count: PQStatement =
                "SELECT count(*) AS value FROM pg_prepared_statements WHERE statement LIKE '% AS a'"
            #expect(try await pool.value(count, as: Int.self) == 1)
            for column in ["b", "c", "d", "e", "f"] { try await pool.query("SELECT \(1) AS \(identifier: column)") }
            let all: PQStatement = "SELECT count(*) AS value FROM pg_prepared_statements"
            _ = try await pool.value(all, as: Int.self)
            #expect(try await pool.value(all, as: Int.self) == 3)
            #expect(try await pool.value(count, as: Int.self) == 0)
        }
    }

    @Test
    func `equal texts with other types are prepared apart`() async throws {
        try await withPool(connections: 1) { pool in
            let small = try await pool.value("SELECT \(Int32(-1)) AS value", as: Int.self)
            let large = try await pool.value("SELECT \(Int64(-1)) AS value", as: Int.self)
            let text = try await pool.value("SELECT \("x") AS value", as: String.self)
            #expect(small == -1 && large == -1 && text == "x")
        }
    }

    @Test
    func `a statement that failed to prepare is prepared anew`() async throws {
        try await withPool(connections: 1) { pool in
            let statement: PQStatement = "SELECT id AS value FROM later"
            await #expect(throws: PQError.self) { try await pool.query(statement) }
            try await pool.execute("CREATE TABLE later (id bigint)")
            #expect(try await pool.query(statement).rowCount == 0)
        }
    }

    @Test
    func `a statement whose table changed is prepared anew without the caller noticing`() async throws {
        try await withPool(connections: 1) { pool in
            try await pool.execute("CREATE TABLE changing (id int4)")
            try await pool.execute("INSERT INTO changing (id) VALUES (1)")
            let statement: PQStatement = "SELECT id AS value FROM changing"
            #expect(try await pool.value(statement, as: Int.self) == 1)
            try await pool.execute("ALTER TABLE changing ALTER COLUMN id TYPE int8")
            #expect(try await pool.value(statement, as: Int.self) == 1)
            try await pool.execute("ALTER TABLE changing ALTER COLUMN id TYPE text")
            let text = try await pool.withTransaction {
                try await $0.query(statement)[0].column("value", as: String.self)
            }
            #expect(text == "1")
        }
    }

    @Test
    func `settings reach the session`() async throws {
        try await withPool {
            $0.statementTimeout = .milliseconds(4_321)
            $0.idleInTransactionTimeout = .seconds(7)
            $0.applicationName = "roll call"
            $0.sessionSettings = ["search_path": "pg_catalog, \"a b\\c\"", "synchronous_commit": "local"]
        } _: { pool in
            #expect(
                try await pool.value("SELECT current_setting('statement_timeout') AS value", as: String.self)
                    == "4321ms"
            )
            let settings = try await pool.rows(
                """
                SELECT setting
                FROM unnest(\(["application_name", "search_path", "synchronous_commit", "client_encoding"])) AS n (name),
                    LATERAL current_setting(name) AS s (setting)
                """
            ) { row throws(PQError) in try row.column("setting", as: String.self) }
            #expect(settings == ["roll call", "pg_catalog, \"a b\\c\"", "local", "UTF8"])
        }
    }
}
