import ClockSources
import Domain
import Testing

@testable import rollcall

@Suite("RecordedRequest")
struct RecordedRequestTests {
    private static let now = Timestamp(seconds: 1_772_438_400)

    @Test(arguments: ["\n", "\r\n"])
    func `head and body are told apart whatever ends the lines`(end: String) throws {
        let text = ["POST /v1/sources/hr/events/t%2Fk?type=clock-in&x= HTTP/1.1", "Host: a", "X-A:  b ", "", ""]
        let request = try RecordedRequest(Array(text.joined(separator: end).utf8) + Array("{\r\n}\n".utf8))
        let delivery = request.delivery(at: Self.now)
        #expect(delivery.method == "POST" && delivery.query == "type=clock-in&x=" && delivery.token == "t/k")
        #expect(delivery.headers.map(\.name) == ["Host", "X-A"] && delivery.header("x-a") == "b")
        #expect(delivery.body == Array("{\r\n}\n".utf8))
        #expect(delivery.receivedAt == Self.now)
    }

    @Test
    func `curl's marks are taken away, and what follows the announced length is no body`() throws {
        let text = "> POST /v1/sources/hr/events HTTP/2\n> Content-Length: 2\n>\n{}\n"
        let request = try RecordedRequest(Array(text.utf8))
        #expect(request.body == Array("{}".utf8) && request.headers.map(\.value) == ["2"])
        #expect(request.delivery(at: Self.now).token == nil)
        let whole = try RecordedRequest(Array("POST https://a.example/v1/sources/hr/events?b HTTP/1.1\n\n".utf8))
        #expect(whole.path == "/v1/sources/hr/events" && whole.query == "b" && whole.body.isEmpty)
    }

    @Test(
        arguments: [
            ("", "first line"), ("{\"a\":1}", "first line"), ("POST x HTTP/1.1\n\n", "first line"),
            ("POST /a HTTP/1.1\n{\"a\"}\n", "line 2"), ("POST /a HTTP/1.1\n: b\n", "line 2"),
            ("POST /a HTTP/1.1\nContent-Length: 9\n\nabc", "9 bytes, and there are 3"),
        ]
    )
    func `what is no request is said to be none, with the place`(text: String, words: String) {
        let fault = #expect(throws: RecordedRequest.Fault.self) { try RecordedRequest(Array(text.utf8)) }
        #expect(fault?.description.contains(words) ?? false)
    }
}
