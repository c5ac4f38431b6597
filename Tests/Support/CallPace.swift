/// Judges how fast and in what order calls reached the engine, by its log alone.
package struct CallPace: Sendable {
    /// One call, as the engine's log has it.
    package struct Call: Sendable, Hashable {
        package var instance: String
        /// `start`, `stop`, `restart`, `info` or `list`.
        package var operation: String
        /// Microseconds of the machine's wall clock.
        package var receivedAt: Int64
        package var answeredAt: Int64?

        package var isCommand: Bool { operation != "info" && operation != "list" }

        package init(instance: String, operation: String, receivedAt: Int64, answeredAt: Int64?) {
            self.instance = instance
            self.operation = operation
            self.receivedAt = receivedAt
            self.answeredAt = answeredAt
        }
    }

    /// A time in which a command waited to leave.
    package struct Wait: Sendable, Hashable {
        package var instance: String
        package var from: Int64
        package var to: Int64
    }

    /// How long before its arrival a call may have been let go, in microseconds: what lies between is a thread's turn, the
    /// client, loopback and the engine's turn to read.
    static let tolerance: Int64 = 200_000
    package static let second: Int64 = 1_000_000

    /// In the order in which they arrived.
    package let calls: [Call]

    package init(_ calls: [Call]) {
        self.calls = calls.sorted { $0.receivedAt < $1.receivedAt }
    }

    /// The most calls that arrived within any span of so many microseconds.
    package func most(within span: Int64) -> Int {
        var most = 0
        var first = 0
        for (place, call) in calls.enumerated() {
            while call.receivedAt - calls[first].receivedAt >= span { first += 1 }
            most = max(most, place - first + 1)
        }
        return most
    }

    /// The calls that arrived while one of the waits lasted and are not among those that may.
    package func overtaking(_ waits: [Wait], unless mayLeave: (Call) -> Bool) -> [Call] {
        var spans: [(from: Int64, to: Int64)] = []
        for wait in waits.sorted(by: { $0.from < $1.from }) where wait.from < wait.to {
            if let last = spans.last, wait.from <= last.to {
                spans[spans.count - 1].to = max(last.to, wait.to)
            } else {
                spans.append((wait.from, wait.to))
            }
        }
        return calls.filter { call in
            !mayLeave(call) && spans.contains { $0.from < call.receivedAt && call.receivedAt < $0.to }
        }
    }

    /// How long commands waited that people asked for: from the answer to their events to their arrival.
    ///
    /// `known`: how long it takes until the holder has such a command in line, in microseconds.
    package func waits(answeredAt: [String: Int64], known: Int64) -> [Wait] {
        answeredAt.compactMap { instance, answered in
            let command = calls.first { $0.instance == instance && $0.isCommand && $0.receivedAt >= answered - known }
            return command.map { Wait(instance: instance, from: answered + known, to: $0.receivedAt - Self.tolerance) }
        }
    }

    /// How long repairs waited: from the answer to the look that found the drift to their arrival.
    ///
    /// `known`: how long it takes until the holder has such a command in line, in microseconds.
    package func repairWaits(of instances: Set<String>, since: Int64, known: Int64) -> [Wait] {
        var lookedAt: [String: Int64] = [:]
        var waits: [Wait] = []
        for call in calls where instances.contains(call.instance) && call.receivedAt >= since {
            if call.isCommand {
                guard let found = lookedAt.removeValue(forKey: call.instance) else { continue }
                waits.append(Wait(instance: call.instance, from: found + known, to: call.receivedAt - Self.tolerance))
            } else if let answered = call.answeredAt {
                lookedAt[call.instance] = answered
            }
        }
        return waits
    }
}
