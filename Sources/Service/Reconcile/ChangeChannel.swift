import Logging
import Synchronization

/// What other replicas hear of a commit: whose rows it may have changed.
enum ChangeNews: Sendable, Hashable {
    case some(agents: [Int64], instances: [Int64])
    /// More than one notification holds, or what may not have been told: everything is to be read anew.
    case everything

    /// `a1 a2 i3`, or `*`.
    var text: String {
        switch self {
        case .some(let agents, let instances):
            (agents.map { "a\($0)" } + instances.map { "i\($0)" }).joined(separator: " ")
        case .everything: "*"
        }
    }

    /// Reads what ``text`` wrote; what is not of this form is left out.
    init(_ text: String) {
        guard text != "*" else {
            self = .everything
            return
        }
        var (agents, instances): ([Int64], [Int64]) = ([], [])
        for word in text.split(separator: " ").prefix(ChangeChannel.namesLimit) {
            guard let number = Int64(word.dropFirst()) else { continue }
            switch word.first {
            case "a": agents.append(number)
            case "i": instances.append(number)
            default: break
            }
        }
        self = .some(agents: agents, instances: instances)
    }

    /// What was gathered, in parts that fit into one notification each.
    static func gathered(agents: Set<Int64>, instances: Set<Int64>, isMore: Bool) -> [ChangeNews] {
        if isMore { return [.everything] }
        let (agents, instances) = (agents.sorted(), instances.sorted())
        return stride(from: 0, to: agents.count + instances.count, by: ChangeChannel.namesLimit).map { start in
            let rest = max(0, start - agents.count)
            let named = Array(agents.dropFirst(start).prefix(ChangeChannel.namesLimit))
            let left = ChangeChannel.namesLimit - named.count
            return .some(agents: named, instances: Array(instances.dropFirst(rest).prefix(left)))
        }
    }
}

/// Tells the other replicas whose rows this one's commits changed, so that their streams show it at once.
///
/// A hint and nothing more: without it their round through all agents finds the same, of 1,000 agents within two seconds and of
/// 10,000 within some five. Sent after the commit and beside it, many commits in one notification, so that no append waits; a
/// replica that is alone sends nothing.
final class ChangeChannel: Sendable {
    /// The least time between two notifications.
    static let pause: Duration = .milliseconds(50)
    /// How soon the next is tried after one that could not be sent, and twice as late after each further one, to the longest.
    static let retryPause: Duration = .seconds(1)
    private static let longestRetryPause: Duration = .seconds(8)
    /// Agents and instances in one: with a space and a letter each, and the teller's name before them, that is less than the
    /// 8,000 bytes a notification holds, however long the numbers are.
    static let namesLimit = 360

    /// Agents and instances that are named at a time, in some notifications; beyond that all are read anew.
    static let gatherLimit = 3 * namesLimit

    private struct Gathered {
        var agents: Set<Int64> = []
        var instances: Set<Int64> = []
        var isMore = false

        mutating func add(agents added: [Int64], instances addedInstances: [Int64]) {
            // So much at once would not fit anyway, and is not gathered first.
            isMore =
                isMore
                || agents.count + instances.count + added.count + addedInstances.count > 2 * ChangeChannel.gatherLimit
            guard !isMore else { return }
            agents.formUnion(added)
            instances.formUnion(addedInstances)
            isMore = agents.count + instances.count > ChangeChannel.gatherLimit
        }
    }

    private let store: any ReconcilerStore
    private let clock: DatabaseClock
    private let logger: Logger
    private let hasOthers = Atomic(false)
    private let gathered = Mutex(Gathered())
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation

    init(store: any ReconcilerStore, clock: DatabaseClock, logger: Logger) {
        self.store = store
        self.clock = clock
        self.logger = logger
        (wishes, wish) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Notes whether anybody would hear.
    func note(otherReplicas: Int64) {
        let hasOthers = otherReplicas > 0
        guard self.hasOthers.exchange(hasOthers, ordering: .relaxed) != hasOthers, hasOthers else { return }
        // They may have been there for a second, and were told nothing.
        gathered.withLock { $0.isMore = true }
        wish.yield()
    }

    /// Tells the others soon, if there are any.
    func tell(agents: [Int64], instances: [Int64]) {
        guard hasOthers.load(ordering: .relaxed), !agents.isEmpty || !instances.isEmpty else { return }
        gathered.withLock { $0.add(agents: agents, instances: instances) }
        wish.yield()
    }

    /// Sends until the task is cancelled.
    func run() async {
        var retryPause = Self.retryPause
        for await _ in wishes {
            let news = gathered.withLock { gathered in
                defer { gathered = Gathered() }
                return ChangeNews.gathered(
                    agents: gathered.agents,
                    instances: gathered.instances,
                    isMore: gathered.isMore
                )
            }
            do {
                for part in news { try await store.tellOthers(part) }
                retryPause = Self.retryPause
            } catch {
                logger.debug("other replicas not told of changes", metadata: [LogKeys.error: "\(error)"])
                // What they were not told of they read with everything else, once they can be told so.
                gathered.withLock { $0.isMore = true }
                try? await clock.sleep(for: retryPause)  // Cancelled: the loop ends.
                // Everything is much to read for a database that hardly answers.
                retryPause = min(retryPause * 2, Self.longestRetryPause)
                wish.yield()
            }
            try? await clock.sleep(for: Self.pause)  // As above.
        }
    }
}
