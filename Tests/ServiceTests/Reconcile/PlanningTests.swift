import Domain
import Testing

@testable import Service

@Suite("Planning")
struct PlanningTests {
    private let now = Timestamp(seconds: 1_800_000_000)
    private let policy = ReconcilePolicy()

    /// An instance that should be down, whose stop was intended a minute ago and nothing is known of; it was read since.
    private func subject() -> Subject {
        Subject(
            instance: 1,
            account: 1,
            address: SessionAddress(instanceID: "i"),
            evidence: Evidence(
                reading: .status(.working),
                readAt: now - .seconds(10),
                lastCommand: CommandRecord(id: 1, action: .stop, sentAt: now - .seconds(60))
            ),
            condition: .stopping,
            reason: .stopSent
        )
    }

    private func plan(mayHaveLeftUntil: Timestamp?, callTimeout: Duration? = nil) -> Plan {
        var policy = policy
        policy.callTimeout = callTimeout ?? policy.callTimeout
        let context = PlanningContext(
            policy: policy,
            now: now,
            mayAct: true,
            isAccountRefused: false,
            mayHaveLeftUntil: mayHaveLeftUntil
        )
        return Service.plan(subject(), agent: nil, priority: .repair, context: context)
    }

    @Test
    func `an intent without outcome is over once its time-out and the gap are, by when it may have left at the latest`()
    {
        #expect(plan(mayHaveLeftUntil: nil).command?.action == .stop)
        #expect(plan(mayHaveLeftUntil: now - .seconds(50)).command?.action == .stop)
        let waiting = plan(mayHaveLeftUntil: now - .seconds(20))
        #expect(waiting.command == nil)
        #expect(waiting.dueAt == now - .seconds(20) + policy.callTimeout + policy.stopStartGap)
        #expect(waiting.subject.evidence.lastCommand?.sentAt == now - .seconds(60), "what is stored stays")
    }

    @Test(arguments: [(1, 3), (30, 30)])
    func `a stop is due again once it is over in the engine, however short its caller's time-out, and the gap is`(
        timeout: Int,
        lasts: Int
    ) {
        let plan = plan(mayHaveLeftUntil: nil, callTimeout: .seconds(timeout))
        #expect(plan.command?.action == .stop)
        #expect(plan.dueAt == now + .seconds(lasts) + policy.stopStartGap)
    }

    /// What is overtaken once the agent is on shift or off, with a command whose outcome nobody knows.
    private func overtaken(_ action: Action, run: RunState, isReboot: Bool = false) -> CommandKey? {
        var subject = subject()
        subject.evidence.lastCommand = CommandRecord(id: 7, action: action, sentAt: now - .seconds(5))
        subject.evidence.rebootAskedAt = isReboot ? now - .seconds(6) : nil
        var state = ShiftState()
        state.shift = run == .running ? .in : .out
        let facts = AgentFacts(
            agent: 1,
            generation: 2,
            state: state,
            desired: run,
            rule: .shift,
            isLeaving: false
        )
        let change = AgentChange(before: facts, after: facts, desired: DesiredState(run: run, rule: .shift))
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        return Service.plan(subject, agent: change, priority: .people, context: context).overtaken
    }

    @Test
    func `a command that goes against what is desired by now is overtaken, a reboot's stop is not`() {
        let key = CommandKey(instance: 1, id: 7)
        #expect(overtaken(.start, run: .stopped) == key && overtaken(.restart, run: .stopped) == key)
        #expect(overtaken(.stop, run: .running) == key)
        #expect(overtaken(.stop, run: .running, isReboot: true) == nil)
        #expect(overtaken(.start, run: .running) == nil && overtaken(.restart, run: .running) == nil)
        #expect(overtaken(.stop, run: .stopped) == nil)
    }

