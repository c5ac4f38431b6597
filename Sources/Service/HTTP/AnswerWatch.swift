import NIOCore
import Synchronization

/// How long a client may leave its answers untaken, and how long it is waited for at the end.
package struct AnswerLimits: Sendable {
    /// Without a byte taken, while more is ready than a connection keeps ready or it is to close; it is closed then, or a quarter
    /// later.
    package var patience: Duration
    /// From the order to stop on, whatever is under way; the connection is closed then.
    package var stopLimit: Duration

    /// - Parameters:
    ///   - patience: as long as a stream's (``FeedSubscription/patience``).
    ///   - stopLimit: as long as a sender has for a body; what comes whole is answered sooner.
    package init(patience: Duration = .seconds(60), stopLimit: Duration = .seconds(10)) {
        self.patience = patience
        self.stopLimit = stopLimit
    }
}

/// Lets a client have all of an answer that it takes, closes a connection whose client takes nothing, and one that outlasts the
/// order to stop.
///
/// A write waits until its connection has room, and the framework has no limit for that: who asks and does not read would keep
/// the connection, without a key, and a stop would wait for it. Closing makes the write fail, so that whoever waits for it goes
/// on. Who takes little, but something, is left alone until a stop. What the kernel takes for a client counts as taken; it takes
/// more once a third of what it holds is gone.
///
/// For the framework an answer in one piece is over as soon as it is written, however much of it waits for room, and a close
/// drops what waits. It closes at a stop, and once its idle time-out is over, which runs from then on. So a close waits until the
/// kernel has everything, or one of the limits is reached; nothing new is read meanwhile.
final class AnswerWatch: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = ByteBuffer

    /// How many connections were closed since they outlasted the order to stop.
    final class Cuts: Sendable {
        private let closed = Mutex(0)

        var count: Int { closed.withLock { $0 } }

        fileprivate func add() { closed.withLock { $0 += 1 } }
    }

    /// A close that waits until all is taken.
    private struct HeldClose {
        /// Of the whole connection, or of its output alone.
        var mode: CloseMode
        /// That of whoever asked for it, of several the first, whose result the others get.
        var promise: EventLoopPromise<Void>?
    }

    /// So many looks in a row at which nothing was taken since the one before are one patience.
    private static let looksPerPatience = 4

    private let interval: TimeAmount
    private let stopLimit: TimeAmount
    private let cuts: Cuts
    /// The next look; `nil` while there is room and no close waits.
    private var looking: Scheduled<Void>?
    /// `nil` until the order to stop.
    private var ending: Scheduled<Void>?
    private var held: HeldClose?

    /// `cuts`: those of the listener.
    init(_ limits: AnswerLimits, cuts: Cuts) {
        interval = TimeAmount(limits.patience / Self.looksPerPatience)
        stopLimit = TimeAmount(limits.stopLimit)
        self.cuts = cuts
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if !isToClose { context.fireChannelRead(data) }
    }

    func read(context: ChannelHandlerContext) {
        if !isToClose { context.read() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            // A close waits for the last byte, and not only for room.
            if held == nil { stopLooking() }
        } else if looking == nil {
            // The rest of the answer is still to be added: the first look counts as one at which something was taken.
            look(context, untaken: .max, idleLooks: 0)
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, ending == nil { end(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// Of the output as well: where the client has ended its half, that closes the whole, and drops what waits like any close.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        let untaken = Self.untaken(of: context.channel)
        guard mode != .input, untaken > 0 else { return context.close(mode: mode, promise: promise) }
        if held == nil {
            held = HeldClose(mode: mode, promise: promise)
            if looking == nil { look(context, untaken: untaken, idleLooks: 0) }
            closeOnceTaken(context)
        } else {
            held?.promise.setOrCascade(to: promise)
            if mode == .all { held?.mode = .all }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        stopLooking()
        ending?.cancel()
        ending = nil
    }

    /// Whether the whole connection closes as soon as all is taken.
    private var isToClose: Bool { held?.mode == .all }

    /// Looks after a while whether less is untaken than before; `idleLooks`: looks in a row at which it was not.
    private func look(_ context: ChannelHandlerContext, untaken before: Int, idleLooks: Int) {
        looking = context.eventLoop.assumeIsolated().scheduleTask(in: interval) {
            let untaken = Self.untaken(of: context.channel)
            let idle = untaken < before ? 0 : idleLooks + 1
            if idle < Self.looksPerPatience {
                self.look(context, untaken: untaken, idleLooks: idle)
            } else {
                self.finish(context, .all)
            }
        }
    }

    private func stopLooking() {
        looking?.cancel()
        looking = nil
    }

    /// Bytes that wait for room in the kernel; a channel that is closed says nothing of them.
    private static func untaken(of channel: any Channel) -> Int {
        (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    /// Lets the close go on as soon as nothing waits for room any more.
    private func closeOnceTaken(_ context: ChannelHandlerContext) {
        // Writes end in their order, so one of nothing ends when all before it have.
        let last = context.eventLoop.makePromise(of: Void.self)
        let taken = last.futureResult.assumeIsolated()
        taken.whenSuccess { self.finish(context, self.held?.mode ?? .all) }
        taken.whenFailure { _ in self.finish(context, .all) }  // It closed by itself: whoever waits is told.
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: last)
    }

    private func end(_ context: ChannelHandlerContext) {
        ending = context.eventLoop.assumeIsolated().scheduleTask(in: stopLimit) {
            guard context.channel.isActive else { return }
            self.cuts.add()
            self.finish(context, .all)
        }
    }

    /// Closes without a wait, for whoever asked for it, too.
    private func finish(_ context: ChannelHandlerContext, _ mode: CloseMode) {
        stopLooking()
        let promise = held?.promise
        held = nil
        context.close(mode: mode, promise: promise)
    }
}
