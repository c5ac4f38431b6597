import Foundation
import Testing

@testable import Service

/// Who acts for which account, from what every replica reads.
@Suite("Lease spread")
struct LeaseSpreadTests {
    private let replicas = (1...4).map { UUID(uuidString: "00000000-0000-0000-0000-00000000000\($0)") ?? UUID() }
    private let accounts: Set<Int32> = [1, 2, 3, 4, 5, 6]

    @Test(arguments: 1...4)
    func `free leases are shared out evenly, and each to one replica`(count: Int) {
        let spread = spread(of: count, holders: [:])
        let taken = replicas.prefix(count).map { spread.toTake(by: $0) }
        #expect(taken.reduce(into: Set()) { $0.formUnion($1) } == accounts)
        #expect(taken.map(\.count).reduce(0, +) == accounts.count)
        #expect((taken.map(\.count).max() ?? 0) - (taken.map(\.count).min() ?? 0) <= 1)
    }

    @Test
    func `who has the most gives to a replica that is new, and no more than evens it out`() {
        let holders = Dictionary(uniqueKeysWithValues: accounts.map { ($0, Optional(replicas[0])) })
        let spread = spread(of: 2, holders: holders)
        #expect(spread.toYield(by: replicas[0]).count == 3)
        #expect(spread.toYield(by: replicas[1]).isEmpty)
        #expect(spread.toTake(by: replicas[1]).isEmpty)
    }

    @Test
    func `one more or less moves nothing`() {
        let (first, second) = (replicas[0], replicas[1])
        let spread = spread(of: 2, holders: [1: first, 2: first, 3: first, 4: second, 5: second])
        // The sixth is free and goes to who has fewer.
        #expect(spread.toTake(by: replicas[1]) == [6])
        #expect(replicas.allSatisfy { spread.toYield(by: $0).isEmpty })
    }

    @Test
    func `what a replica cannot act for is never meant for it`() {
        var spread = LeaseSpread()
        spread.replicas = [
            .init(id: replicas[0], accounts: accounts), .init(id: replicas[1], accounts: [1]),
            .init(id: replicas[2], accounts: []),
        ]
        spread.holders = Dictionary(uniqueKeysWithValues: accounts.map { ($0, nil) })
        #expect(spread.toTake(by: replicas[0]) == [2, 3, 4, 5, 6])
        #expect(spread.toTake(by: replicas[1]) == [1])
        #expect(spread.toTake(by: replicas[2]).isEmpty)
        // Nobody can act for it.
        spread.holders = [9: nil]
        #expect(replicas.allSatisfy { spread.toTake(by: $0).isEmpty })
    }

    @Test
    func `a release that names no accounts keeps what it holds and is given nothing`() {
        var spread = LeaseSpread()
        spread.replicas = [.init(id: replicas[0], accounts: []), .init(id: replicas[1], accounts: accounts)]
        spread.holders = [1: replicas[0], 2: replicas[0], 3: replicas[0], 4: nil]
        #expect(spread.toYield(by: replicas[0]).isEmpty)
        #expect(spread.toTake(by: replicas[0]).isEmpty)
        #expect(spread.toTake(by: replicas[1]) == [4])
    }

    @Test
    func `carried out by everybody it comes to rest, whoever held what`() {
        for _ in 0..<300 {
            let count = Int.random(in: 1...4)
            var holders: [Int32: UUID?] = [:]
            for account in accounts {
                holders[account] = .some(Bool.random() ? nil : replicas.prefix(count).randomElement())
            }
            var rounds = 0
            while rounds < 20 {
                let now = spread(of: count, holders: holders)
                var next = holders
                for replica in replicas.prefix(count) {
                    for account in now.toTake(by: replica) { next[account] = replica }
                    for account in now.toYield(by: replica) { next[account] = .some(nil) }
                }
                if next == holders { break }
                holders = next
                rounds += 1
            }
            let counts = replicas.prefix(count).map { replica in holders.values.count { $0 == replica } }
            #expect(rounds <= 3)
            #expect(counts.reduce(0, +) == accounts.count)
            #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
        }
    }

    private func spread(of count: Int, holders: [Int32: UUID?]) -> LeaseSpread {
        var spread = LeaseSpread()
        spread.replicas = replicas.prefix(count).map { .init(id: $0, accounts: accounts) }
        spread.holders = Dictionary(uniqueKeysWithValues: accounts.map { ($0, holders[$0] ?? nil) })
        return spread
    }
}
