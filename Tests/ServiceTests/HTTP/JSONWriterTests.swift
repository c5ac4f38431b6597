import Domain
import Foundation
import NIOCore
import Service
import Testing

@Suite("JSON writer")
struct JSONWriterTests {
    @Test(arguments: [
        "", "plain", "Zoë 👩‍💻 日本", "a \"quoted\" \\ word", "two\nlines\r\tand\u{1}control\u{1f}",
        String(repeating: "long ", count: 2_000), String(repeating: "\"", count: 3_000),
    ])
    func `what is written as text is read back by others`(text: String) throws {
        var buffer = ByteBuffer()
        var object = JSONObjectWriter(&buffer)
        object.member("first", text, into: &buffer)
        object.member("missing", nil as String?, into: &buffer)
        object.member("count", 42, into: &buffer)
        object.name("rest", into: &buffer)
        buffer.writeJSONArray([text, "", text]) { $1.writeJSON($0) }
        object.member("is_last", true, into: &buffer)
        object.end(&buffer)
        let read = try JSONSerialization.jsonObject(with: Data(buffer.readableBytesView))
        let expected: [String: Any] = [
            "first": text, "missing": NSNull(), "count": 42, "rest": [text, "", text], "is_last": true,
        ]
        #expect(try NSDictionary(dictionary: #require(read as? [String: Any])) == NSDictionary(dictionary: expected))
    }

    @Test
    func `members come in their order, instants with quotes`() {
        var buffer = ByteBuffer()
        var object = JSONObjectWriter(&buffer)
        object.member("at", Timestamp(microseconds: 1_772_439_060_050_000), into: &buffer)
        object.member("never", nil as Timestamp?, into: &buffer)
        object.name("also", into: &buffer)
        buffer.writeJSON(Timestamp(microseconds: 0))
        object.end(&buffer)
        let expected =
            #"{"at":"2026-03-02T08:11:00.050Z","never":null,"also":"1970-01-01T00:00:00Z"}"#
        #expect(String(buffer: buffer) == expected)
    }
}
