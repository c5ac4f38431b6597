/// Callers waiting for a connection, first come first served, each with a deadline.
///
/// Removing one from the middle leaves a gap that is skipped later, so every operation is cheap on average.
struct WaiterQueue {
    private var deadlines: [UInt64: Tick] = [:]
    private var order: [UInt64] = []
    private var head = 0
    /// No waiter's deadline is earlier; `nil` without waiters.
    private(set) var earliestDeadline: Tick?

    var count: Int { deadlines.count }
    var isEmpty: Bool { deadlines.isEmpty }

    mutating func append(_ waiter: UInt64, deadline: Tick, atFront: Bool) {
        deadlines[waiter] = deadline
        earliestDeadline = min(earliestDeadline ?? deadline, deadline)
        if !atFront {
            order.append(waiter)
        } else if head > 0 {
            head -= 1
            order[head] = waiter
        } else {
            order.insert(waiter, at: 0)
        }
    }

    mutating func popFirst() -> UInt64? {
        while head < order.count {
            let waiter = order[head]
            head += 1
            if deadlines.removeValue(forKey: waiter) != nil {
                compact()
                return waiter
            }
        }
        compact()
        return nil
    }

    mutating func remove(_ waiter: UInt64) -> Bool {
        guard deadlines.removeValue(forKey: waiter) != nil else { return false }
        compact()
        return true
    }

    /// Removes whose deadline has come, in the order they came.
    mutating func expire(_ now: Tick) -> [UInt64] {
        guard let earliestDeadline, earliestDeadline <= now else { return [] }
        let expired = order[head...].filter { waiter in deadlines[waiter].map { $0 <= now } ?? false }
        for waiter in expired { deadlines[waiter] = nil }
        self.earliestDeadline = deadlines.values.min()
        compact()
        return expired
    }

    mutating func removeAll() -> [UInt64] {
        let all = order[head...].filter { deadlines[$0] != nil }
        self = WaiterQueue()
        return all
    }

    /// Drops what was taken or removed, once it is more than what is left.
    private mutating func compact() {
        if deadlines.isEmpty {
            order.removeAll(keepingCapacity: true)
            head = 0
            earliestDeadline = nil
        } else if order.count > 64, order.count > 2 * deadlines.count {
            order = order[head...].filter { deadlines[$0] != nil }
            head = 0
        }
    }
}

/// A small seeded generator (Steele, Lea and Flood 2014): the same seed gives the same numbers.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
