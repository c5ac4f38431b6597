import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// HTTP/1.1 connections whose requests are handled on their own event loop, and whose bodies and answers end in time.
struct LoopBoundChannel: HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    private let inner: HTTP1Channel
    private let bodyLimit: Duration
    private let answerLimits: AnswerLimits
    private let cuts: AnswerWatch.Cuts

    /// `bodyLimit`: how long any body may take, read or not.
    ///
    /// `cuts`: counts who outlasts the order to stop.
    init(_ inner: HTTP1Channel, bodyLimit: Duration, answerLimits: AnswerLimits, cuts: AnswerWatch.Cuts) {
        self.inner = inner
        self.bodyLimit = bodyLimit
        self.answerLimits = answerLimits
        self.cuts = cuts
    }

    var responder: Responder { inner.responder }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        inner.setup(channel: channel, logger: logger).flatMapThrowing { value in
            // The framework's own place for handlers is behind its types, which are no dependency of this target.
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(BodyEndWatch(limit: bodyLimit), position: .after(decoder))
            try pipeline.addHandler(AnswerWatch(answerLimits, cuts: cuts), position: .first)
            return value
        }
    }

    func handle(value: Value, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopTaskExecutor(value.channel.eventLoop)) {
            await inner.handle(value: value, logger: logger)
        }
    }
}
