import Service
import Testing

@Suite("JSONValue")
struct JSONValueTests {
    @Test(arguments: [
        ("null", JSONValue.null), (" true ", .bool(true)), ("-1.5e+3", .number("-1.5e+3")),
        ("\"a\\n\\u00e9\"", .string("a\né")),
        ("\"\\ud83d\\ude00\"", .string("😀")), ("[]", .array([])),
        ("[1,[2]]", .array([.number("1"), .array([.number("2")])])),
        ("{\"a\":{},\"b\":[null]}", .object(["a": .object([:]), "b": .array([.null])])),
        ("{\"a\":1,\"a\":2}", .object(["a": .number("2")])),
    ])
    func `valid JSON is read`(text: String, expected: JSONValue) throws {
        #expect(try JSONValue(parsing: text.utf8) == expected)
    }

    @Test(arguments: [
        "", " ", "{", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "'a'", "nul", "01", "1.", "1e", "-", "+1", ".5",
        "\"a", "\"\\x\"",
        "\"\\u12\"", "\"\\ud83d\"", "\"\u{0}\"", "\"\n\"", "1 2", "{} {}", "[1 2]", "\u{0}", "NaN",
    ])
    func `anything else is malformed`(text: String) {
        #expect(throws: Problem.self) { try JSONValue(parsing: text.utf8) }
    }

    @Test
    func `bytes that are not UTF-8 are malformed`() {
        #expect(throws: Problem.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22] as [UInt8]) }
    }

    @Test
    func `nesting ends at the limit`() throws {
        let deepest = String(repeating: "[", count: 32) + String(repeating: "]", count: 32)
        _ = try JSONValue(parsing: deepest.utf8)
        let tooDeep = "[\(deepest)]"
        #expect(throws: Problem.self) { try JSONValue(parsing: tooDeep.utf8) }
        let endless = String(repeating: "{\"a\":", count: 200_000)
        #expect(throws: Problem.self) { try JSONValue(parsing: endless.utf8) }
    }
}

@Suite("Path parameters")
struct PathParameterTests {
    @Test(arguments: [
        ("a%40b.c", "a@b.c"), ("plain", "plain"), ("%2B34", "+34"), ("%C3%A9", "é"), ("a%3ab", "a:b"),
    ])
    func `percent signs are decoded`(raw: String, expected: String) {
        #expect(percentDecoded(raw) == expected)
    }

    @Test(arguments: ["%", "%4", "%zz", "%FF", "a%"])
    func `what does not decode is nothing`(raw: String) {
        #expect(percentDecoded(raw) == nil)
    }

    @Test(arguments: ["a", "A9._@+-:", String(repeating: "x", count: 128)])
    func `these are agent ids`(text: String) {
        #expect(isAgentID(text))
    }

    @Test(arguments: ["", " ", "a b", "a/b", "é", "a\u{0}", "a\n", String(repeating: "x", count: 129), "a,b"])
    func `these are no agent ids`(text: String) {
        #expect(!isAgentID(text))
    }
}
