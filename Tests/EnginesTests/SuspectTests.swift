import Domain
import Testing

@testable import Engines

/// What says WORKING and names no account.
@Suite("Suspect sessions")
struct SuspectTests {
    @Test(arguments: [
        (#"{"name":"a","status":"WORKING","me":null}"#, SessionStatus.suspect),
        (#"{"me":null,"name":"a","status":"working"}"#, .suspect),
        (#"{"name":"a","status":"WORKING","me":{"id":"1@c.us"}}"#, .working),
        (#"{"name":"a","status":"WORKING"}"#, .working),
        (#"{"name":"a","status":"STOPPED","me":null}"#, .stopped),
        (#"{"name":"a","status":"WORKING?"}"#, .unknown("WORKING?")),
        (#"{"name":"a","status":"WORKING","config":{"me":null}}"#, .working),
    ])
    func `only an account that is said to be none makes it suspect`(body: String, status: SessionStatus) throws {
        #expect(try #require(ReplyWords(json: Array(body.utf8))).sessionStatus == status)
        var reader = ListReader(redaction: Redaction(token: "t-0123456789"))
        try reader.take(Array("[\(body)]".utf8))
        #expect(reader.statuses["a"] == status)
    }
}
