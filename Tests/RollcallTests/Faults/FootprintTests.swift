import Testing

/// What a replica may hold more at the end.
@Suite("Footprint")
struct FootprintTests {
    @Test
    func `a replica that holds more at the end than under its first load is found`() {
        let before = Footprint(descriptors: 46, memory: 73_000)
        #expect(!Footprint(descriptors: 54, memory: 75_000).hasMoreDescriptors(than: before))
        #expect(!Footprint(descriptors: 54, memory: 75_000).hasMoreMemory(than: before))
        #expect(!Footprint(descriptors: 46, memory: 79_000).hasMoreMemory(than: before, slack: 6_000))
        #expect(Footprint(descriptors: 46, memory: 79_001).hasMoreMemory(than: before, slack: 6_000))
        #expect(Footprint(descriptors: 66, memory: 75_000).hasMoreDescriptors(than: before))
        #expect(Footprint(descriptors: 46, memory: 95_000).hasMoreMemory(than: before))
    }
}
