import Domain
import LibPQ
import NIOCore
import Synchronization

/// How many agents stand how: by team, shift, what is desired, and condition.
struct Summary: Sendable, Equatable {
    /// How many agents of one team stand alike.
    struct Group: Sendable, Equatable {
        var team: String
        var shift: Shift
        var desired: RunState
        var condition: Condition
        var count: Int

        /// At work, on shift or on break.
        var isHere: Bool { shift != .out }
        /// At work, and the session runs, as it should: a break or a hold may have it stopped.
        var isAble: Bool { isHere && desired == .running && (condition == .converged || condition == .held) }
        var needsSomebody: Bool { Domain.needsSomebody(shift: shift, desired: desired, condition: condition) }
    }

    var groups: [Group]
    var asOf: Timestamp

    /// The part that a caller sees.
    func visible(to caller: Caller) -> Summary {
        Summary(groups: groups.filter { caller.sees(team: $0.team) }, asOf: asOf)
    }

    /// How many agents stand so.
    func count(_ fits: (Group) -> Bool) -> Int {
        groups.reduce(0) { fits($1) ? $0 + $1.count : $0 }
    }

    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("as_of", asOf, into: &buffer)
        Self.counts(groups, &object, &buffer)
        object.name("teams", into: &buffer)
        let teams = Dictionary(grouping: groups, by: \.team).sorted { $0.key < $1.key }
        buffer.writeJSONArray(teams) { team, buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("team", team.key, into: &buffer)
            Self.counts(team.value, &object, &buffer)
            object.end(&buffer)
        }
        object.end(&buffer)
    }

    private static func counts(_ groups: [Group], _ object: inout JSONObjectWriter, _ buffer: inout ByteBuffer) {
        object.member("agents", groups.reduce(0) { $0 + $1.count }, into: &buffer)
        let summary = Summary(groups: groups, asOf: Timestamp(microseconds: 0))
        object.member("here", summary.count(\.isHere), into: &buffer)
        object.member("able", summary.count(\.isAble), into: &buffer)
        object.member("needs_somebody", summary.count(\.needsSomebody), into: &buffer)
        object.name("shift", into: &buffer)
        buffer.writeCounts(Shift.allCases) { shift in
            groups.reduce(0) { $0 + ($1.shift == shift ? $1.count : 0) }
        }
        object.name("condition", into: &buffer)
        buffer.writeCounts(Condition.allCases) { condition in
            groups.reduce(0) { $0 + ($1.condition == condition ? $1.count : 0) }
        }
    }
}

extension ByteBuffer {
    /// Writes an object with a count for each word.
    fileprivate mutating func writeCounts<Word: RawRepresentable<String>>(_ words: [Word], _ count: (Word) -> Int) {
        var separator: StaticString = "{"
        for word in words {
            writeStaticString(separator)
            writeJSON(word.rawValue)
            writeStaticString(":")
            writeString(String(count(word)))
            separator = ","
        }
        writeStaticString("}")
    }
}

/// Counts agents.
///
/// Reads every agent, so all requests of a replica share one count for a while.
final class SummaryReads: Sendable {
    private struct State {
        var summary: Summary?
        var staleAt = ContinuousClock.now
    }

    private let pool: PQPool
    private let freshness: FreshnessBook
    private let clock: DatabaseClock
    private let state = Mutex(State())

    /// A count is used for half a second, and for ten times as long as it took.
    private static let lifetime = Duration.milliseconds(500)

    init(pool: PQPool, freshness: FreshnessBook, clock: DatabaseClock) {
        self.pool = pool
        self.freshness = freshness
        self.clock = clock
    }

    /// The counts of all teams.
    func summary() async throws(PQError) -> Summary {
        let known = state.withLock { state -> Summary? in
            guard let summary = state.summary else { return nil }
            guard state.staleAt <= .now else { return summary }
            // This request counts anew; the others go on with what there is.
            state.staleAt = .now + .seconds(10)
            return nil
        }
        if let known { return known }
        let begun = ContinuousClock.now
        let summary: Summary
        do throws(PQError) {
            summary = try await count()
        } catch {
            // The next request tries, rather than have what is old for longer.
            state.withLock { $0.staleAt = .now + Self.lifetime }
            throw error
        }
        state.withLock { state in
            state.summary = summary
            state.staleAt = .now + max(Self.lifetime, (.now - begun) * 10)
        }
        return summary
    }

    private func count() async throws(PQError) -> Summary {
        let table = try await freshness.table()
        let now = clock.now()
        let onShift = table.staleBefore(.running, now: now)
        let offShift = table.staleBefore(.stopped, now: now)
        let groups = try await pool.rows(
            """
            SELECT d.team, d.shift, d.desired,
                CASE
                    WHEN d.instance IS NULL THEN 'unassigned'
                    WHEN d.reason = 'account_refused' THEN d.condition
                    WHEN d.read_at >= (CASE d.desired WHEN 1 THEN \(onShift) ELSE \(offShift) END)[d.account] THEN d.condition
                    ELSE 'unknown'
                END AS condition,
                count(*) AS count
            FROM agent_details d
            GROUP BY 1, 2, 3, 4
            """
        ) { row throws(PQError) in
            Summary.Group(
                team: try row.column("team", as: String.self),
                shift: Shift(code: try row.column("shift", as: Int16.self)) ?? .out,
                desired: RunState(code: try row.column("desired", as: Int16.self)) ?? .stopped,
                condition: Condition(rawValue: try row.column("condition", as: String.self)) ?? .unknown,
                count: Int(try row.column("count", as: Int64.self))
            )
        }
        return Summary(groups: groups, asOf: now)
    }
}
