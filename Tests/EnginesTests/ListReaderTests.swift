import Domain
import Foundation
import Testing

@testable import Engines

@Suite("ListReader")
struct ListReaderTests {
    private func read(_ text: String, inPieces size: Int = .max) throws -> ListReader {
        var reader = ListReader(redaction: Redaction(token: "t0ken"))
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: min(size, max(bytes.count, 1))) {
            try reader.take(bytes[start..<min(start + min(size, bytes.count), bytes.count)])
        }
        return reader
    }

    private static let whole = #"""
         [ {"name":"a","status":"WORKING","me":{"id":"1@c.us","name":"]}[{","x":"\"}"},"config":{"webhooks":[{"url":"u"}]}},
         {"status":"STOPPED","name":"b\u0062"} , {"name":"c","status":"PASSKEY_REQUIRED"},{"name":"d"},{"status":"WORKING"},{}]
        """#

    @Test(arguments: [Int.max, 1, 2, 3, 7, 64])
    func `names and statuses are read, however the bytes come`(size: Int) throws {
        let reader = try read(Self.whole, inPieces: size)
        #expect(reader.isAtEnd)
        #expect(reader.statuses == ["a": .working, "bb": .stopped, "c": .unknown("PASSKEY_REQUIRED")])
    }

    @Test func `an empty list is a list`() throws {
        let reader = try read(" [ ] ")
        #expect(reader.isAtEnd && reader.statuses.isEmpty)
    }

    @Test(arguments: [
        "", "{}", "null", "[1]", #"["a"]"#, "[null]", "[[]]", "[{}", "[{},]", "[,{}]", "[{}{}]", "[{}]]", "[{}],",
        "[]{}",
        #"{"sessions":[]}"#, #"[{"name":"a","status":"WORKING"}"#, "<html>",
    ])
    func `anything but one whole array of objects is no list`(text: String) throws {
        #expect(try !read(text).isAtEnd)
    }

    @Test func `every beginning of a list is no list`() throws {
        let text = Self.whole.trimmingCharacters(in: .whitespacesAndNewlines)
        for length in 0..<text.utf8.count {
            #expect(try !read(String(decoding: text.utf8.prefix(length), as: UTF8.self)).isAtEnd)
        }
    }

    @Test func `a name with two statuses counts as not listed, one that is repeated is listed`() throws {
        let entries = ["WORKING", "STOPPED", "WORKING"].map { #"{"name":"a","status":"\#($0)"}"# }
        let reader = try read(
            "[" + (entries + [entries[0].replacingOccurrences(of: "\"a\"", with: "\"b\"")]).joined(separator: ",") + "]"
        )
        #expect(reader.statuses == ["b": .working])
        #expect(try read("[\(entries[0]),\(entries[0])]").statuses == ["a": .working])
    }

    @Test func `an entry that names itself or its status twice counts as not listed`() throws {
        let reader = try read(
            #"[{"name":"a","name":"b","status":"WORKING"},{"name":"c","status":"WORKING","status":"STOPPED"}]"#
        )
        #expect(reader.isAtEnd && reader.statuses.isEmpty)
    }

    @Test func `a word nobody knows passes the filter for secrets`() throws {
        let reader = try read(#"[{"name":"a","status":"t0ken 201012345678"}]"#)
        #expect(reader.statuses == ["a": .unknown("[removed] [removed]")])
    }

    @Test func `no more sessions are kept than the limit`() throws {
        let entries = (0...ListReader.sessionLimit).map { #"{"name":"\#($0)","status":"WORKING"}"# }
        var reader = ListReader(redaction: Redaction(token: "t0ken"))
        #expect(throws: ListReader.TooLong.self) {
            try reader.take(Array("[\(entries.joined(separator: ","))]".utf8))
        }
        #expect(reader.statuses.count == ListReader.sessionLimit)
    }

    @Test func `no more bytes are read than the limit`() throws {
        var reader = ListReader(redaction: Redaction(token: "t0ken"), byteLimit: 1000)
        try reader.take(Array(#"[{"name":"a","status":"WORKING"},{"padding":""#.utf8))
        var count = 0
        #expect(throws: ListReader.TooLong.self) {
            while true {
                try reader.take([UInt8](repeating: UInt8(ascii: "x"), count: 100))
                count += 1
            }
        }
        #expect(count == 9)
        #expect(reader.statuses == ["a": .working])
    }

    @Test func `an entry that is too long is passed over`() throws {
        let padding = String(repeating: "x", count: ListReader.entryLimit)
        let reader = try read(
            #"[{"name":"a","padding":"\#(padding)","status":"WORKING"},{"name":"b","status":"STOPPED"}]"#
        )
        #expect(reader.isAtEnd && reader.statuses == ["b": .stopped])
    }
}
