import Domain
import HTTPTypes
import Hummingbird
import LibPQ
import NIOCore

/// `POST /v1/agents/{agent}/pairing`: what an agent pairs the session with again.
///
/// A POST: it makes a call and may make a link, a browser keeps no copy, and a telephone number stands in no address.
struct PairingRoutes: Sendable {
    private let reads: AgentReads
    private let pool: PQPool
    private let orders: AgentOrders
    private let desk: PairingDesk?
    private let limits: BodyLimits

    /// Seconds after which a picture is asked for again.
    ///
    /// Source: Wawp, "QR Image", and WAHA's docs, "Sessions": it lives for 20 s and more.
    private static let pictureLife = 10

    /// Seconds for which a code is shown whose end the engine does not say, as none does: a dead one would keep somebody typing.
    private static let codeLife = 180
    /// Seconds after which a link whose end cannot be read is asked for again, which brings the same one while it lives.
    private static let linkLife = 60

    /// Seconds after which it is worth asking again whether a session that starts has a code.
    private static let bootLook = 3

    private enum Kind: String, CaseIterable {
        case qr, code, link

        /// How long an offer is shown without a word of the engine on when it ends.
        var life: Int {
            switch self {
            case .qr: pictureLife
            case .code: codeLife
            case .link: linkLife
            }
        }
    }

    init(_ dependencies: ManagementDependencies) {
        reads = dependencies.reads
        pool = dependencies.pool
        orders = dependencies.orders
        desk = dependencies.pairing
        limits = dependencies.limits
    }

    @Sendable
    func ask(_ request: Request, context: AppRequestContext) async throws -> Response {
        let caller = try context.require(.manage)
        let agentID = try context.agentID()
        let fields = try await jsonBody(request, context: context, limits: limits)
        guard let kind = try fields.word("as", as: Kind.self) else { throw Problem.invalid("as", "It is missing.") }
        let wish: PairingWish =
            switch kind {
            case .qr: .qr
            case .code: .code(phoneNumber: try Self.phoneNumber(fields))
            case .link: .link
            }
        guard let details = try await reads.agent(agentID, for: caller) else { throw Problem(.notFound) }
        guard let spec = details.instanceSpec, let account = details.account else { throw Problem(.noInstance) }
        guard details.reading.map({ SessionStatus(word: $0) }) == .scanQRCode else {
            let isPersons = request.headers[.rollcallReread] == nil
            throw try await refusal(agentID, isPersons: isPersons, by: caller)
        }
        guard let desk else { throw Problem(.engineUnavailable) }
        // Whoever sees it can take the session over, so who asked is known even if nothing came of it.
        _ = try await pool.query(
            "INSERT INTO audit (actor, deed, subject) VALUES (\(caller.name), \("agent.pairing_" + kind.rawValue), \(agentID))"
        )
        let address = SessionAddress(instanceID: spec.instanceID, sessionName: spec.sessionName)
        var answer = try await desk.ask(wish, of: address, account: account)
        if answer == .none { answer = try await desk.ask(.newLink, of: address, account: account) }
        if case .refused(let refusal) = answer, refusal.verdict == .already {
            // Somebody scanned it: that is seen at once, however many others are looked at until they scan theirs.
            try await orders.lookOnce(agentID, by: caller)
        }
        return Self.answer(kind, try Self.offer(answer))
    }

    /// Why a session that asks for no scan has nothing to show; one whose codes ran out starts anew for a person.
    private func refusal(_ agentID: String, isPersons: Bool, by caller: Caller) async throws -> Problem {
        switch try await orders.wantPairing(agentID, isPersons: isPersons, by: caller) {
        case .notNeeded: Problem(.noPairingNeeded)
        case .ranOut: Problem(.codesRanOut)
        case .begins: Problem(.pairingBegins, retryAfter: Self.bootLook)
        }
    }

    private static func phoneNumber(_ fields: JSONFields) throws(Problem) -> String {
        let text = try fields.requiredText("phone_number", limit: 32)
        let digits = text.filter { !" -().".contains($0) }
        let number = digits.hasPrefix("+") ? digits.dropFirst() : digits[...]
        guard (7...15).contains(number.utf8.count), number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .invalid("phone_number", "Expected 7 to 15 digits with the country's code.")
        }
        return String(number)
    }

    /// - Throws: why there is none.
    private static func offer(_ answer: PairingAnswer) throws(Problem) -> PairingOffer {
        switch answer {
        case .offer(let offer): return offer
        case .none, .notOffered: throw Problem(.notOffered)
        case .refused(let refusal):
            switch refusal.verdict {
            case .already: throw Problem(.noPairingNeeded)
            case .missing: throw Problem(.sessionMissing)
            case .ok, .verify, .errorBody, .permanent, .auth, .transient, .unreachable, .ambiguous, .notSent:
                throw Problem(.engineUnavailable, retryAfter: 5)
            }
        }
    }

    private static func answer(_ kind: Kind, _ offer: PairingOffer) -> Response {
        .json { buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("kind", kind.rawValue, into: &buffer)
            object.member("value", offer.value, into: &buffer)
            let isAskedAgain = kind == .qr || offer.expiresAt == nil
            object.member("refresh_after", isAskedAgain ? kind.life : nil, into: &buffer)
            object.member("expires_at", offer.expiresAt, into: &buffer)
            object.end(&buffer)
        }
    }
}
