import AsyncHTTPClient
import Domain
import NIOCore
import NIOHTTP1
import Synchronization

/// What came back for one request.
struct Reply: Sendable {
    var httpStatus: Int
    var retryAfter: String?
    /// The sender's clock, as it wrote it.
    var date: String?
    var body: [UInt8]
}

/// Gathers one reply, no more than a limit of it.
///
/// A collector is one object per call where the client's `async` interface makes several hops: the
/// caller is resumed once, when all is there.
final class ReplyCollector: HTTPClientResponseDelegate {
    typealias Response = Reply

    /// The longest body that is read, in bytes; our answers have about 200.
    static let bodyLimit = 64 * 1024

    /// The body was longer than the limit; reading stopped and the connection was closed.
    struct TooLarge: Error {}

    fileprivate struct State: Sendable {
        var wasSent = false
        var isTakenBack = false
        var isOver = false
        var reply: Reply?
        var list: ListReader?
    }

    /// Told when the request leaves.
    let departure: CallDeparture
    private let state: Mutex<State>

    /// - Parameters:
    ///   - departure: is told when the request leaves.
    ///   - list: takes the body of a success as it comes in, instead of its being kept.
    init(_ departure: CallDeparture, list: ListReader? = nil) {
        self.departure = departure
        state = Mutex(State(list: list))
    }

    /// Whether the head of the request was handed to a connection.
    ///
    /// While it was not, the engine cannot have acted.
    var wasSent: Bool { state.withLock { $0.wasSent } }

    /// Whether the call is under way and its request has not left.
    var isWaiting: Bool { state.withLock { !$0.wasSent && !$0.isOver } }

    /// Whether the request was taken back before it left.
    var isTakenBack: Bool { state.withLock { $0.isTakenBack } }

    /// Notes that the request is taken back before it left.
    func takeBack() {
        state.withLock { $0.isTakenBack = true }
    }

    /// Notes that nobody waits for the reply any more.
    func end() {
        state.withLock { $0.isOver = true }
    }

    /// What came until the call failed, if the head came.
    var partialReply: Reply? { state.withLock { $0.reply } }

    /// What the list said so far, where one was asked for.
    var list: ListReader? { state.withLock { $0.list } }

    func didSendRequestHead(task: HTTPClient.Task<Reply>, _ head: HTTPRequestHead) {
        state.withLock { $0.wasSent = true }
        departure.hasLeft()
    }

    func didReceiveHead(task: HTTPClient.Task<Reply>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        let status = Int(head.status.code)
        let failed = !(200..<300).contains(status)
        state.withLock {
            $0.reply = Reply(
                httpStatus: status,
                retryAfter: failed ? head.headers.first(name: "retry-after") : nil,
                date: failed ? head.headers.first(name: "date") : nil,
                body: []
            )
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Reply>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        do {
            try state.withLock { try $0.take(buffer) }
            return task.eventLoop.makeSucceededVoidFuture()
        } catch {
            return task.eventLoop.makeFailedFuture(error)
        }
    }

    func didFinishRequest(task: HTTPClient.Task<Reply>) throws -> Reply {
        guard let reply = partialReply else { throw HTTPClientError.remoteConnectionClosed }
        return reply
    }
}

extension ReplyCollector.State {
    /// Takes a part of the body: into the list if it is a success that lists, else into the reply.
    fileprivate mutating func take(_ buffer: ByteBuffer) throws {
        guard list == nil || reply.map({ !(200..<300).contains($0.httpStatus) }) ?? true else {
            try list?.take(buffer.readableBytesView)
            return
        }
        let room = ReplyCollector.bodyLimit - (reply?.body.count ?? 0)
        reply?.body.append(contentsOf: buffer.readableBytesView.prefix(room))
        guard buffer.readableBytes <= room else { throw ReplyCollector.TooLarge() }
    }
}
