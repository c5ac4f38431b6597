import Foundation
import Testing

@testable import Engines

@Suite("ReplyWords")
struct ReplyWordsTests {
    private static let whole = Array(
        #"{"name":"w\u00e4\n","status":"WORKING","config":{"webhooks":[],"proxy":null},"code":"x"}"#.utf8
    )

    @Test(
        arguments: [
            (#"{"status":"WORKING"}"#, "WORKING"),
            (#" { "name" : "x" , "status" : "STOPPED" } "#, "STOPPED"),
            (#"{"status":"  working \n"}"#, "working"),
            (#"{"st\u0061tus":"WORK\u0049NG"}"#, "WORKING"),
            (#"{"payload":{"status":"STOPPED"},"status":"WORKING"}"#, "WORKING"),
            (#"{"a":[{"status":"FAILED"},[["]"]],"}"],"status":"WORKING"}"#, "WORKING"),
            (#"{"me":{"pushName":"\"status\":\"FAILED\""},"status":"WORKING"}"#, "WORKING"),
            (#"{"a":-1.5e+3,"b":true,"c":false,"d":null,"status":"STARTING"}"#, "STARTING"),
            ("\u{FEFF}{\"status\":\"WORKING\"}", "WORKING"),
            (#"{"status":"\uD83D\uDE00"}"#, "\u{1F600}"),
        ]
    )
    func `the status at the top is read`(body: String, status: String) {
        #expect(ReplyWords(json: Array(body.utf8))?.status == status)
    }

    @Test(
        arguments: [
            #"{"payload":{"status":"WORKING"}}"#, #"{"status":null}"#, #"{"status":200}"#, #"{"status":""}"#,
            #"{"status":["WORKING"]}"#, #"{"status":{"status":"WORKING"}}"#, #"{"STATUS":"WORKING"}"#, "{}",
            #"{"x":"status","y":"WORKING"}"#, #"{"statuses":"WORKING"}"#,
        ]
    )
    func `an object without a status word has none`(body: String) throws {
        let words = try #require(ReplyWords(json: Array(body.utf8)))
        #expect(words.status == nil)
    }

    @Test(
        arguments: [
            "", "null", "WORKING", #""WORKING""#, #"["status","WORKING"]"#, #"{"status":"WORKING""#,
            #"{"status":"WORK"#,
            #"{"status":"WORKING"}}"#, #"{"status":"WORKING"} {"status":"STOPPED"}"#, #"{"status":"WORKING",}"#,
            #"{"status":"WORKING","status":"STOPPED"}"#, #"{"status" "WORKING"}"#, #"{status:"WORKING"}"#,
            #"<br />{"status":"WORKING"}"#, #"{"a":[1,2,"status":"WORKING"}"#, #"{"a":tru,"status":"WORKING"}"#,
            #"{"a":"\"#, #"{"a":"b\"#, "{\"a\":\"line\nbreak\",\"status\":\"WORKING\"}", #"{"a":,"status":"WORKING"}"#,
        ]
    )
    func `what is not one whole object has no words`(body: String) {
        #expect(ReplyWords(json: Array(body.utf8)) == nil)
    }

    @Test func `deep nesting is refused and does not overflow the stack`() {
        let nested = String(repeating: "[", count: 60_000)
        #expect(ReplyWords(json: Array("{\"a\":\(nested)".utf8)) == nil)
    }

    @Test func `no prefix of a reply is taken for a whole one`() {
        for length in Self.whole.indices {
            #expect(ReplyWords(json: Array(Self.whole[..<length])) == nil)
        }
    }

    @Test(arguments: whole.indices)
    func `a reply with one byte changed is read only if it is JSON`(index: Int) {
        for byte in UInt8.min..<0x80 {
            var bytes = Self.whole
            bytes[index] = byte
            guard ReplyWords(json: bytes) != nil else { continue }
            #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(bytes)) }
        }
    }

    @Test func `the code is read beside the status`() throws {
        let words = try #require(
            ReplyWords(json: Array(#"{"code":"invalid_session","message":"x","data":{"status":404}}"#.utf8))
        )
        #expect(words.code == "invalid_session")
        #expect(words.status == nil)
    }
}
