/// How many calls an engine account may get: never more than `perSecond` in any second, as the engine sees it.
///
/// When a call arrives there is not known here; it is somewhere between its departure and its answer. So a call counts from when it was
/// let go until a second after its answer: whichever second the engine looks at, all calls that arrive in it count at its end. Before
/// it leaves it may wait for a connection, for as long as it takes to open one. One that left and is not answered within
/// ``longestWay`` counts as arrived by then, since what takes longer is the engine's work and not the way.
///
/// Counts calls in slots of 10 ms. A call is allowed while those under way and the last 101 slots, which cover every second that ends
/// now, hold fewer than the limit. A new budget counts as used up unless it is known what was used, so that a takeover cannot
/// double the rate.
struct CallBudget: Sendable {
    /// How long a call counts as on its way, in microseconds; an answer ends that sooner.
    static let longestWay: Int64 = 250_000
    /// Microseconds per slot.
    private static let slotLength: Int64 = 10_000
    private static let slotCount = 101
    private static let waySlots = Int(longestWay / slotLength)
    /// How long a call may count after it left, in microseconds.
    static let longestCount = Int64(slotCount + waySlots) * slotLength

    private let perSecond: Int
    /// Calls a second that are left to others.
    var reserved = 0
    /// Calls that have arrived, by the slot in which that was known.
    private var slots = [Int](repeating: 0, count: slotCount)
    /// Calls on their way, by the slot in which they left.
    private var underWay = [Int](repeating: 0, count: waySlots)
    /// Calls that were let go and have not left.
    private var waiting = 0
    /// All of these.
    private var used: Int
    private var current: Int64

    /// - Parameters:
    ///   - perSecond: 1 or more.
    ///   - spent: calls that another replica made in the second until now; `nil` for as many as there may be.
    ///   - now: microseconds of the monotonic clock.
    init(perSecond: Int, spent: Int? = nil, now: Int64) {
        self.perSecond = max(1, perSecond)
        current = now / Self.slotLength
        used = max(0, spent ?? self.perSecond)
        // The last of what is known to have left may still be on its way.
        if spent == nil { slots[Self.index(current)] = used } else { underWay[Self.way(current)] = used }
    }

    /// Whether a call a second can be left to others.
    var leavesRoom: Bool { perSecond > 1 }

    private var allowed: Int { perSecond - reserved }

    /// How many calls count now: those of the last second, and those under way.
    mutating func spent(now: Int64) -> Int {
        advance(to: now / Self.slotLength)
        return used
    }

    /// Takes one call if the budget allows it; ``left(now:)`` says when it leaves, and ``ended(leftAt:now:)`` when it is over.
    mutating func take(now: Int64) -> Bool {
        advance(to: now / Self.slotLength)
        guard used < allowed else { return false }
        used += 1
        waiting += 1
        return true
    }

    /// Takes in that a call that was taken leaves now.
    mutating func left(now: Int64) {
        advance(to: now / Self.slotLength)
        guard waiting > 0 else { return }
        waiting -= 1
        underWay[Self.way(current)] += 1
    }

    /// Goes on with the calls of an earlier budget that have not left.
    mutating func adopt(waitingOf earlier: CallBudget) {
        waiting += earlier.waiting
        used += earlier.waiting
    }

    /// Counts a call that left at `leftAt`, in microseconds of the monotonic clock, whatever the budget allows.
    mutating func count(leftAt: Int64) {
        advance(to: leftAt / Self.slotLength)
        used += 1
        underWay[Self.way(current)] += 1
    }

    /// Takes in that a call is over which left at `leftAt`, both in microseconds of the monotonic clock.
    ///
    /// - Parameters:
    ///   - leftAt: `nil` where nobody said that it left; it may have, a moment ago.
    ///   - wasAnswered: else it may still be on its way.
    ///   - now: no earlier than any instant before.
    mutating func ended(leftAt: Int64?, wasAnswered: Bool, now: Int64) {
        guard let leftAt else { return left(now: now) }
        advance(to: now / Self.slotLength)
        guard wasAnswered else { return }
        let left = leftAt / Self.slotLength
        guard left <= current, current - left < Int64(Self.waySlots), underWay[Self.way(left)] > 0 else { return }
        underWay[Self.way(left)] -= 1
        slots[Self.index(current)] += 1
    }

    /// When a call may next be allowed, if no answer comes before: the instant the oldest call leaves the second.
    func nextAllowed(now: Int64) -> Int64 {
        guard used >= allowed else { return now }
        for age in stride(from: Int64(Self.slotCount) - 1, through: 0, by: -1)
        where slots[Self.index(current - age)] > 0 {
            return (current - age + Int64(Self.slotCount)) * Self.slotLength
        }
        // All are under way; none leaves the second sooner than one that is answered now.
        return (current + Int64(Self.slotCount)) * Self.slotLength
    }

    private mutating func advance(to slot: Int64) {
        guard slot > current else { return }
        if slot - current >= Int64(Self.slotCount + Self.waySlots) {
            slots = [Int](repeating: 0, count: Self.slotCount)
            underWay = [Int](repeating: 0, count: Self.waySlots)
            used = waiting
        } else {
            for passed in (current + 1)...slot {
                used -= slots[Self.index(passed)]
                slots[Self.index(passed)] = underWay[Self.way(passed)]
                underWay[Self.way(passed)] = 0
            }
        }
        current = slot
    }

    private static func index(_ slot: Int64) -> Int { place(slot, of: slotCount) }

    /// A call that left so many slots ago as there are is on its way no more.
    private static func way(_ slot: Int64) -> Int { place(slot, of: waySlots) }

    private static func place(_ slot: Int64, of count: Int) -> Int {
        Int(((slot % Int64(count)) + Int64(count)) % Int64(count))
    }
}
