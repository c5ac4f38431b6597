import NIOCore
import NIOHTTP1

/// Closes a connection whose request's body does not come to its end, whether anybody reads it or not.
///
/// A route that reads its body has a deadline of its own (``BodyDeadlines``), which is shorter and is answered. What no route
/// reads would be taken in by the framework for as long as its sender likes to send, without a key: an idle connection is
/// closed, but each byte makes it busy again. A body that comes whole with its head costs no timer.
final class BodyEndWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let limit: TimeAmount
    private var isOpen = false
    private var closing: Scheduled<Void>?

    /// - Parameter limit: from the first byte that is not the whole until the end.
    init(limit: Duration) {
        self.limit = TimeAmount(limit)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head: isOpen = true
        case .body: break
        case .end:
            isOpen = false
            closing?.cancel()
            closing = nil
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if isOpen, closing == nil {
            let channel = context.channel
            closing = context.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
        }
        context.fireChannelReadComplete()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        closing?.cancel()
        closing = nil
    }
}
