import Testing

@testable import ClockSources

@Suite("LenientJSON")
struct LenientJSONTests {
    private struct Sample: Decodable {
        var number: Field<Int64>
        var text: Field<Identifier>
    }

    @Test(arguments: [(32, true), (33, false), (100_000, false)])
    func `text may nest 32 deep`(depth: Int, isTaken: Bool) {
        let arrays =
            Array(repeating: UInt8(ascii: "["), count: depth) + Array(repeating: UInt8(ascii: "]"), count: depth)
        #expect(nestingIsBounded(arrays) == isTaken)
        let objects = String(repeating: #"{"a":"#, count: depth) + "1" + String(repeating: "}", count: depth)
        #expect(nestingIsBounded(Array(objects.utf8)) == isTaken)
    }

    @Test
    func `brackets in strings nest nothing`() {
        let text = #"{"a":"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[","b":"\\"}"#
        #expect(nestingIsBounded(Array(text.utf8)))
        let escapedEnd = #"["\\",[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["#
        #expect(!nestingIsBounded(Array(escapedEnd.utf8)))
    }

    @Test
    func `text in another encoding is refused`() {
        let wide = #"{"number":1}"#.utf8.flatMap { [$0, 0] as [UInt8] }
        #expect(decodeJSON(Sample.self, from: wide) == nil)
        #expect(decodeJSON(Sample.self, from: [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]) == nil)
    }

    @Test
    func `missing, null and mistyped members are told apart`() throws {
        func field(_ text: String) throws -> Field<Int64> {
            try #require(decodeJSON(Sample.self, from: Array(text.utf8))).number
        }
        guard case .absent = try field("{}") else { throw Mismatch() }
        guard case .absent = try field(#"{"number":null}"#) else { throw Mismatch() }
        guard case .unusable = try field(#"{"number":"1"}"#) else { throw Mismatch() }
        guard case .unusable = try field(#"{"number":1.5}"#) else { throw Mismatch() }
        guard case .unusable = try field(#"{"number":99999999999999999999}"#) else { throw Mismatch() }
        guard case .present(7) = try field(#"{"number":7,"unknown":[{}]}"#) else { throw Mismatch() }
    }

    private struct Mismatch: Error {}

    @Test
    func `an identifier has at most 200 scalars, however few letters they make`() {
        #expect(Identifier("e" + String(repeating: "\u{301}", count: 199)) != nil)
        #expect(Identifier("e" + String(repeating: "\u{301}", count: 200)) == nil)
    }

    @Test(arguments: [#""a\u0000b""#, #""a\nb""#, #""""#, "1"])
    func `an identifier without a safe text is unusable`(text: String) throws {
        let sample = try #require(decodeJSON(Sample.self, from: Array(#"{"text":\#(text)}"#.utf8)))
        guard case .unusable = sample.text else { throw Mismatch() }
    }
}
