import DequeModule
import Domain

/// The calls that wait for one engine account, in the order in which they may leave.
///
/// What a person waits for at the screen first, then people's commands, then the looks that people wait for, then commands that
/// repair drift, then all other looks, then the looks of a sweep that somebody ordered, then by turns looks at who has not scanned a
/// code yet and the sweep of the background. While people's commands come in a burst, the other looks stay back: they prove what the
/// commands did, and that can wait a moment where the next command cannot.
///
/// By turns, since hundreds of sessions may wait for their scan at once, each to be looked at every few seconds: the sweep, which
/// finds drift, has at least half of what is left. So have those who clock in beside any number of screens with a code: no two
/// pairing reads follow each other while anything else may leave.
struct CallLine {
    fileprivate enum Rank: Int, CaseIterable {
        case pairing, people, wanted, repair, look, ordered, scan, sweep

        /// Whether it is put off while people's commands come in a burst.
        var staysBack: Bool { rawValue >= Rank.look.rawValue }
    }

    private struct Entry {
        var job: CallJob
        /// Monotonic microseconds.
        var since: Int64
        /// Names it among the looks; 0 for all else.
        var ticket: UInt64 = 0
    }

    /// Where a look waits.
    private struct Place {
        var rank: Rank
        var ticket: UInt64
        var look: LookJob
    }

    /// The longest that looks stay back, in microseconds.
    private static let longestHold: Int64 = 5_000_000

    private var waiting: [Deque<Entry>] = Array(repeating: [], count: Rank.allCases.count)
    /// Each instance's look, so that none has to be searched for.
    private var places: [Int64: Place] = [:]
    private var lastTicket: UInt64 = 0
    /// Tickets of each rank that went to another one; their entries are passed over, and none of them stands first.
    private var moved: [Set<UInt64>] = Array(repeating: [], count: Rank.allCases.count)
    private var burst = CommandBurst()
    /// Whose turn it was last of those that take turns.
    private var wasPairing = false
    private var wasScan = false

    mutating func append(_ job: CallJob, priority: JobPriority, now: Int64) {
        let rank = Self.rank(of: job, priority)
        if case .look(let look) = job {
            append(look, rank, now: now)
        } else {
            waiting[rank.rawValue].append(Entry(job: job, since: now))
        }
    }

    private mutating func append(_ look: LookJob, _ rank: Rank, now: Int64) {
        lastTicket += 1
        places[look.instance] = Place(rank: rank, ticket: lastTicket, look: look)
        waiting[rank.rawValue].append(Entry(job: .look(look), since: now, ticket: lastTicket))
    }

    /// How many looks wait that no sweep in the background asked for.
    var lookCount: Int { count(.wanted) + count(.look) + count(.ordered) }

    /// How many calls wait, by rank.
    var counts: LineCounts {
        LineCounts(
            people: count(.people),
            repair: count(.repair),
            look: count(.wanted) + count(.look),
            sweep: count(.ordered) + count(.scan) + count(.sweep)
        )
    }

    private func count(_ rank: Rank) -> Int { waiting[rank.rawValue].count - moved[rank.rawValue].count }

    /// What may leave.
    enum Next {
        case nothing
        /// Take it with ``take(_:now:)``.
        case job(Int)
        /// Nothing before that instant.
        case later(Int64)
    }

    mutating func next(now: Int64) -> Next {
        guard let first = first(from: .pairing) else { return .nothing }
        if first == .pairing, wasPairing, let other = self.first(from: .people), case .job = leave(other, now: now) {
            return .job(other.rawValue)
        }
        return leave(first, now: now)
    }

    /// The first rank of which something waits, whose turn it is.
    private func first(from start: Rank) -> Rank? {
        let first = Rank.allCases.first { $0.rawValue >= start.rawValue && count($0) > 0 }
        return first == .scan && wasScan && count(.sweep) > 0 ? .sweep : first
    }

    private mutating func leave(_ rank: Rank, now: Int64) -> Next {
        guard rank.staysBack, let since = waiting[rank.rawValue].first?.since else { return .job(rank.rawValue) }
        let heldUntil = min(burst.end(now: now), since + Self.longestHold)
        return heldUntil <= now ? .job(rank.rawValue) : .later(heldUntil)
    }

