import FoundationEssentials
import LibPQ
import Testing

@Suite("Binds and columns", .timeLimit(.minutes(5)))
struct RoundTripTests {
    /// Sends a value and reads it back.
    private func check<Value: PQEncodable & PQDecodable & Equatable>(_ pool: PQPool, _ values: Value...) async throws {
        for value in values {
            let result = try await pool.query("SELECT \(value) AS value")
            #expect(try result[0].column("value", as: Value.self) == value)
            #expect(try result[0].column("value", as: Value?.self) == value)
        }
        #expect(try await pool.value("SELECT \(Value?.none) AS value", as: Value?.self) == nil)
    }

    @Test
    func `numbers and booleans come back as they were sent`() async throws {
        try await withPool { pool in
            try await check(pool, true, false)
            try await check(pool, Int16.min, 0, Int16.max)
            try await check(pool, Int32.min, -1, Int32.max)
            try await check(pool, Int64.min, 258, Int64.max)
            try await check(pool, Int.min, Int.max)
            try await check(pool, 0.1, -Double.infinity, Double.leastNonzeroMagnitude)
        }
    }

    @Test
    func `text comes back as it was sent`() async throws {
        try await withPool { pool in
            try await check(pool, "", "it's \"quoted\" \\ $1 ; --", "héllo 👩‍👩‍👧 \u{1F9E0}", "line\nbreak\ttab")
            try await check(pool, String(repeating: "x", count: 300_000))
        }
    }

    @Test
    func `bytes and identifiers come back as they were sent`() async throws {
        try await withPool { pool in
            try await check(pool, UUID(), UUID(uuid: (255, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)))
            try await check(pool, [UInt8](), [0, 1, 255, 0], [UInt8](repeating: 7, count: 100_000))
        }
    }

    @Test
    func `instants come back to the microsecond`() async throws {
        try await withPool { pool in
            try await check(pool, PQTimestamp(microseconds: 1_800_000_000_123_456), PQTimestamp(microseconds: -1))
            try await check(pool, PQTimestamp(microseconds: .max), PQTimestamp(microseconds: .min))
            try await check(pool, Date(timeIntervalSince1970: 1_800_000_000.25), Date(timeIntervalSince1970: -0.5))
            let text = try await pool.value(
                "SELECT (\(PQTimestamp(microseconds: 1_800_000_000_123_456)) AT TIME ZONE 'UTC')::text AS value",
                as: String.self
            )
            #expect(text == "2027-01-15 08:00:00.123456")
        }
    }

    @Test
    func `JSON keeps its meaning`() async throws {
        try await withPool { pool in
            let document = PQJSON("{\"a\": [1, \"two\", null]}")
            try await check(pool, document)
            #expect(try await pool.value("SELECT \(document)->'a'->>1 AS value", as: String.self) == "two")
        }
    }

    @Test
    func `arrays come back with their NULLs, and empty`() async throws {
        try await withPool { pool in
            try await check(pool, [String](), ["", "a,b", "{\"x\"}", "NULL", "it's"])
            try await check(pool, [Optional("a"), nil, "NULL", ""], [String?.none])
            try await check(pool, [Int64.min, 0, 9], [Int64]())
            try await check(pool, [Int32?.none, 3], [Optional(Int32(1))])
            try await check(pool, [Int16(1), -1])
            try await check(pool, [true, false], [Bool]())
            try await check(pool, [1.5, -2])
            try await check(pool, [UUID(), UUID()])
            try await check(pool, [[UInt8(1), 0], [], [255]])
            try await check(pool, [PQTimestamp(microseconds: 5), PQTimestamp(microseconds: -5)])
            try await check(pool, [Date(timeIntervalSince1970: 12.5)])
            try await check(pool, [PQJSON("1"), PQJSON("[2]")])
            try await check(pool, [Optional(Date(timeIntervalSince1970: 1)), nil])
        }
    }

    @Test
    func `unnest takes arrays of equal length as columns`() async throws {
        try await withPool { pool in
            let names = ["one", "two", "three"]
            let notes = [Optional("x"), nil, "z"]
            let rows = try await pool.rows(
                "SELECT name, note FROM unnest(\(names), \(notes)) WITH ORDINALITY AS t (name, note, n) ORDER BY n"
            ) { row throws(PQError) in
                (try row.column("name", as: String.self), try row.column("note", as: String?.self))
            }
            #expect(rows.map(\.0) == names)
            #expect(rows.map(\.1) == notes)
        }
    }

    @Test
    func `smaller numbers are read as larger ones`() async throws {
        try await withPool { pool in
            let result = try await pool.query("SELECT 7::int2 AS a, 8::int4 AS b, 9::int8 AS c, 1.5::real AS d")
            let row = result[0]
            #expect(try row.column("a", as: Int64.self) == 7)
            #expect(try row.column("a", as: Int32.self) == 7)
            #expect(try row.column("b", as: Int.self) == 8)
            #expect(try row.column("c", as: Int.self) == 9)
            #expect(try row.column("d", as: Double.self) == 1.5)
        }
    }

    @Test
    func `enums and other text types are read as text`() async throws {
        try await withPool { pool in
            try await pool.execute("CREATE TYPE mood AS ENUM ('calm')")
            let result = try await pool.query(
                "SELECT 'calm'::mood AS a, 'x'::varchar AS b, '{}'::json AS c, 'n'::name AS d"
            )
            #expect(try result[0].column("a", as: String.self) == "calm")
            #expect(try result[0].column("b", as: String.self) == "x")
            #expect(try result[0].column("c", as: String.self) == "{}")
            #expect(try result[0].column("d", as: String.self) == "n")
        }
    }
}
