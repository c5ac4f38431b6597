import LibPQ
import Synchronization

/// A command that was decided on and that nobody was told to send.
struct LostCommand: Sendable, Hashable {
    var command: PlannedCommand
    var account: Int32
}

/// Remembers the commands of tries whose commit is unknown.
///
/// Whoever commits the same again finds the intents written, or not, and plans anew only in the second case. In the first nobody
/// would send them, and everybody would have to wait for as long as a call may take. So they are given back as not sent, which
/// is true either way: a command leaves only once its commit is known.
final class TriedCommands: Sendable {
    private struct State {
        var current: [LostCommand] = []
        var lost: [LostCommand] = []
    }

    private let state = Mutex(State())

    /// A try is about to be committed.
    func begin(_ plans: [Plan]) {
        let commands = plans.compactMap { plan in
            plan.command.map { LostCommand(command: $0, account: plan.subject.account) }
        }
        state.withLock { $0.current = commands }
    }

    /// A try was committed, and who asked for it is told: whatever fails from here on, its commands are not lost.
    func committed() {
        state.withLock { $0.current = [] }
    }

    /// A try failed.
    func failed(_ error: any Error) {
        let kind = (error as? PQError)?.kind
        state.withLock { state in
            // Committed here is enough for the intent to stand.
            if kind == .commitUnknown || kind == .notReplicated { state.lost += state.current }
            state.current = []
        }
    }

    /// The commands whose intents may stand without anybody who sends them.
    var lost: [LostCommand] { state.withLock { $0.lost } }
}