    @Test(arguments: JobPriority.allCases, [nil, .people, .repair] as [JobPriority?])
    func `what people asked for stays theirs through every look and retry`(priority: JobPriority, stored: JobPriority?)
    {
        var subject = subject()
        subject.priority = stored
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        let made = Service.plan(subject, agent: nil, priority: priority, context: context)
        let expected = min(priority, stored ?? priority)
        #expect(made.priority == expected && made.command?.priority == expected)
    }

    /// A stop that was just answered, and what follows; the instance should be down unless its agent came back.
    private func planned(after answer: EngineAnswer) -> Plan {
        let command = PlannedCommand(
            id: 1,
            instance: 1,
            address: SessionAddress(instanceID: "i"),
            action: .stop,
            reason: .shouldStop,
            priority: .people
        )
        let news = News.outcome(command, answer, sentAt: now - .milliseconds(200), endedAt: now - .milliseconds(100))
        var subject = subject()
        subject.evidence.readAt = now - .seconds(70)
        subject.evidence.attempts = 1
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        return Service.plan(subject, agent: nil, news: [news], priority: .people, context: context)
    }

    @Test(arguments: [(nil, 5), (2, 5), (60, 60), (3600, 300)] as [(Int64?, Int64)])
    func `a command that the engine wants later goes later, within the longest wait`(asked: Int64?, waits: Int64) {
        let answer = EngineAnswer(verdict: .transient, httpStatus: 429, retryAfter: asked.map { .seconds($0) })
        let made = planned(after: answer)
        #expect(made.command == nil && made.looksWhenDue)
        #expect(made.dueAt == now - .milliseconds(100) + .seconds(waits))
    }

    @Test
    func `a read that the engine wants later is made within the longest wait`() {
        let answer = EngineAnswer(verdict: .transient, httpStatus: 429, retryAfter: .seconds(3600))
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        let news = News.unread(answer, since: now)
        var waiting = subject()
        waiting.evidence = Evidence()
        let unread = Service.plan(waiting, agent: nil, news: [news], priority: .repair, context: context)
        #expect(unread.dueAt == now + policy.longestRetry)
    }

    /// An agent who came on shift, as stored, and as derived now.
    private func onShift(since: Timestamp, nextPunchAt: Timestamp? = nil) -> AgentChange {
        let facts = AgentFacts(
            agent: 1,
            generation: 2,
            state: ShiftState(shift: .in, since: since, nextPunchAt: nextPunchAt),
            desired: .running,
            rule: .shift,
            isLeaving: false
        )
        return rederive(facts, policy: policy, now: now)
    }

    @Test(arguments: [(0, 5), (10, 5), (20, 10), (120, 60), (600, 300), (86_400, 300)] as [(Int64, Int64)])
    func `a session that cannot be read is read ever less often, and then keeps no repair waiting`(
        failing: Int64,
        waits: Int64
    ) {
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        let news = News.unread(EngineAnswer(verdict: .permanent, httpStatus: 400), since: now - .seconds(failing))
        var unread = subject()
        unread.evidence = Evidence()
        let agent = onShift(since: now - .seconds(100_000))
        var made = Service.plan(unread, agent: agent, news: [news], priority: .people, context: context)
        #expect(made.dueAt == now + .seconds(waits) && made.looksWhenDue)
        let purpose: LookPurpose = waits > 5 ? .usual : .person
        #expect(made.lookPurpose == purpose)
        made.isLookWanted = true
        #expect(made.lookPurpose == .person)
    }

    @Test
    func `a read, a command and a clock-in let the waits for a read begin anew`() {
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        let news = News.unread(EngineAnswer(verdict: .transient, httpStatus: 502), since: now - .seconds(3600))
        let longAgo = now - .seconds(7200)
        let command = CommandRecord(id: 1, action: .start, sentAt: now - .seconds(4))
        for (evidence, shiftSince) in [
            (Evidence(reading: .status(.starting), readAt: now - .seconds(4), readingSince: longAgo), longAgo),
            (Evidence(lastCommand: command), longAgo), (Evidence(), now - .seconds(4)),
        ] {
            var unread = subject()
            unread.evidence = evidence
            let agent = onShift(since: shiftSince)
            let made = Service.plan(unread, agent: agent, news: [news], priority: .people, context: context)
            #expect(!made.isLongUnread)
            #expect(made.dueAt.map { $0 <= now + policy.callTimeout + policy.stopStartGap } == true)
        }
    }

