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

    private func plan(mayHaveLeftUntil: Timestamp?) -> Plan {
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
        book.setCommanded(1, of: 1, true)
        #expect(book.mayHaveLeft(1, of: 1, now: now) == now)
        #expect(plan(mayHaveLeftUntil: now).command == nil)
        book.setCommanded(1, of: 1, false)
        book.replace(with: [1: HeldLease(term: 1, deadline: 2)], at: now)
        #expect(book.mayHaveLeft(1, of: 1, now: now) == now - .seconds(300), "the same term goes on")
        book.replace(with: [1: HeldLease(term: 2, deadline: 3)], at: now - .seconds(1))
        #expect(book.mayHaveLeft(1, of: 1, now: now) == now - .seconds(1))
        book.replace(with: [:], at: now)
        #expect(book.mayHaveLeft(1, of: 1, now: now) == nil)
    }
}
