/// What a replica holds.
struct Footprint: Sendable, Hashable {
    /// Descriptors that may be more later: connections to the engine that stay open for a while.
    static let descriptorSlack = 12
    /// Memory that may be more later, in KiB: less where the machine has nothing else to do.
    static let memorySlack = FaultSuite.runsAll ? 6_000 : 16_000

    var descriptors: Int
    /// In KiB.
    var memory: Int

    func hasMoreDescriptors(than before: Footprint) -> Bool {
        descriptors > before.descriptors + Self.descriptorSlack
    }

    func hasMoreMemory(than before: Footprint, slack: Int = Footprint.memorySlack) -> Bool {
        memory > before.memory + slack
    }
}