    @Test
    func `an event whose time has come makes nothing due, since only a fold can take it in`() {
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        var working = subject()
        working.evidence = Evidence(reading: .status(.working), readAt: now - .seconds(10))
        for (comesIn, dueIn) in [(-3, nil), (0, nil), (3, 3)] as [(Int64, Int64?)] {
            let agent = onShift(since: now - .seconds(60), nextPunchAt: now + .seconds(comesIn))
            let made = Service.plan(working, agent: agent, priority: .people, context: context)
            #expect(made.command == nil && made.dueAt == dueIn.map { now + .seconds($0) })
        }
    }

    @Test
    func `a failed session whose stops the engine answers with errors goes on counting as stopped`() {
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        var failed = subject()
        failed.evidence = Evidence(
            reading: .status(.failed),
            readAt: now - .seconds(1),
            readingSince: now - .seconds(600),
            lastCommand: CommandRecord(
                id: 1,
                action: .stop,
                sentAt: now - .seconds(1000),
                endedAt: now - .seconds(990),
                verdict: .transient
            ),
            attempts: policy.attemptsBeforeAttention
        )
        for _ in 1...3 {
            let made = Service.plan(failed, agent: nil, priority: .repair, context: context)
            #expect(made.command == nil && made.dueAt == nil)
            #expect(made.decision == Decision(nil, .failedCountsAsStopped, .converged))
            failed = made.subject
        }
        // A stop that was heard is one attempt, and not the sixth that fails, however often the session came up since.
        var heard = failed
        heard.evidence.lastCommand?.verdict = .ok
        failed.evidence.reading = .status(.stopped)
        for over in [heard, failed] {
            let made = Service.plan(over, agent: nil, priority: .repair, context: context)
            #expect(made.command == nil && made.subject.evidence.attempts == 0)
        }
    }

    @Test
    func `a row in line becomes people's once people ask, however soon it is due`() {
        var subject = subject()
        subject.wakes = 1
        subject.dueAt = now + .seconds(3600)
        subject.priority = .repair
        let context = PlanningContext(policy: policy, now: now, mayAct: true, isAccountRefused: false)
        #expect(!Service.plan(subject, agent: nil, priority: .repair, context: context).changesQueue)
        #expect(Service.plan(subject, agent: nil, priority: .people, context: context).changesQueue)
    }

    @Test
    func `a command that is in line here is not over, however old its intent is`() {
        let book = LeaseBook(clock: StillClock())
        book.replace(with: [1: HeldLease(term: 1, deadline: 1)], at: now - .seconds(300))
        #expect(book.mayHaveLeft(1, of: 1, now: now) == now - .seconds(300))
        let command = CommandKey(instance: 1, id: 7)
        book.setCommanded(command, of: 1, true)
        #expect(book.mayHaveLeft(1, of: 1, now: now) == now)
        #expect(plan(mayHaveLeftUntil: now).command == nil)
        book.setCommanded(CommandKey(instance: 1, id: 6), of: 1, false)
        #expect(book.mayHaveLeft(1, of: 1, now: now) == now, "another's end is not its own")
        book.setCommanded(command, of: 1, false)
        book.replace(with: [1: HeldLease(term: 1, deadline: 2)], at: now)
        #expect(book.mayHaveLeft(1, of: 1, now: now) == now - .seconds(300), "the same term goes on")
        book.replace(with: [1: HeldLease(term: 2, deadline: 3)], at: now - .seconds(1))
        #expect(book.mayHaveLeft(1, of: 1, now: now) == now - .seconds(1))
        book.replace(with: [:], at: now)
        #expect(book.mayHaveLeft(1, of: 1, now: now) == nil)
    }
}
