/// The statements one connection has prepared, by text and types of the binds.
///
/// Bounded: the one unused for longest makes room and is deallocated with the connection's next pipeline. A statement
/// counts as prepared only once the server said so, because what follows an error in a pipeline is skipped.
struct StatementCache {
    struct Key: Hashable {
        var text: String
        var types: [UInt32]
    }

    private struct Entry {
        var name: String
        var lastUse: UInt64
        var isConfirmed = false
    }

    let limit: Int
    private var entries: [Key: Entry] = [:]
    /// Names that the server still knows and nobody uses.
    private(set) var discarded: [String] = []
    private var uses: UInt64 = 0
    private var names = 0

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { entries.count }

    /// The name to run a statement by, and whether it has to be prepared first.
    mutating func name(for key: Key) -> (name: String, isNew: Bool) {
        uses += 1
        if let index = entries.index(forKey: key) {
            entries.values[index].lastUse = uses
            return (entries.values[index].name, false)
        }
        if entries.count >= limit { evict() }
        names += 1
        let name = "s\(names)"
        entries[key] = Entry(name: name, lastUse: uses)
        return (name, true)
    }

    /// The server has prepared it.
    mutating func confirm(_ key: Key) {
        entries[key]?.isConfirmed = true
    }

    /// At the end of a pipeline: what was not prepared has to be prepared again when next wanted.
    mutating func forgetUnconfirmed() {
        entries = entries.filter(\.value.isConfirmed)
    }

    /// The server has deallocated it.
    mutating func deallocated(_ name: String) {
        discarded.removeAll { $0 == name }
    }

    /// Has everything prepared again: the server's plans no longer fit.
    mutating func forgetAll() {
        discarded += entries.values.map(\.name)
        entries = [:]
    }

    /// The server has forgotten everything.
    mutating func reset() {
        discarded = []
        entries = [:]
    }

    /// Makes room; a pipeline with more new statements than the limit may exceed it until its end.
    private mutating func evict() {
        let oldest = entries.filter(\.value.isConfirmed).min { $0.value.lastUse < $1.value.lastUse }
        guard let oldest else { return }
        entries[oldest.key] = nil
        discarded.append(oldest.value.name)
    }
}
