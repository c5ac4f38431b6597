import Domain
import Testing

@testable import Service

@Suite("LeaseBook")
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
