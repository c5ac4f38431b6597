/// How long somebody waits between two looks at what may last as long as an outage: hardly at first, and then up to 50 ms.
struct PollPause {
    private var pause: Duration = .milliseconds(2)

    mutating func next() -> Duration {
        defer { pause = min(pause * 2, .milliseconds(50)) }
        return pause
    }
}
