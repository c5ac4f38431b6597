import Domain
import FoundationEssentials
import NIOCore

/// The routes under `/_sim/`: how a test or a demonstration moves the simulated world and looks at it.
///
/// All bodies are JSON with names in snake case. They ask for no credential, so a simulator belongs on
/// loopback. `docs/simulator.md` describes each with an example.
struct AdminRoutes: Sendable {
    let fleet: Fleet

    /// A request that cannot be understood, in words for its sender.
    struct Refusal: Error {
        var message: String
    }

    func respond(method: String, path: Substring, query: Substring, body: ByteBuffer) -> ContractReply {
        do {
            return try route(method: method, path: path.dropFirst("/_sim".count), query: query, body: body)
        } catch let refusal as Refusal {
            return .message(400, refusal.message)
        } catch let error as DecodingError {
            return .message(400, "the body does not fit this route: \(error)")
        } catch {
            return .message(500, "\(error)")
        }
    }

    private func route(method: String, path: Substring, query: Substring, body: ByteBuffer) throws -> ContractReply {
        switch (method, path) {
        case ("GET", ""), ("GET", "/"): try summary()
        case ("GET", "/sessions"): listSessions()
        case ("POST", "/sessions"): try createSessions(body)
        case ("PUT", "/sessions"): try putSessions(body)
        case ("DELETE", "/sessions"): removeSessions()
        case ("POST", "/scan"): try scan(body)
        case ("GET", "/faults"): try listFaults()
        case ("PUT", "/faults"), ("POST", "/faults"): try strike(body)
        case ("DELETE", "/faults"): removeFaults(query)
        case ("GET", "/behaviour"): try behaviour()
        case ("PUT", "/behaviour"), ("POST", "/behaviour"): try changeBehaviour(body)
        case ("GET", "/calls"): calls(query)
        case ("GET", "/clock"): clock()
        case ("PUT", "/clock"), ("POST", "/clock"): try moveClock(body)
        case ("GET", "/webhooks"): try webhooks()
        case ("PUT", "/webhooks"), ("POST", "/webhooks"): try changeWebhooks(body)
        case ("POST", "/reset"), ("PUT", "/reset"): reset()
        default: .message(404, "no such route; see docs/simulator.md")
        }
    }

    // MARK: Behaviour

    private func behaviour() throws -> ContractReply {
        ContractReply(status: 200, body: try encodedJSON(fleet.withWorld { world, _ in world.behaviour }))
    }

    /// `PUT /_sim/behaviour`: changes the switches that are named, leaves the others.
    private func changeBehaviour(_ body: ByteBuffer) throws -> ContractReply {
        try fleet.withWorld { world, _ in
            world.behaviour = try merged(world.behaviour, with: body, optional: ["quota_left"])
        }
        return try behaviour()
    }

    // MARK: Webhooks

    private func webhooks() throws -> ContractReply {
        ContractReply(status: 200, body: try encodedJSON(fleet.withWorld { world, _ in world.webhooks }))
    }

    /// `PUT /_sim/webhooks`: where events go and how; what is not named stays.
    private func changeWebhooks(_ body: ByteBuffer) throws -> ContractReply {
        try fleet.withWorld { world, _ in
            world.webhooks = try merged(world.webhooks, with: body, optional: ["secret"])
            world.setAlarms()
        }
        return try webhooks()
    }

    /// Lays the members of a JSON object over a value; a name that it does not have is refused.
    private func merged<Value: Codable>(_ value: Value, with body: ByteBuffer, optional: Set<String>) throws -> Value {
        guard case .object(let changes) = try decodedJSON(JSONValue.self, from: body),
            case .object(var members) = try decodedJSON(JSONValue.self, from: try encodedJSON(value))
        else { throw Refusal(message: "the body must be a JSON object") }
        for (name, change) in changes {
            guard members[name] != nil || optional.contains(name) else { throw Refusal(message: "no switch \(name)") }
            members[name] = change
        }
        return try decodedJSON(Value.self, from: try encodedJSON(JSONValue.object(members)))
    }

    // MARK: Clock

    private func clock() -> ContractReply {
        .json(200, "{\"now\":\"\(fleet.clock.now.rfc3339)\",\"speed\":\(fleet.clock.speed)}")
    }

    /// `PUT /_sim/clock`: `speed` (0 stands still) and `advance_ms`, in this order.
    private func moveClock(_ body: ByteBuffer) throws -> ContractReply {
        struct Order: Decodable {
            var speed: Double?
            var advanceMs: Int64?
        }
        let order = try decodedJSON(Order.self, from: body)
        if let speed = order.speed {
            guard speed >= 0, speed <= 1_000_000 else { throw Refusal(message: "speed must be 0 to 1,000,000") }
            fleet.clock.setSpeed(speed)
        }
        if let advance = order.advanceMs {
            guard (0...(1 << 50)).contains(advance) else { throw Refusal(message: "advance_ms must not be negative") }
            fleet.clock.advance(by: .milliseconds(advance))
        }
        return clock()
    }

    private func reset() -> ContractReply {
        fleet.reset()
        return .json(200, "{\"reset\":true}")
    }
}

extension ContractReply {
    /// An admin route's answer in words.
    static func message(_ status: Int, _ text: String) -> ContractReply {
        var body = ByteBuffer(string: "{\"message\":")
        body.writeJSON(text)
        body.writeStaticString("}")
        return ContractReply(status: status, body: body)
    }
}
