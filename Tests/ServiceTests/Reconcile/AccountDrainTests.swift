import Testing

@testable import Service

@Suite("AccountDrain")
struct AccountDrainTests {
    @Test
    func `it acts until it is told to stop, and is over once every account is drained`() {
        let drain = AccountDrain(of: [1, 2] as [Int32])
        #expect(drain.phase == .acting)
        drain.begin()
        #expect(drain.phase == .draining(drained: []))
        drain.drained(2)
        #expect(drain.phase == .draining(drained: [2]))
        drain.drained(1)
        #expect(drain.phase == .over)
    }

    @Test
    func `a worker that ends unasked gives nothing up`() {
        let drain = AccountDrain(of: [1] as [Int32])
        drain.drained(1)
        #expect(drain.phase == .acting)
        drain.begin()
        #expect(drain.phase == .over)
    }

    @Test
    func `without accounts it is over at once`() {
        let drain = AccountDrain(of: [] as [Int32])
        drain.begin()
        #expect(drain.phase == .over)
    }
}
