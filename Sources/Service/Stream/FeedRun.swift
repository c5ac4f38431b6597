import NIOCore

/// The events after a place as they are sent to who filters nothing and is bound to no teams.
///
/// All who stand at that place write the same buffer, whose bytes are not copied: each costs a call of the system and no more.
final class FeedRun: Sendable {
    /// The place that they come after, and the place behind the last of them.
    let start: UInt64
    let end: UInt64
    let bytes: ByteBuffer

    init(_ events: ArraySlice<FeedEvent>, after start: UInt64, _ text: EventText) {
        self.start = start
        end = events.last?.sequence ?? start
        let told = events.told()
        var bytes = ByteBufferAllocator().buffer(capacity: told.reduce(0) { $0 + $1.length })
        for event in told { event.write(text, to: &bytes) }
        self.bytes = bytes
    }
}

/// What a watcher is to be told next.
enum FeedNews: Sendable {
    case run(FeedRun)
    /// Events, each of which is to be seen to, and the place behind them.
    case events(ArraySlice<FeedEvent>, end: UInt64)
}

/// What one look into the feed shows a watcher.
struct FeedLook: Sendable {
    /// How the engines do.
    var pulses: EnginePulses
    /// `nil` for who has no place, or when some of the events after it are gone.
    var news: FeedNews?
    /// The latest sequence given away.
    var last: UInt64
}
