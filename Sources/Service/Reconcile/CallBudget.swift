/// How many calls an engine account may get: never more than `perSecond` in any second.
///
/// Counts calls in slots of 10 ms. A call is allowed while the last 101 slots, which cover every second that ends now,
/// hold fewer than the limit. A new budget counts as
/// used up unless it is known what was used, so that a takeover cannot double the rate.
struct CallBudget: Sendable {
    /// Microseconds per slot.
    private static let slotLength: Int64 = 10_000
    private static let slotCount = 101

    private let perSecond: Int
    /// Calls a second that are left to others.
    var reserved = 0
    private var slots = [Int](repeating: 0, count: slotCount)
    private var used: Int
    private var current: Int64

    /// - Parameters:
    ///   - perSecond: 1 or more.
    ///   - spent: calls in the second until now; `nil` for as many as there may be.
    ///   - now: microseconds of the monotonic clock.
    init(perSecond: Int, spent: Int? = nil, now: Int64) {
        self.perSecond = max(1, perSecond)
        current = now / Self.slotLength
        used = max(0, spent ?? self.perSecond)
        slots[Self.index(current)] = used
    }

    /// Whether a call a second can be left to others.
    var leavesRoom: Bool { perSecond > 1 }

    private var allowed: Int { perSecond - reserved }

    /// How many calls left in the last second.
    mutating func spent(now: Int64) -> Int {
        advance(to: now / Self.slotLength)
        return used
    }

    /// Takes one call if the budget allows it.
    mutating func take(now: Int64) -> Bool {
        advance(to: now / Self.slotLength)
        guard used < allowed else { return false }
        used += 1
        slots[Self.index(current)] += 1
        return true
    }

    /// When a call may next be allowed: the instant the oldest used slot leaves the second.
    func nextAllowed(now: Int64) -> Int64 {
        guard used >= allowed else { return now }
        for age in stride(from: Int64(Self.slotCount) - 1, through: 0, by: -1)
        where slots[Self.index(current - age)] > 0 {
            return (current - age + Int64(Self.slotCount)) * Self.slotLength
        }
        return now
    }

    private mutating func advance(to slot: Int64) {
        guard slot > current else { return }
        if slot - current >= Int64(Self.slotCount) {
            slots = [Int](repeating: 0, count: Self.slotCount)
            used = 0
        } else {
            for passed in (current + 1)...slot {
                used -= slots[Self.index(passed)]
                slots[Self.index(passed)] = 0
            }
        }
        current = slot
    }

    private static func index(_ slot: Int64) -> Int {
        Int(((slot % Int64(slotCount)) + Int64(slotCount)) % Int64(slotCount))
    }
}
