import Domain
import Testing

@testable import Service

@Suite("ListJob")
struct ListJobTests {
    private static let listed = ListedSessions(
        list: SessionList(EngineAnswer(verdict: .ok), statuses: ["a": .working]),
        sentAt: Timestamp(seconds: 1)
    )

    @Test func `whoever waits is told once, also when the answer was there first`() async {
        let job = ListJob()
        #expect(!job.isOver)
        async let waited = job.wait()
        job.finish(Self.listed)
        job.finish(nil)
        #expect(await waited?.list.statuses == ["a": .working])
        #expect(job.isOver)
    }

    @Test func `a waiter that is cancelled waits no longer, and nobody need make the call`() async {
        let job = ListJob()
        let result = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await job.wait() == nil }
            group.cancelAll()
            return await group.next()
        }
        #expect(result == true)
        #expect(job.isOver)
        job.finish(Self.listed)
        #expect(await job.wait() == nil)
    }
}
