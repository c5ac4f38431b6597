import Domain
import NIOCore

extension AdminRoutes {
    /// `GET /_sim`: how many sessions are in which status, how many calls came.
    func summary() throws -> ContractReply {
        struct Summary: Encodable {
            var sessions: Int
            var byStatus: [String: Int]
            var calls: Int
            var callsByOperation: [String: Int]
        }
        let summary = fleet.withWorld { world, now in
            world.settleAll(now: now)
            var byStatus: [String: Int] = [:]
            for session in world.sessions { byStatus[session.status.word, default: 0] += 1 }
            return Summary(
                sessions: world.sessions.count,
                byStatus: byStatus,
                calls: world.log.total,
                callsByOperation: Dictionary(uniqueKeysWithValues: world.log.counts.map { ($0.key.rawValue, $0.value) })
            )
        }
        return ContractReply(status: 200, body: try encodedJSON(summary))
    }

    /// `GET /_sim/sessions`: every session as it is.
    func listSessions() -> ContractReply {
        let body = fleet.withWorld { world, now in
            world.settleAll(now: now)
            var body = ByteBuffer(string: "{\"sessions\":[")
            for (index, session) in world.sessions.enumerated() {
                if index > 0 { body.writeStaticString(",") }
                session.write(to: &body)
            }
            body.writeStaticString("]}")
            return body
        }
        return ContractReply(status: 200, body: body)
    }

    /// `POST /_sim/sessions`: makes `count` sessions, `{n}` in the patterns standing for 1, 2, 3 and so on.
    func createSessions(_ body: ByteBuffer) throws -> ContractReply {
        struct Order: Decodable {
            var count: Int
            var first: Int?
            var instanceId: String?
            var sessionName: String?
            var status: String?
            var paired: Bool?
        }
        let order = try decodedJSON(Order.self, from: body)
        guard (0...1_000_000).contains(order.count) else { throw Refusal(message: "count must be 0 to 1,000,000") }
        let first = order.first ?? 1
        let pattern = order.instanceId ?? "SIM{n}"
        guard order.count < 2 || pattern.contains("{n}") else { throw Refusal(message: "instance_id needs {n}") }
        fleet.withWorld { world, now in
            for number in first..<(first + order.count) {
                let seed = SimulatorConfiguration.Seed(
                    instanceID: filled(pattern, number),
                    sessionName: filled(order.sessionName ?? "wawp-{n}", number),
                    status: SessionStatus(word: order.status ?? "STOPPED"),
                    isPaired: order.paired ?? true
                )
                world.put(SimulatedSession(seed: seed, now: now))
            }
        }
        return .json(200, "{\"created\":\(order.count)}")
    }

    /// `PUT /_sim/sessions`: makes or changes the sessions named; what is not named stays as it is.
    func putSessions(_ body: ByteBuffer) throws -> ContractReply {
        struct Entry: Decodable {
            var instanceId: String
            var sessionName: String?
            var status: String?
            var paired: Bool?
            /// How long ago the last stop was acknowledged, simulated.
            var stoppedMsAgo: Int64?
            /// When, simulated and from now, the session will change by itself, and to what.
            var thenStatus: String?
            var afterMs: Int64?
        }
        struct Order: Decodable {
            var sessions: [Entry]
        }
        let order = try decodedJSON(Order.self, from: body)
        guard order.sessions.allSatisfy({ !$0.instanceId.isEmpty }) else {
            throw Refusal(message: "instance_id must not be empty")
        }
        fleet.withWorld { world, now in
            for entry in order.sessions {
                let seed = SimulatorConfiguration.Seed(
                    instanceID: entry.instanceId,
                    sessionName: "wawp-\(entry.instanceId)"
                )
                let index = world.find(entry.instanceId, now: now) ?? world.put(SimulatedSession(seed: seed, now: now))
                world.edit(index) { session in
                    if let name = entry.sessionName { session.name = name }
                    if let paired = entry.paired { session.isPaired = paired }
                    if let ago = entry.stoppedMsAgo { session.stoppedAt = now - .milliseconds(ago) }
                    if entry.status != nil {
                        session.steps = []
                        session.codes = 0
                    }
                }
                if let word = entry.status { world.enter(index, SessionStatus(word: word), at: now) }
                if let word = entry.thenStatus {
                    world.schedule(index, SessionStatus(word: word), at: now + .milliseconds(entry.afterMs ?? 0))
                }
            }
        }
        return .json(200, "{\"changed\":\(order.sessions.count)}")
    }

    /// `DELETE /_sim/sessions`: forgets all of them.
    func removeSessions() -> ContractReply {
        fleet.withWorld { world, _ in world.removeAllSessions() }
        return .json(200, "{\"removed\":true}")
    }

    /// `POST /_sim/scan`: a person scans the code of the sessions in `scope`.
    func scan(_ body: ByteBuffer) throws -> ContractReply {
        struct Order: Decodable {
            var scope: FaultScope
        }
        let order = try decodedJSON(Order.self, from: body)
        let count = fleet.withWorld { world, now in
            world.settleAll(now: now)
            var count = 0
            for index in world.sessions.indices where order.scope.contains(world.sessions[index].instanceID) {
                world.pair(index, now: now)
                count += 1
            }
            return count
        }
        return .json(200, "{\"paired\":\(count)}")
    }

    private func filled(_ pattern: String, _ number: Int) -> String {
        pattern.split(separator: "{n}", omittingEmptySubsequences: false).joined(separator: "\(number)")
    }
}

extension World {
    /// Lets everything happen that is due by now.
    mutating func settleAll(now: Timestamp) {
        for index in sessions.indices { settle(index, now: now) }
    }
}

extension SimulatedSession {
    /// Appends the session as one JSON object.
    func write(to buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"instance_id\":")
        buffer.writeJSON(instanceID)
        buffer.writeStaticString(",\"session_name\":")
        buffer.writeJSON(name)
        buffer.writeStaticString(",\"status\":")
        buffer.writeJSON(status.word)
        buffer.writeString(",\"paired\":\(isPaired),\"since\":\"\(since.rfc3339)\",\"boots\":\(boots)}")
    }
}
