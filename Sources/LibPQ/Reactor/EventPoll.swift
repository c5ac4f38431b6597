import Glibc

/// The descriptors one thread waits for: a thin face of `poll`.
///
/// Belongs to that thread.
///
/// A pool has a dozen connections, so handing the kernel the whole list each time costs less than telling it about each
/// change. Level-triggered: a reader that stops early is called again.
final class EventPoll {
    /// Something to do with a watched descriptor.
    struct Event {
        /// Who watches it, as given to ``watch(_:for:writing:reading:)``.
        var id: UInt64
        var isWritable: Bool
    }

    private var descriptors: [pollfd] = []
    private var ids: [UInt64] = []
    private var positions: [UInt64: Int] = [:]

    /// Starts watching a descriptor, or changes which or how; hang-ups are always reported.
    func watch(_ fd: Int32, for id: UInt64, writing: Bool, reading: Bool = true) {
        let wanted = (reading ? POLLIN : 0) | (writing ? POLLOUT : 0)
        let entry = pollfd(fd: fd, events: Int16(truncatingIfNeeded: wanted), revents: 0)
        if let position = positions[id] {
            descriptors[position] = entry
        } else {
            positions[id] = descriptors.count
            descriptors.append(entry)
            ids.append(id)
        }
    }

    /// Stops watching; called before or right after the descriptor is closed.
    func forget(_ id: UInt64) {
        guard let position = positions.removeValue(forKey: id) else { return }
        descriptors.swapAt(position, descriptors.count - 1)
        ids.swapAt(position, ids.count - 1)
        descriptors.removeLast()
        ids.removeLast()
        if position < ids.count { positions[ids[position]] = position }
    }

    /// Waits until something happens or a deadline passes.
    ///
    /// - Parameters:
    ///   - milliseconds: how long at most; -1 is forever.
    ///   - events: emptied, then filled with what happened.
    func wait(milliseconds: Int32, into events: inout [Event]) {
        events.removeAll(keepingCapacity: true)
        var count = unsafe poll(&descriptors, nfds_t(descriptors.count), milliseconds)
        for position in descriptors.indices where count > 0 {
            let found = Int32(descriptors[position].revents)
            guard found != 0 else { continue }
            events.append(Event(id: ids[position], isWritable: found & ~POLLIN != 0))
            count -= 1
        }
    }
}
