import Domain
import FoundationEssentials

extension SessionHint {
    /// What a webhook's body was read as.
    enum Reading: Sendable, Equatable {
        case hint(SessionHint)
        /// It is about something else than a session's state.
        case other
    }

    /// Reads a webhook in either form that is in print.
    ///
    /// Source: Wawp, "session.status", and its older page on the lifecycle; WAHA's docs, "Events".
    ///
    /// - Returns: `nil` when it is no JSON object.
    static func read(_ body: [UInt8]) -> Reading? {
        guard let event = try? JSONDecoder().decode(Event.self, from: Data(body)) else { return nil }
        guard event.event == nil || event.event == "session.status" else { return .other }
        let status = (event.payload?.status ?? event.status).map { SessionStatus(word: $0) }
        return .hint(
            SessionHint(
                id: event.id,
                at: event.timestamp.map { Timestamp(microseconds: $0.clamped * 1_000) }
                    ?? event.ts.map { Timestamp(seconds: $0.clamped) },
                session: event.session ?? event.payload?.name,
                instanceID: event.instanceID,
                status: status
            )
        )
    }

    /// Members that are of another type than in print count as absent.
    private struct Event: Decodable {
        struct Payload: Decodable {
            var name: String?
            var status: String?

            enum CodingKeys: CodingKey {
                case name, status
            }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: CodingKeys.self)
                name = try? container.decode(String.self, forKey: .name)
                status = try? container.decode(String.self, forKey: .status)
            }
        }

        var id, event, session, instanceID, status: String?
        var timestamp, ts: Int64?
        var payload: Payload?

        enum CodingKeys: String, CodingKey {
            case id, event, session, status, timestamp, ts, payload
            case instanceID = "instance_id"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            id = try? container.decode(String.self, forKey: .id)
            event = try? container.decode(String.self, forKey: .event)
            session = try? container.decode(String.self, forKey: .session)
            instanceID = try? container.decode(String.self, forKey: .instanceID)
            status = try? container.decode(String.self, forKey: .status)
            timestamp = try? container.decode(Int64.self, forKey: .timestamp)
            ts = try? container.decode(Int64.self, forKey: .ts)
            payload = try? container.decode(Payload.self, forKey: .payload)
        }
    }
}

extension Int64 {
    /// Held within what a time may be, so that no arithmetic with it can overflow.
    fileprivate var clamped: Int64 { Swift.min(Swift.max(self, 0), 9_000_000_000_000) }
}
