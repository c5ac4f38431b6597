import AsyncHTTPClient
import NIOCore
import Synchronization

/// Pages that stay open during a rehearsal: each follows the stream, as a browser does, and tells when it hears of each event.
final class Viewers: Sendable {
    /// What was posted of an agent, as long as not everybody has heard of it.
    private struct Posted {
        var due: ContinuousClock.Instant
        var shift: String
        /// Viewers that heard of it.
        var heard: Set<Int> = []
    }

    private struct State {
        var posted: [String: Posted] = [:]
        var latency = LatencyHistogram()
        var open = 0
        /// Events of which a page never heard before the agent's next one.
        var missed = 0
        var hasFailed = false
        /// When a page last heard of anybody, or was opened.
        var heardAt = ContinuousClock.now
    }

    private let service: RemoteService
    private let count: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - service: with a client that has a connection for each viewer.
    ///   - count: 1 or more.
    init(_ service: RemoteService, count: Int) {
        self.service = service
        self.count = count
    }

    /// Follows while `body` runs, which begins once every page is open.
    ///
    /// `patience`: how long it may take until the last page has heard of the last event.
    /// - Returns: from an event's due time until a page has heard of it, for all pages.
    /// - Throws: ``RemoteService/Failure`` when a stream cannot be opened; what `body` throws.
    func watch<Value: Sendable>(
        patience: Duration,
        _ body: @Sendable () async throws -> Value
    ) async throws -> (Value, LatencyHistogram, missed: Int) {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count { group.addTask { try await self.follow(number) } }
            try await wait(patience) { $0.open == self.count || $0.hasFailed }
            guard state.withLock({ $0.open == count }) else {
                throw RemoteService.Failure(description: "not every stream could be opened")
            }
            let value = try await body()
            try await wait(patience) { $0.posted.values.allSatisfy { $0.heard.count == self.count } || $0.hasFailed }
            group.cancelAll()
            let (latency, missed) = state.withLock { state in
                (state.latency, state.posted.values.reduce(state.missed) { $0 + self.count - $1.heard.count })
            }
            // Cancelled streams end as they like.
            while let ended = await group.nextResult() { _ = ended }
            return (value, latency, missed)
        }
    }

    /// Says what is about to be posted; the shift is what the pages will show then.
    func expect(_ agentID: String, shift: String, due: ContinuousClock.Instant) {
        state.withLock { state in
            if let last = state.posted[agentID] { state.missed += count - last.heard.count }
            state.posted[agentID] = Posted(due: due, shift: shift)
        }
    }

    /// Waits until no page has heard of anybody for a while, so that all have heard of what was before.
    ///
    /// `patience`: how long at the most; it goes on then all the same.
    func awaitQuiet(of duration: Duration, patience: Duration) async throws {
        try await wait(patience) { $0.heardAt + duration <= .now || $0.hasFailed }
    }

    private func wait(_ patience: Duration, until isSo: (State) -> Bool) async throws {
        let clock = ContinuousClock()
        let end = clock.now + patience
        while !state.withLock({ isSo($0) }), clock.now < end { try await clock.sleep(for: .milliseconds(20)) }
    }

    private func follow(_ number: Int) async throws {
        do {
            var text = EventLines()
            var isOpen = false
            for try await part in try await service.stream("/v1/stream?snapshot=false") {
                let now = ContinuousClock.now
                for message in text.take(part) {
                    // A stream begins with a reset; from then on nothing is missed.
                    if message.name == "reset", !isOpen {
                        isOpen = true
                        state.withLock { state in
                            state.open += 1
                            state.heardAt = now
                        }
                    }
                    if message.name == "agent" { hear(message.data, number, now) }
                }
            }
        } catch {
            state.withLock { $0.hasFailed = true }
            throw error
        }
        state.withLock { $0.hasFailed = true }
    }

    private func hear(_ data: ByteBuffer, _ viewer: Int, _ now: ContinuousClock.Instant) {
        guard let agentID = data.member("\"agent_id\":\""), let shift = data.member("\"shift\":\"") else { return }
        state.withLock { state in
            state.heardAt = now
            guard let posted = state.posted[agentID], posted.shift == shift, !posted.heard.contains(viewer) else {
                return
            }
            state.posted[agentID]?.heard.insert(viewer)
            state.latency.record(now - posted.due)
        }
    }
}

/// Puts a stream of server-sent events together from what the network cuts it into.
///
/// It takes no more time than it must: what the load costs is missing from what is measured.
struct EventLines: Sendable {
    struct Message: Sendable, Hashable {
        var name: String
        var data: ByteBuffer
    }

    private var rest = ByteBuffer()

    /// - Returns: the messages that are whole by now, in order.
    mutating func take(_ part: ByteBuffer) -> [Message] {
        rest.writeImmutableBuffer(part)
        var messages: [Message] = []
        while let length = rest.place(of: "\n\n"), var text = rest.readSlice(length: length) {
            rest.moveReaderIndex(forwardBy: 2)
            var message = Message(name: "", data: ByteBuffer())
            while text.readableBytes > 0 {
                var line = text.readSlice(length: text.place(of: "\n") ?? text.readableBytes) ?? ByteBuffer()
                text.moveReaderIndex(forwardBy: min(1, text.readableBytes))
                if line.takePrefix("event: ") { message.name = String(buffer: line) }
                if line.takePrefix("data: ") { message.data = line }
            }
            messages.append(message)
        }
        rest.discardReadBytes()
        return messages
    }
}

extension ByteBuffer {
    /// How many bytes stand before a text; `nil` when it is not there.
    fileprivate func place(of text: StaticString) -> Int? {
        withUnsafeReadableBytes { bytes in
            let length = text.utf8CodeUnitCount
            guard bytes.count >= length else { return nil }
            for place in 0...(bytes.count - length) where bytes[place] == text.utf8Start[0] {
                if (1..<length).allSatisfy({ bytes[place + $0] == text.utf8Start[$0] }) { return place }
            }
            return nil
        }
    }

    /// Moves on behind a text that the bytes begin with; `false` when they do not.
    fileprivate mutating func takePrefix(_ text: StaticString) -> Bool {
        guard place(of: text) == 0 else { return false }
        moveReaderIndex(forwardBy: text.utf8CodeUnitCount)
        return true
    }

    /// A text member of a JSON object, without reading the rest.
    ///
    /// `opening`: the member's name with what stands before its text.
    fileprivate func member(_ opening: StaticString) -> String? {
        guard let place = place(of: opening) else { return nil }
        var rest = self
        rest.moveReaderIndex(forwardBy: place + opening.utf8CodeUnitCount)
        return rest.place(of: "\"").flatMap { rest.readString(length: $0) }
    }
}
