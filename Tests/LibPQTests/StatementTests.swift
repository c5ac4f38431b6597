import Testing

@testable import LibPQ

@Suite("PQStatement")
struct StatementTests {
    @Test
    func `every value becomes a numbered bind`() {
        let name = "O'Hara"
        let statement: PQStatement =
            "SELECT \(name), \(Int32(7)) WHERE note = \(String?.none) AND \(identifier: "a\"b") = 1"
        #expect(statement.text == "SELECT $1, $2 WHERE note = $3 AND \"a\"\"b\" = 1")
        #expect(
            statement.binds == [
                PQBind(type: .text, bytes: Array("O'Hara".utf8)), PQBind(type: .int4, bytes: [0, 0, 0, 7]),
                PQBind(type: .text, bytes: nil),
            ]
        )
    }

    @Test
    func `an array is bound with its dimensions, lengths and NULLs`() {
        let statement: PQStatement = "SELECT \([Optional(Int16(5)), nil])"
        let header: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 21, 0, 0, 0, 2, 0, 0, 0, 1]
        #expect(statement.binds.first?.bytes == header + [0, 0, 0, 2, 0, 5] + [255, 255, 255, 255])
        #expect(statement.binds.first?.type == PQType.int2.array)
    }

    @Test
    func `no value is shown`() {
        let statement: PQStatement = "SELECT \("+49151000000")"
        var dumped = ""
        dump(statement, to: &dumped)
        #expect(!"\(statement) \(String(reflecting: statement)) \(dumped)".contains("49151"))
    }

    @Test(arguments: [
        ("SELECT 1", true), ("  \n(select 1)", true), ("Values (1)", true), ("SHOW work_mem", true),
        ("WITH a AS (DELETE FROM b RETURNING 1) SELECT 1", false), ("INSERT INTO a VALUES (1)", false), ("", false),
        ("SELECTED", false),
    ])
    func `a statement that reads is told by its first word`(text: String, isRead: Bool) {
        #expect(PQStatement(stringLiteral: text).isRead == isRead)
    }
}
