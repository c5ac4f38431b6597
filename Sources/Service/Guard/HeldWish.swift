package import Domain
import NIOCore

/// What a change that waits asks for, and for whom: enough for a person to know what it is about without its parts.
package struct HeldWish: Sendable, Hashable {
    /// One thing that is asked for, of some agents alike.
    package struct Ask: Sendable, Hashable {
        /// `instance`, `events`, `hold`, `release`, `removal`, `setting`, or `stop` of a listing.
        package var kind: String
        /// Of a hold what it would be.
        package var hold: Hold?
        /// Whether a removal erases the person as well.
        package var erases = false
        /// The session that the agent gets, where only one gets one.
        package var instance: String?
        /// Whether the agents lose their sessions and get no other.
        package var unassigns = false
        /// Of how many agents; counted to 10,000.
        package var agents: Int64
    }

    /// One of those whom it is about.
    package struct Person: Sendable, Hashable {
        package var agentID: String
        /// What the agent is called; may be empty.
        package var name: String
    }

    /// That of most agents first; at most ``askLimit``.
    package var asks: [Ask] = []
    /// Agents whom it is about, each once; counted to 10,000.
    package var concerned: Int64 = 0
    /// The first of them, at most ``personLimit``; nobody of a setting, which is about whoever is on break.
    package var first: [Person] = []

    /// Different things that are told of one change; what else there is its parts tell.
    static let askLimit: Int64 = 4
    /// Agents that are named.
    static let personLimit = 3

    /// Writes the members of a change that say what is asked for.
    func write(to object: inout JSONObjectWriter, _ buffer: inout ByteBuffer) {
        object.name("asks", into: &buffer)
        buffer.writeJSONArray(asks) { $0.write(to: &$1) }
        object.member("concerned", concerned, into: &buffer)
        object.name("first_agents", into: &buffer)
        buffer.writeJSONArray(first) { person, buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("agent_id", person.agentID, into: &buffer)
            object.member("name", person.name, into: &buffer)
            object.end(&buffer)
        }
    }
}

extension HeldWish.Ask {
    fileprivate func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("kind", kind, into: &buffer)
        object.name("hold", into: &buffer)
        buffer.writeHeldHold(hold)
        object.member("erases", erases, into: &buffer)
        object.member("instance", instance, into: &buffer)
        object.member("unassigns", unassigns, into: &buffer)
        object.member("agents", agents, into: &buffer)
        object.end(&buffer)
    }
}

extension ByteBuffer {
    /// Writes the hold that a part of a change is about, or null.
    mutating func writeHeldHold(_ hold: Hold?) {
        guard let hold else {
            writeStaticString("null")
            return
        }
        var object = JSONObjectWriter(&self)
        object.member("state", hold.state.rawValue, into: &self)
        object.member("until", hold.until, into: &self)
        object.member("reason", hold.reason, into: &self)
        object.member("author", hold.author, into: &self)
        object.end(&self)
    }
}
