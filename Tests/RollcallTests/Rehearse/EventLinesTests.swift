import NIOCore
import Testing

@testable import rollcall

@Suite("Server-sent events of a rehearsal")
struct EventLinesTests {
    private let stream =
        "id: a-1\nevent: reset\ndata: {}\n\n: alive\n\nid: a-2\nevent: agent\ndata: {\"agent_id\":\"x\"}\n\n"

    @Test(arguments: [1, 2, 3, 7, 1000])
    func `messages are the same however the network cuts them`(size: Int) {
        var lines = EventLines()
        var messages: [EventLines.Message] = []
        var rest = ByteBuffer(string: stream)
        while rest.readableBytes > 0, let part = rest.readSlice(length: min(size, rest.readableBytes)) {
            messages += lines.take(part)
        }
        #expect(messages.map(\.name) == ["reset", "", "agent"])
        #expect(messages.last?.data == ByteBuffer(string: "{\"agent_id\":\"x\"}"))
    }

    @Test
    func `half a message waits for its other half`() {
        var lines = EventLines()
        #expect(lines.take(ByteBuffer(string: "event: agent\ndata: {")).isEmpty)
        #expect(lines.take(ByteBuffer(string: "}\n")).isEmpty)
        #expect(lines.take(ByteBuffer(string: "\n")).map(\.data) == [ByteBuffer(string: "{}")])
    }
}
