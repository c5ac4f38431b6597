import Domain

/// What a batch adds to the ledger about one agent: a punch without a record, or all that it says of one record.
///
/// In the order of what happened.
struct BatchNews: Comparable {
    let agent: Int64
    /// At least one.
    private(set) var punches: [LedgerPunch]
    /// When the first of it happened.
    private var begin: PunchOrder
    /// Where it stands in the batch, for what happened at the same time.
    private let place: Int

    init(agent: Int64, first: LedgerPunch, place: Int) {
        self.agent = agent
        self.place = place
        punches = [first]
        begin = first.order
    }

    mutating func add(_ punch: LedgerPunch) {
        punches.append(punch)
        begin = min(begin, punch.order)
    }

    /// Whether it may be the end of something that was left out for the want of one.
    var mayClose: Bool { punches.contains { $0.record != nil || $0.kind == .clockOut || $0.kind == .void } }

    static func < (left: BatchNews, right: BatchNews) -> Bool {
        (left.begin, left.place) < (right.begin, right.place)
    }
}
