import Domain

/// Which session to look at next, earliest first: a binary heap.
struct AlarmQueue {
    private var heap: [(at: Timestamp, instanceID: String)] = []

    mutating func insert(_ instanceID: String, at instant: Timestamp) {
        heap.append((instant, instanceID))
        var child = heap.count - 1
        while child > 0, case let parent = (child - 1) / 2, heap[child].at < heap[parent].at {
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest session whose time has come.
    mutating func popDue(now: Timestamp) -> String? {
        guard let first = heap.first, first.at <= now else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { break }
            let right = left + 1
            let child = right < heap.count && heap[right].at < heap[left].at ? right : left
            guard heap[child].at < heap[parent].at else { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return first.instanceID
    }
}
