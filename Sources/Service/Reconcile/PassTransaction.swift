import Domain
import LibPQ

/// One instance in a batch of passes: what was learned of it, if anything.
struct PassItem: Sendable {
    var instance: Int64
    var news: News?
    var priority: JobPriority
    var run: SweepRun?
    var look: LookWish?
}

/// That somebody wants an instance looked at, whatever is stored says.
enum LookWish: Sendable {
    /// A person or the engine's webhook.
    case now
    /// It was put in line, perhaps by another replica, unless it was looked at since.
    case ifStillDue
}

/// A batch of passes over instances of one account, under its lease: takes in news, decides, writes.
struct PassTransaction: Sendable {
    let store: any ReconcilerStore
    let account: Int32
    let policy: ReconcilePolicy
    let clock: DatabaseClock
    let timeout: Duration
    var leases = LeaseBook()
    var decider: Decider = decide
    var crashPoints = CrashPoints()
    /// Slows restarts down while many sessions of the account fail alike.
    let restarts = RestartLine()

    /// The lease belongs to somebody else by now; nothing was written.
    struct LeaseLost: Error {}

    /// `items`: at most ``PassLoop/batchLimit``; several about one instance count in their order.
    ///
    /// `term`: the term this replica holds. `mayAct`: whether an intent may be written; `false` once the lease has
    /// run out here. `tried`: told of the commands before they are committed. Returns a plan per instance that still exists.
    func run(
        _ items: [PassItem],
        term: Int64,
        mayAct: Bool,
        isRefused: Bool,
        tried: TriedCommands = TriedCommands()
    ) async throws -> [Plan] {
        var byInstance: [Int64: [PassItem]] = [:]
        for item in items { byInstance[item.instance, default: []].append(item) }
        let request = PassRequest(
            account: account,
            term: term,
            instances: byInstance.keys.sorted(),
            timeout: timeout
        )
        let written = try await store.pass(request) { reading in
            // The row cannot change until this transaction ends.
            guard reading.term == term else { throw LeaseLost() }
            crashPoints.reach(.passBetweenSteps)
            let now = clock.now()
            let context = PlanningContext(
                policy: policy,
                now: now,
                mayAct: mayAct,
                isAccountRefused: isRefused,
                decider: decider
            )
            var gate = restarts.gate
            var writing = PassWriting(term: term, now: now, outcomes: items.compactMap(\.commandOutcome))
            for (subject, agent) in reading.subjects where subject.account == account {
                guard let group = byInstance[subject.instance] else { continue }
                var context = context
                context.mayHaveLeftUntil = leases.mayHaveLeft(subject.instance, of: account, now: now)
                let change = agent.map { rederive($0, policy: policy, now: now) }
                if let change { writing.changes.append(change) }
                let make = { (context: PlanningContext) in
                    plan(
                        subject,
                        agent: change,
                        news: group.compactMap(\.news),
                        priority: group.map(\.priority).min() ?? .sweep,
                        looksUnlessReadSince: group.compactMap { $0.look?.since(subject, now: now) }.max(),
                        context: context
                    )
                }
                let made = make(context)
                var waits = false
                if made.command?.action == .restart {
                    writing.restartWishes.append(subject.instance)
                    waits = !gate.permits(subject.instance, now: now)
                }
                var final = waits ? make(context.holdingRestarts) : made
                final.isLookWanted = group.contains { $0.look == .now }
                writing.plans.append(final)
            }
            tried.begin(writing.plans)
            // A row that is written says itself when it was read.
            crashPoints.reach(.passDecided)
            let changed = Set(writing.plans.lazy.filter(\.changesObserved).map(\.subject.instance))
            writing.looks = items.compactMap(\.successfulLook).filter { !changed.contains($0.instance) }
            return writing
        }
        tried.committed()
        restarts.asked(written.restartWishes, now: written.now)
        crashPoints.reach(.passCommitted)
        return written.plans
    }
}

extension LookWish {
    /// A read from then on will do; `nil` when none is wanted any more.
    fileprivate func since(_ subject: Subject, now: Timestamp) -> Timestamp? {
        switch self {
        case .now: now
        case .ifStillDue: subject.dueAt.flatMap { $0 <= now ? $0 : nil }
        }
    }
}

extension PassItem {
    /// Whether it tells what became of a command that left.
    var isOutcome: Bool {
        if case .outcome = news { true } else { false }
    }

    /// Whether it tells what became of a command, also that it did not leave.
    var endsCommand: Bool {
        switch news {
        case .outcome, .unsent: true
        case .read, .unread, nil: false
        }
    }

    fileprivate var commandOutcome: CommandOutcome? {
        switch news {
        case .outcome(let command, let answer, let sentAt, let endedAt):
            CommandOutcome(command: command, answer: answer, sentAt: sentAt, endedAt: endedAt)
        case .unsent(let command, let instant):
            CommandOutcome(
                command: command,
                answer: EngineAnswer(verdict: .notSent),
                sentAt: nil,
                endedAt: instant
            )
        case .read, .unread, nil: nil
        }
    }

    fileprivate var successfulLook: Look? {
        guard case .read(let reading, let sentAt) = news else { return nil }
        return Look(instance: instance, lookedAt: sentAt, reading: reading)
    }
}

/// One read that succeeded.
struct Look: Sendable, Hashable {
    var instance: Int64
    var lookedAt: Timestamp
    /// What it said.
    var reading: SessionReading
}

/// Statements on `looks`.
enum LookStatements {
    /// Notes when instances were last read.
    ///
    /// True whoever read them, so it needs no fence; an older look never replaces a newer. One that says something else than
    /// what is stored by now, since another was written meanwhile, proves nothing of that and is left out. Indexes:
    /// `looks_pkey`, `observed_states_pkey`.
    ///
    /// `looks`: an instance may occur more than once.
    /// `freshness`: how long a look counts; a trigger notes where the one before is older (`look_gaps`).
    static func record(_ looks: [Look], counting freshness: Freshness?) -> PQStatement {
        var newest: [Int64: Look] = [:]
        for look in looks where newest[look.instance].map({ $0.lookedAt <= look.lookedAt }) ?? true {
            newest[look.instance] = look
        }
        let instances = newest.keys.sorted()
        return """
            INSERT INTO looks AS l (instance, looked_at)
            SELECT n.instance, n.looked_at
            FROM unnest(
                \(instances),
                \(instances.map { newest[$0]?.lookedAt }),
                \(instances.map { newest[$0]?.reading.stored })
            ) AS n (instance, looked_at, reading)
            WHERE (SELECT o.reading FROM observed_states o WHERE o.instance = n.instance) = n.reading
              AND (SELECT set_config('rollcall.look_lifetime', \(setting(freshness)), true)) IS NOT NULL
            ON CONFLICT (instance) DO UPDATE
            SET looked_at = excluded.looked_at
            WHERE l.looked_at < excluded.looked_at
            """
    }

    /// What triggers are told of how long a look counts.
    static func setting(_ freshness: Freshness?) -> String {
        freshness.map { String($0.longestLifetime.inSeconds) } ?? ""
    }
}
