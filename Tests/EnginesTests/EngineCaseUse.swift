import Domain
import EngineSimulator
import Engines

extension EngineCase {
    /// Whom a case is held against; what is asked of an engine of ours also against the simulator.
    enum Use: Sendable, Hashable {
        /// The client, by one of its four calls (`EngineCaseTests`, `WAHACaseTests`).
        case call(EngineCall)
        /// The client, by what a person pairs a session with (`ReadCaseTests`).
        case pairing(PairingWish)
        /// The client, by its list of sessions (`ReadCaseTests`).
        case list
        /// The simulator alone: the client makes no such call.
        case simulator
        /// The service's route, which the engine calls (`WawpDeliveryTests`, `EngineDeliveryTests`).
        case delivery
        /// Nobody: we have no client for its engine.
        case nobody
    }

    /// `nil` for an operation of which nobody has said so.
    var use: Use? {
        guard EngineKind(rawValue: engine) != nil else { return .nobody }
        if let call { return .call(call) }
        switch operation {
        case "qr", "qrImage": return .pairing(.qr)
        case "requestCode":
            let number = request.body?["phoneNumber"] ?? request.body?["phone_number"]
            return (number?.text).map { .pairing(.code(phoneNumber: $0)) }
        case "tempLinkGet": return .pairing(.link)
        case "tempLinkPost": return .pairing(.newLink)
        case "list": return .list
        case "delivery": return .delivery
        // These create, change or end sessions, or tell of no session's state; `qrRaw` is a picture that one has to draw.
        case "create", "update", "logout", "delete", "me", "qrRaw", "webhookGet", "webhookSet", "rateLimitGet", "ping",
            "health":
            return .simulator
        default: return nil
        }
    }

    /// What the client is asked for; `nil` for a case that is not of pairing.
    var wish: PairingWish? { if case .pairing(let wish)? = use { wish } else { nil } }

    /// Everything that is asked for a person who pairs a session.
    static let pairing = all.filter { $0.wish != nil }

    /// Everything that lists sessions.
    static let lists = all.filter { $0.use == .list }
}
