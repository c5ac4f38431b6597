import Dispatch
import Foundation
import Glibc
import Synchronization

/// The built program as a child process: what it says, and how it ends.
///
/// Whoever starts one must ``kill()`` it, whatever happens.
final class RollcallProcess: Sendable {
    /// How a process ended.
    enum Ending: Sendable, Hashable {
        case exit(Int32)
        case signal(Int32)
    }

    /// What a test waited for in vain.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private struct State {
        var output: [UInt8] = []
        var ending: Ending?
        /// Counts changes, so that none is missed between a look and a wait.
        var version = 0
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter = 0
    }

    let processID: pid_t
    private let leadsGroup: Bool
    private let state = Mutex(State())

    /// Starts the program with these settings and none of this process's own.
    ///
    /// `program`: the path of another build of it. `leadsGroup`: whether it and its children are a group of their own, as what
    /// somebody starts in a terminal is.
    init(
        _ arguments: [String],
        settings: [String: String] = [:],
        program: String? = nil,
        leadsGroup: Bool = false
    ) throws {
        let path = try program ?? Built.path("rollcall")
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("ROLLCALL_") }
        environment.merge(settings) { _, new in new }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw Failure(description: "no pipe: \(errno)") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        processID = try Self.spawn(
            [path] + arguments,
            environment: environment.map { "\($0)=\($1)" },
            output: ends[1],
            leadsGroup: leadsGroup
        )
        self.leadsGroup = leadsGroup
        let reading = ends[0]
        DispatchQueue(label: "rollcall.process").async { [self] in follow(reading) }
    }

    /// Everything it said so far, on standard output and error.
    var output: String { state.withLock { String(decoding: $0.output, as: UTF8.self) } }

    /// Waits for a line that contains a text.
    func line(containing text: String, within limit: Duration = .seconds(90)) async throws -> String {
        try await wait(for: "\"\(text)\"", within: limit) { state in
            let lines = String(decoding: state.output, as: UTF8.self).split(separator: "\n")
            if let line = lines.first(where: { $0.contains(text) }) { return String(line) }
            if let ending = state.ending { throw Failure(description: "\(ending) before \"\(text)\"") }
            return nil
        }
    }

    /// Waits for its end.
    @discardableResult
    func ending(within limit: Duration = .seconds(90)) async throws -> Ending {
        try await wait(for: "its end", within: limit) { $0.ending }
    }

    /// Sends it a signal; nothing happens once it has ended.
    func signal(_ number: Int32) {
        state.withLock { state in
            // Under the lock, so that its number cannot belong to another process yet.
            if state.ending == nil { _ = Glibc.kill(processID, number) }
        }
    }

    /// Does what Ctrl-C does in a terminal: interrupts the group that it leads.
    func interrupt() {
        precondition(leadsGroup, "the tests are of its group")
        state.withLock { state in
            if state.ending == nil { _ = killpg(processID, SIGINT) }
        }
    }

    /// Ends it as `kill -9` does.
    func kill() {
        signal(SIGKILL)
    }

    private func wait<Value: Sendable>(
        for what: String,
        within limit: Duration,
        _ find: (State) throws -> Value?
    ) async throws -> Value {
        let deadline = ContinuousClock.now + limit
        while true {
            let (found, version) = try state.withLock { (try find($0), $0.version) }
            if let found { return found }
            guard ContinuousClock.now < deadline else {
                throw Failure(description: "waited in vain for \(what); it said:\n\(output.suffix(4000))")
            }
            await change(after: version, until: deadline)
        }
    }

    /// Waits until something has changed since, or time is up.
    private func change(after version: Int, until deadline: ContinuousClock.Instant) async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let waiter = state.withLock { state -> Int? in
                guard state.version == version else { return nil }
                state.lastWaiter += 1
                state.waiters[state.lastWaiter] = continuation
                return state.lastWaiter
            }
            guard let waiter else { return continuation.resume() }
            let left = (deadline - ContinuousClock.now).components.seconds + 1
            DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(Int(left))) { [self] in
                state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
            }
        }
    }

    private func update(_ change: (inout State) -> Void) {
        let waiters = state.withLock { state in
            change(&state)
            state.version += 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Reads what it says until it ends.
    private func follow(_ descriptor: Int32) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            update { $0.output += buffer[..<count] }
        }
        close(descriptor)
        var information = siginfo_t()
        // Left unreaped until its end is noted, so that its number stays its own.
        while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        var status: Int32 = 0
        update { state in
            while waitpid(processID, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7F
            state.ending = signal == 0 ? .exit((status >> 8) & 0xFF) : .signal(signal)
        }
    }
}

extension RollcallProcess {
    /// Runs a command to its end.
    ///
    /// - Returns: the exit code, and what it said.
    static func run(
        _ arguments: String...,
        settings: [String: String]
    ) async throws -> (code: Int32, output: String) {
        let process = try RollcallProcess(arguments, settings: settings)
        defer { process.kill() }
        guard case .exit(let code) = try await process.ending() else {
            throw Failure(description: "\(arguments) was killed:\n\(process.output)")
        }
        return (code, process.output)
    }

    private static func spawn(
        _ arguments: [String],
        environment: [String],
        output: Int32,
        leadsGroup: Bool
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, output, 2)
        // The threads that tests run on block signals, a shell that began them in its background had them ignore Ctrl-C, and a
        // child would inherit both.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGINT)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        // Its own number becomes that of its group.
        if leadsGroup { flags |= POSIX_SPAWN_SETPGROUP }
        posix_spawnattr_setflags(&attributes, Int16(flags))
        let words = arguments.map { strdup($0) } + [nil]
        let variables = environment.map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        var processID: pid_t = 0
        let code = posix_spawn(&processID, arguments[0], &actions, &attributes, words, variables)
        guard code == 0 else { throw Failure(description: "cannot start \(arguments[0]): \(code)") }
        return processID
    }
}
