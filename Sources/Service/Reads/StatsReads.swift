import Domain
import LibPQ
import Synchronization

/// Works out ``Stats`` from what is recorded anyway: the ledger, the commands, the changes of sessions.
final class StatsReads: Sendable {
    /// What figures are asked for.
    struct Question: Sendable, Hashable {
        /// The teams whose agents count; `nil` for all.
        var teams: [String]?
        /// At most ``spanLimit``.
        var from, to: Timestamp
        /// From where on hours are counted: those of a zone may begin at any minute of UTC's.
        var hoursFrom = Timestamp(seconds: 0)
    }

    /// How long a span may be.
    static let spanLimit: Duration = .seconds(31 * 86_400)
    /// The spans of questions are widened to so many seconds, and an answer is given again until it is older.
    ///
    /// Who asks while it is being read waits for that, so many who look at one page cost no more than one.
    private static let grain: Int64 = 15
    private static let answerLimit = 32
    /// A start that began sooner after its clock event than this is taken for its consequence, and a session that runs sooner
    /// after its start for the start's.
    static let reach: Duration = .seconds(900)
    private static let timeout: Duration = .seconds(20)

    private let pool: PQPool
    private let freshness: FreshnessBook
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    /// `now`: the clock that answers grow old by.
    init(
        pool: PQPool,
        freshness: FreshnessBook,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.pool = pool
        self.freshness = freshness
        self.now = now
    }

    /// Answers a question, perhaps as a moment ago.
    func stats(_ question: Question) async throws(PQError) -> Stats {
        var question = question
        question.from = Self.rounded(question.from)
        question.to = Self.rounded(question.to)
        while true {
            let askedAt = now()
            switch state.withLock({ $0.turn(question, at: askedAt) }) {
            case .known(let stats): return stats
            case .read: return try await readForAll(question, askedAt)
            case .wait:
                // Without an outcome whoever read gave up, and this one may have to.
                if let outcome = await outcome(of: question) { return try outcome.get() }
            }
        }
    }

    /// How many wait for what another reads, for tests.
    var waiting: Int { state.withLock { $0.underWay.values.reduce(0) { $0 + $1.count } } }

    /// Reads, and gives whoever asked the same meanwhile the answer or the error.
    private func readForAll(
        _ question: Question,
        _ askedAt: ContinuousClock.Instant
    ) async throws(PQError) -> Stats {
        let outcome: Result<Stats, PQError>
        do throws(PQError) {
            outcome = .success(try await read(question))
        } catch {
            outcome = .failure(error)
        }
        // Who hung up while reading says nothing of the database.
        let isCalledOff = Task.isCancelled && (try? outcome.get()) == nil
        for waiter in state.withLock({ $0.end(question, outcome, askedAt) }) {
            waiter.resume(returning: isCalledOff ? nil : outcome)
        }
        return try outcome.get()
    }

    /// What comes of the read under way; `nil` where there is none any more, or it was called off.
    private func outcome(of question: Question) async -> Result<Stats, PQError>? {
        await withCheckedContinuation { waiter in
            let isUnderWay = state.withLock { state in
                guard state.underWay[question] != nil else { return false }
                state.underWay[question]?.append(waiter)
                return true
            }
            if !isUnderWay { waiter.resume(returning: nil) }
        }
    }

    private struct State {
        /// What each question was answered, and when that was asked for.
        var answers: [Question: (stats: Stats, askedAt: ContinuousClock.Instant)] = [:]
        /// Who waits for each question that is being read.
        var underWay: [Question: [CheckedContinuation<Result<Stats, PQError>?, Never>]] = [:]

        enum Turn {
            case known(Stats)
            case read
            case wait
        }

        /// What whoever asks has to do.
        mutating func turn(_ question: Question, at now: ContinuousClock.Instant) -> Turn {
            if let known = answers[question], now - known.askedAt <= .seconds(StatsReads.grain) {
                return .known(known.stats)
            }
            if underWay[question] != nil { return .wait }
            underWay[question] = []
            return .read
        }

        /// Keeps an answer; gives who waits for it.
        mutating func end(
            _ question: Question,
            _ outcome: Result<Stats, PQError>,
            _ askedAt: ContinuousClock.Instant
        ) -> [CheckedContinuation<Result<Stats, PQError>?, Never>] {
            if case .success(let stats) = outcome {
                if answers.count >= StatsReads.answerLimit,
                    let oldest = answers.min(by: { $0.value.askedAt < $1.value.askedAt })
                {
                    answers[oldest.key] = nil
                }
                answers[question] = (stats, askedAt)
            }
            return underWay.removeValue(forKey: question) ?? []
        }
    }

    private static func rounded(_ instant: Timestamp) -> Timestamp {
        Timestamp(seconds: instant.microseconds / 1_000_000 / grain * grain)
    }

