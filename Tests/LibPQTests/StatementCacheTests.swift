import Testing

@testable import LibPQ

@Suite("StatementCache")
struct StatementCacheTests {
    private func key(_ text: String, _ types: UInt32...) -> StatementCache.Key {
        StatementCache.Key(text: text, types: types)
    }

    /// Uses statements as a connection would that prepares all of them with success.
    private func use(_ cache: inout StatementCache, _ texts: String...) -> [String] {
        texts.map { text in
            let name = cache.name(for: key(text)).name
            cache.confirm(key(text))
            return name
        }
    }

    @Test
    func `the one unused for longest makes room`() {
        var cache = StatementCache(limit: 2)
        let names = use(&cache, "a", "b", "a", "c")
        #expect(names[0] == names[2])
        #expect(cache.discarded == [names[1]])
        #expect(!cache.name(for: key("a")).isNew)
        #expect(cache.name(for: key("b")).isNew)
    }

    @Test
    func `the types are part of the key`() {
        var cache = StatementCache(limit: 9)
        #expect(cache.name(for: key("a", 20)).name != cache.name(for: key("a", 25)).name)
    }

    @Test
    func `what was never confirmed is prepared again, under another name`() {
        var cache = StatementCache(limit: 9)
        let first = cache.name(for: key("a"))
        #expect(first.isNew)
        #expect(!cache.name(for: key("a")).isNew)
        cache.forgetUnconfirmed()
        let second = cache.name(for: key("a"))
        #expect(second.isNew && second.name != first.name)
    }

    @Test
    func `what was deallocated is forgotten, what was not is tried again`() {
        var cache = StatementCache(limit: 1)
        let names = use(&cache, "a", "b", "c")
        #expect(cache.discarded == [names[0], names[1]])
        cache.deallocated(names[0])
        #expect(cache.discarded == [names[1]])
        #expect(cache.count == 1)
    }

    @Test
    func `forgetting everything leaves all names to deallocate`() {
        var cache = StatementCache(limit: 9)
        let names = use(&cache, "a", "b")
        cache.forgetAll()
        #expect(Set(cache.discarded) == Set(names))
        #expect(cache.name(for: key("a")).isNew)
    }
}
