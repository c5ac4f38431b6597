import Domain

/// One partition of `deliveries`, or what will be one.
struct DeliveryPartition: Sendable, Hashable {
    enum Kind: String, Sendable {
        /// Holds what was received between its bounds.
        case month
        /// Holds what no other does.
        case rest
        /// Was the rest, and is no part of the table until it is attached again.
        case apart
    }

    var kind: Kind
    var name: String
    /// `nil` without a lower bound.
    var lowerAt: Timestamp?
    /// The first instant that is no longer in it; `nil` for the rest.
    var upperAt: Timestamp?
}

/// What is known of the partitions at one moment, by the database's clock.
struct DeliveryPartitions: Sendable, Hashable {
    var now: Timestamp
    /// The beginnings of this month and of the next ones that are made ahead, in UTC.
    var months: [Timestamp]
    var partitions: [DeliveryPartition]
    var restIsEmpty: Bool
}

/// One thing to do about the partitions, each a transaction of its own.
enum RetentionStep: Sendable, Hashable {
    case attach(String)
    case setRestApart
    case make(Timestamp)
    case drop(String)
}

/// Decides what is due; pure.
enum RetentionPlan {
    /// A body stays this long at least, whatever the setting says; the database holds us to it as well.
    static let shortestKeep: Duration = .seconds(86_400)

    /// What is due, in order; what comes first may make more due.
    ///
    /// Deleting single old bodies is no step: it follows whatever is due.
    ///
    /// What lies in the rest when there is no partition for today becomes a partition as a whole, so that nothing has to be
    /// moved; today's partition is made with it. Without anything there the months are made as they are.
    static func due(_ state: DeliveryPartitions, keep: Duration) -> [RetentionStep] {
        let months = state.partitions.filter { $0.kind == .month }
        var steps = state.partitions.filter { $0.kind == .apart }.map { RetentionStep.attach($0.name) }
        let isOpen = { (instant: Timestamp) in !months.contains { $0.holds(instant) } }
        if steps.isEmpty, isOpen(state.now) {
            steps.append(state.restIsEmpty ? .make(state.months[0]) : .setRestApart)
        }
        steps += state.months.dropFirst().filter(isOpen).map(RetentionStep.make)
        let oldest = state.now - max(keep, shortestKeep)
        steps += months.filter { $0.upperAt.map { $0 <= oldest } ?? false }.map { .drop($0.name) }
        return steps
    }
}

extension DeliveryPartition {
    fileprivate func holds(_ instant: Timestamp) -> Bool {
        guard let upperAt else { return false }
        return instant < upperAt && lowerAt.map { $0 <= instant } ?? true
    }
}