    private func read(_ question: Question) async throws(PQError) -> Stats {
        let lifetimes = try await freshness.table().longestLifetimes
        let results = try await pool.pipeline(
            [
                "SELECT now() AS counted_at", Self.ways(question), Self.drift(question, lifetimes),
                Self.rest(question, lifetimes),
            ],
            timeout: Self.timeout
        )
        var stats = Stats(from: question.from, to: question.to, stages: [:], hours: [])
        for row in results[0] { stats.countedAt = try row.column("counted_at", as: Timestamp.self) }
        for row in results[1] {
            if let at = try row.column("hour", as: Timestamp?.self) {
                stats.hours.append(Stats.Hour(at: at, total: try Self.spread(.total, row)))
            } else {
                for stage in Stats.Stage.allCases { stats.stages[stage] = try Self.spread(stage, row) }
            }
        }
        for row in results[2] {
            let found = try row.column("found", as: Int64.self)
            stats.driftFoundLate += try row.column("late", as: Int64.self)
            guard found > 0 else { continue }
            let at = try row.column("hour", as: Timestamp.self)
            stats.drifts.append(
                Stats.Drift(at: at, found: found, repaired: try row.column("repaired", as: Int64.self))
            )
        }
        var steps: (stopped: [HourStep], unread: [HourStep]) = ([], [])
        for row in results[3] {
            let step = HourStep(
                hour: try row.column("hour", as: Int64.self),
                change: try row.column("change", as: Int64.self),
                seconds: try row.column("seconds", as: Double.self)
            )
            if try row.column("is_unread", as: Bool.self) {
                steps.unread.append(step)
            } else {
                steps.stopped.append(step)
            }
        }
        stats.hibernation = HourStep.hours(steps.stopped, from: question.hoursFrom, to: question.to)
        stats.unread = HourStep.hours(steps.unread, from: question.hoursFrom, to: question.to)
        return stats
    }

    private static func spread(_ stage: Stats.Stage, _ row: PQRow) throws(PQError) -> Stats.Spread {
        Stats.Spread(
            count: try row.column("\(stage.rawValue)_count", as: Int64.self),
            median: try row.column("\(stage.rawValue)_p50", as: Double?.self),
            p95: try row.column("\(stage.rawValue)_p95", as: Double?.self)
        )
    }

    /// The way of each clock event that a start followed: one row for the whole span, whose hour is null, and one for each hour.
    ///
    /// However often the start was tried again, it is one way: decided on with the first, and called with the first that the
    /// session ran after, or that was sent. It belongs where the first was meant, so others are looked for around the span. A
    /// command's number is when it was meant, in microseconds; the same one comes twice where an agent had a session twice.
    /// Indexes: `agents_of_team`, `session_owners_of_agent`, `commands_pkey`, `clock_events_of_agent`, `session_changes_pkey`.
    static func ways(_ question: Question) -> PQStatement {
        """
        WITH ways AS MATERIALIZED (
            SELECT DISTINCT ON (c.instance, e.sequence) date_bin('1 hour', e.received_at, \(question.hoursFrom)) AS hour,
                min(c.intended_at) OVER v AS intended_at,
                extract(epoch FROM min(c.intended_at) OVER v - e.received_at)::float8 * 1000 AS accept,
                extract(epoch FROM c.sent_at - min(c.intended_at) OVER v)::float8 * 1000 AS queue,
                extract(epoch FROM c.ended_at - c.sent_at)::float8 * 1000 AS call,
                extract(epoch FROM w.at - c.ended_at)::float8 * 1000 AS boot,
                extract(epoch FROM w.recorded_at - w.at)::float8 * 1000 AS seen,
                extract(epoch FROM w.recorded_at - e.received_at)::float8 * 1000 AS total
            FROM agents a
            JOIN session_owners o ON o.agent = a.agent
            CROSS JOIN LATERAL (
                SELECT k.instance, k.command_id, k.agent, k.intended_at, k.sent_at, k.ended_at
                FROM commands k
                WHERE k.instance = o.instance
                  AND k.command_id >= \((question.from - Self.reach).microseconds)
                  AND k.command_id < \((question.to + Self.reach).microseconds)
                  AND k.agent = o.agent
                  AND k.action = \(Action.start.code)
                  AND k.reason = \(Reason.shouldRun.rawValue)
                OFFSET 0
            ) c
            CROSS JOIN LATERAL (
                SELECT x.sequence, x.received_at
                FROM clock_events x
                WHERE x.agent = c.agent
                  AND x.effective_at BETWEEN c.intended_at - make_interval(secs => \(Self.reach.inSeconds)) AND c.intended_at + interval '5 seconds'
                  AND x.received_at BETWEEN c.intended_at - make_interval(secs => \(Self.reach.inSeconds)) AND c.intended_at
                  AND x.kind IN (\(PunchKind.clockIn.code), \(PunchKind.breakEnd.code))
                ORDER BY x.effective_at DESC
                LIMIT 1
            ) e
            LEFT JOIN LATERAL (
                SELECT s.at, s.recorded_at
                FROM session_changes s
                WHERE s.instance = c.instance
                  AND s.at BETWEEN c.sent_at AND c.sent_at + make_interval(secs => \(Self.reach.inSeconds))
                  AND s.reading = 'WORKING'
                ORDER BY s.at
                LIMIT 1
            ) w ON true
            WHERE \(question.teams)::text[] IS NULL OR a.team = ANY (\(question.teams))
            WINDOW v AS (PARTITION BY c.instance, e.sequence)
            ORDER BY c.instance, e.sequence, w.at IS NULL, c.sent_at IS NULL, c.command_id
        )
        SELECT hour,
            count(accept) AS accept_count,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY accept) AS accept_p50,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY accept) AS accept_p95,
            count(queue) AS queue_count,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY queue) AS queue_p50,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY queue) AS queue_p95,
            count(call) AS call_count,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY call) AS call_p50,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY call) AS call_p95,
            count(boot) AS boot_count,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY boot) AS boot_p50,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY boot) AS boot_p95,
            count(seen) AS seen_count,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY seen) AS seen_p50,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY seen) AS seen_p95,
            count(total) AS total_count,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY total) AS total_p50,
            percentile_cont(0.95) WITHIN GROUP (ORDER BY total) AS total_p95
        FROM ways
        WHERE intended_at >= \(question.from)
          AND intended_at < \(question.to)
        GROUP BY GROUPING SETS ((), (hour))
        ORDER BY hour NULLS FIRST
        """
    }
}
