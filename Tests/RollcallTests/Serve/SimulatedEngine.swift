/// The simulated engine of one installation: how it is moved, and what it saw.
struct SimulatedEngine: Sendable {
    let http: PlainHTTP

    /// One call as the engine's log has it.
    struct Call: Decodable, Sendable {
        var operation: String
        var instanceId: String
        var effect: String
        /// The session's status when the call came; `nil` where the engine did not look at it.
        var before: String?
        /// 0 when no answer was given.
        var httpStatus: Int
        var receivedMonotonicUs: Int64
        var answeredMonotonicUs: Int64?
        var receivedAtUs: Int64
        var number: Int
        /// Which of the engine's tokens it came with; `nil` where there is but one.
        var caller: Int?
    }

    /// Makes a session, or changes it.
    func put(_ instance: String, _ status: String, isPaired: Bool = true) async throws {
        try await admin(
            "PUT",
            "sessions",
            #"{"sessions":[{"instance_id":"\#(instance)","status":"\#(status)","paired":\#(isPaired)}]}"#
        )
    }

    /// Orders a fault for one operation on one instance; `milliseconds` are real ones.
    func fault(_ kind: String, on operation: String, of instance: String, milliseconds: Int) async throws {
        let simulated = milliseconds * Installation.speed
        try await admin(
            "PUT",
            "faults",
            #"{"kind":"\#(kind)","scope":"\#(instance)","operations":["\#(operation)"],"params":{"ms":\#(simulated)}}"#
        )
    }

    /// What is true of a session, whatever anybody says; `nil` for one that does not exist.
    func status(of instance: String) async throws -> String? {
        struct Sessions: Decodable {
            struct Session: Decodable {
                var instanceId: String
                var status: String
            }
            var sessions: [Session]
        }
        let sessions: Sessions = try await admin("GET", "sessions").decoded()
        return sessions.sessions.first { $0.instanceId == instance }?.status
    }

    /// The calls that change a session, oldest first.
    func commands(of instance: String) async throws -> [Call] {
        struct Log: Decodable {
            var calls: [Call]
        }
        let log: Log = try await admin("GET", "calls").decoded()
        return log.calls.filter { $0.instanceId == instance && $0.operation != "info" }
    }

    /// Every call that ever came, oldest first.
    func calls() async throws -> [Call] {
        struct Page: Decodable {
            var total: Int
            var next: Int
            var calls: [Call]
        }
        var calls: [Call] = []
        var next = 0
        while true {
            let page: Page = try await admin("GET", "calls?since=\(next)").decoded()
            calls += page.calls
            next = page.next
            if page.calls.isEmpty || next >= page.total { return calls }
        }
    }

    /// What is true of every session, whatever anybody says.
    func statuses() async throws -> [String: String] {
        struct Sessions: Decodable {
            struct Session: Decodable {
                var instanceId: String
                var status: String
            }
            var sessions: [Session]
        }
        let sessions: Sessions = try await admin("GET", "sessions").decoded()
        return Dictionary(sessions.sessions.map { ($0.instanceId, $0.status) }) { first, _ in first }
    }

    /// How many calls of one operation came in all.
    func count(of operation: String) async throws -> Int {
        struct Log: Decodable {
            var counts: [String: Int]
        }
        let log: Log = try await admin("GET", "calls?limit=0").decoded()
        return log.counts[operation] ?? 0
    }

    @discardableResult
    func admin(_ method: String, _ path: String, _ json: String? = nil) async throws -> Answer {
        let answer = try await http.send(method, "/_sim/\(path)", body: json.map { Array($0.utf8) })
        guard answer.status == 200 else { throw PlainHTTP.Failure(reason: answer.text) }
        return answer
    }
}