    /// Moves an instance's look from a place further back to where one that is wanted now waits, for what it is wanted.
    ///
    /// Returns whether there was one.
    mutating func promote(_ instance: Int64, _ purpose: LookPurpose, now: Int64) -> Bool {
        let rank: Rank = purpose == .person ? .wanted : .look
        guard let place = places[instance], place.rank.rawValue > rank.rawValue else { return false }
        moved[place.rank.rawValue].insert(place.ticket)
        dropMoved(place.rank.rawValue)
        var look = place.look
        look.priority = .repair
        // What the sweep's page said may be overtaken, so what this look says is thought over.
        look.expected = nil
        look.purpose = purpose
        append(look, rank, now: now)
        return true
    }

    private mutating func dropMoved(_ rank: Int) {
        while let first = waiting[rank].first, moved[rank].remove(first.ticket) != nil { waiting[rank].removeFirst() }
    }

    /// Takes commands out that wait, in the order in which they would have left; goes over all that wait once.
    mutating func withdraw(_ commands: Set<CommandKey>) -> [CallJob] {
        var withdrawn: [CallJob] = []
        for rank in [Rank.people, .repair] {
            waiting[rank.rawValue].removeAll { entry in
                guard case .command(let command, _, _) = entry.job, commands.contains(command.key) else { return false }
                withdrawn.append(entry.job)
                return true
            }
        }
        return withdrawn
    }

    /// Takes what ``next(now:)`` named.
    mutating func take(_ rank: Int, now: Int64) -> CallJob? {
        if rank == Rank.people.rawValue { burst.note(now: now) }
        wasPairing = rank == Rank.pairing.rawValue
        if rank == Rank.scan.rawValue || rank == Rank.sweep.rawValue { wasScan = rank == Rank.scan.rawValue }
        guard let entry = waiting[rank].popFirst() else { return nil }
        dropMoved(rank)
        if case .look(let look) = entry.job, places[look.instance]?.ticket == entry.ticket {
            places[look.instance] = nil
        }
        return entry.job
    }

    mutating func removeAll() -> [CallJob] {
        defer {
            waiting = waiting.map { _ in [] }
            moved = moved.map { _ in [] }
            places = [:]
        }
        return zip(waiting, moved).flatMap { entries, moved in
            entries.lazy.filter { !moved.contains($0.ticket) }.map(\.job)
        }
    }

    private static func rank(of job: CallJob, _ priority: JobPriority) -> Rank {
        switch (job, priority) {
        case (.pairing, _): .pairing
        case (.command, .people): .people
        case (.command, .repair), (.command, .sweep): .repair
        case (.look(let look), .people), (.look(let look), .repair): look.run == nil ? look.rank : .ordered
        case (.list, .people), (.list, .repair): .look
        case (.look, .sweep), (.list, .sweep): .sweep
        }
    }
}

extension LookJob {
    /// Where it waits, if no sweep asked for it.
    fileprivate var rank: CallLine.Rank {
        switch purpose {
        case .person: .wanted
        case .usual: .look
        case .scan: .scan
        }
    }
}

/// Notices when people's commands come in a burst: counts them in slots of 100 ms.
private struct CommandBurst {
    private static let slotLength: Int64 = 100_000
    /// Commands in two slots that make a burst: 200 a second, a shift change of a large team.
    private static let limit = 40

    private var slot: Int64 = 0
    private var count = 0
    private var previous = 0

    mutating func note(now: Int64) {
        advance(to: now / Self.slotLength)
        count += 1
    }

    /// When the burst ends if no further command comes; not after `now` when there is none.
    mutating func end(now: Int64) -> Int64 {
        advance(to: now / Self.slotLength)
        guard count + previous >= Self.limit else { return now }
        let slots: Int64 = count >= Self.limit ? 2 : 1
        return (slot + slots) * Self.slotLength
    }

    private mutating func advance(to next: Int64) {
        guard next > slot else { return }
        previous = next == slot + 1 ? count : 0
        count = 0
        slot = next
    }
}
