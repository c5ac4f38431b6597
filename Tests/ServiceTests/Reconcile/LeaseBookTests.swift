import Domain
import Testing

@testable import Service

@Suite("LeaseBook", .timeLimit(.minutes(1)))
struct LeaseBookTests {
    private let hand = HandClock()

    @Test
    func `a lease lasts until its deadline`() {
        let book = LeaseBook(clock: hand)
        book.replace(with: [1: HeldLease(term: 3, deadline: 4_500_000)])
        #expect(book.lease(of: 1)?.term == 3 && book.heldAccounts() == [1])
        hand.pass(.milliseconds(4500))
        #expect(book.lease(of: 1) == nil && book.heldAccounts().isEmpty)
        #expect(book.lastKnown(of: 1)?.term == 3)
    }

    @Test
    func `a lease that ran out meanwhile is told from one that was prolonged in time or laid down in order`() throws {
        let book = LeaseBook(clock: hand)
        func beat(_ deadline: Int64?, term: Int64 = 3) {
            book.replace(with: deadline.map { [1: HeldLease(term: term, deadline: $0)] } ?? [:])
        }
        beat(3_000_000)
        let first = try #require(book.lease(of: 1))
        hand.pass(.milliseconds(1000))
        beat(4_000_000)
        hand.pass(.milliseconds(2500))
        #expect(!book.hasRunOut(first, of: 1), "it was prolonged")
        let second = try #require(book.lease(of: 1))
        beat(0)
        beat(nil)
        hand.pass(.seconds(60))
        #expect(!book.hasRunOut(second, of: 1), "it was laid down")

        beat(70_000_000, term: 5)
        let third = try #require(book.lease(of: 1))
        hand.pass(.seconds(20))
        #expect(book.hasRunOut(third, of: 1) && !book.hasRunOut(third, of: 2))
        // Nobody took it, so it is taken again; what left before may have been late, what leaves from now on is not.
        beat(90_000_000, term: 5)
        let fourth = try #require(book.lease(of: 1))
        #expect(book.hasRunOut(third, of: 1) && !book.hasRunOut(fourth, of: 1))
        beat(0, term: 5)
        beat(nil)
        #expect(book.hasRunOut(third, of: 1), "whatever comes after")
    }

    @Test
    func `a lease that another has by now has run out`() throws {
        let book = LeaseBook(clock: hand)
        book.replace(with: [1: HeldLease(term: 3, deadline: 3_000_000)])
        let lease = try #require(book.lease(of: 1))
        hand.pass(.seconds(9))
        book.replace(with: [:])
        #expect(book.hasRunOut(lease, of: 1))
    }

    @Test
    func `who waits goes on once the account may be acted for, and not before`() async throws {
        let book = LeaseBook(clock: hand)
        let waiting = Task {
            await book.untilMayAct(for: 1)
            return book.mayAct(for: 1)
        }
        book.replace(with: [2: HeldLease(term: 3, deadline: 4_500_000)])
        try await Task.sleep(for: .milliseconds(30))
        book.replace(with: [1: HeldLease(term: 3, deadline: 0)])
        try await Task.sleep(for: .milliseconds(30))
        _ = book.setRefused(1, true)
        book.replace(with: [1: HeldLease(term: 3, deadline: 4_500_000)])
        try await Task.sleep(for: .milliseconds(30))
        #expect(book.setRefused(1, false))
        #expect(await waiting.value, "woken sooner it would have seen that it may not")
        #expect(book.mayAct(for: 1))
        // Who comes then does not wait at all.
        await book.untilMayAct(for: 1)
    }

    @Test
    func `who waits and is cancelled goes on as well`() async throws {
        let book = LeaseBook(clock: hand)
        let waiting = Task { await book.untilMayAct(for: 1) }
        try await Task.sleep(for: .milliseconds(30))
        waiting.cancel()
        await waiting.value
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await book.untilMayAct(for: 1)
        }
        await late.value
    }

    @Test
    func `of a lease that is let go of nothing is left, and it has not run out`() throws {
        let book = LeaseBook(clock: hand)
        book.replace(with: [1: HeldLease(term: 3, deadline: 3_000_000), 2: HeldLease(term: 4, deadline: 3_000_000)])
        let lease = try #require(book.lease(of: 1))
        book.letGo(of: [1])
        #expect(book.lease(of: 1) == nil && book.lastKnown(of: 1) == nil && book.heldAccounts() == [2])
        hand.pass(.seconds(9))
        #expect(!book.hasRunOut(lease, of: 1))
    }

    @Test
    func `that an account is refused is forgotten with the lease, since only its holder calls it`() {
        let book = LeaseBook(clock: hand)
        book.replace(with: [1: HeldLease(term: 3, deadline: 4_500_000)])
        #expect(book.setRefused(1, true) && book.isRefused(1))
        book.replace(with: [1: HeldLease(term: 3, deadline: 5_500_000)])
        #expect(book.isRefused(1), "the same term goes on")
        book.replace(with: [:])
        #expect(!book.isRefused(1))
        book.replace(with: [1: HeldLease(term: 5, deadline: 9_500_000)])
        #expect(!book.isRefused(1))
    }
}
