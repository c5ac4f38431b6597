import NIOCore
import NIOHTTP1

/// Closes a connection whose request's body does not come to its end, whether anybody reads it or not.
///
/// A route that reads its body has a deadline of its own (``BodyDeadlines``), which is shorter and is answered. What no route
/// reads would be taken in by the framework for as long as its sender likes to send, without a key: an idle connection is
/// closed, but each byte makes it busy again. A body that comes whole with its head costs no timer.
///
/// What the sender takes counts, and not what we take: while an answer is under way, the framework stops reading once enough
/// waits behind that answer, and a body can come no further. With no answer under way all time counts, since who sends for
/// ever, and fast, has the framework pause as well.
final class BodyEndWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart

    private let limit: TimeAmount
    private var isOpen = false
    /// Requests that came, at least their heads, and whose answers have not ended.
    private var answersDue = 0
    /// What the open body took, up to ``countedSince``.
    private var taken = TimeAmount.zero
    /// Since when time counts; `nil` while it does not.
    private var countedSince: NIODeadline?
    private var closing: Scheduled<Void>?

    /// - Parameter limit: from the first byte that is not the whole until the end.
    init(limit: Duration) {
        self.limit = TimeAmount(limit)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head:
            isOpen = true
            taken = .zero
            countedSince = nil
            answersDue += 1
        case .body: break
        case .end:
            isOpen = false
            stop()
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Whoever wants more says so at once, but for a framework that has enough.
        if answersDue > 0 { pause() } else { count(context) }
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        count(context)
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .end = unwrapOutboundIn(data) {
            answersDue = max(0, answersDue - 1)  // What could not be read as a request is answered, too.
            if answersDue == 0 { count(context) }
        }
        context.write(data, promise: promise)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stop()
    }

    private func count(_ context: ChannelHandlerContext) {
        guard isOpen, countedSince == nil else { return }
        countedSince = .now()
        if closing == nil { look(after: limit - taken, context) }
    }

    private func pause() {
        guard let since = countedSince else { return }
        taken = taken + (.now() - since)
        countedSince = nil
    }

    private func stop() {
        closing?.cancel()
        closing = nil
    }

    /// Looks whether time is up; the pauses until then make it later.
    private func look(after delay: TimeAmount, _ context: ChannelHandlerContext) {
        closing = context.eventLoop.assumeIsolated().scheduleTask(in: delay) {
            self.closing = nil
            guard self.isOpen, let since = self.countedSince else { return }
            let left = self.limit - self.taken - (.now() - since)
            if left > .zero {
                self.look(after: left, context)
            } else {
                context.channel.close(promise: nil)
            }
        }
    }
}
