/// What pairs a session with a telephone again, as a person asks for it.
package enum PairingWish: Sendable, Hashable {
    /// A picture to scan with the telephone.
    case qr
    /// A code to type into the telephone with this number: digits, with the country, without a plus.
    case code(phoneNumber: String)
    /// The link to a page with the picture that there is already.
    case link
    /// A new link, which ends the one before.
    case newLink
}

/// What a person pairs a session with.
///
/// Whoever holds it can take the session over: it is shown to who asked, and is in no log, no table and no cache.
package struct PairingOffer: Sendable, Hashable {
    /// The picture as a `data:image/png` address, the code, or the link.
    package var value: String
    /// When it ends, where the engine says so.
    package var expiresAt: Timestamp?

    package init(value: String, expiresAt: Timestamp? = nil) {
        self.value = value
        self.expiresAt = expiresAt
    }
}

extension PairingOffer: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Says what it is and nothing more.
    package var description: String { "pairing offer" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// What came of asking for a ``PairingOffer``.
package enum PairingAnswer: Sendable, Hashable {
    case offer(PairingOffer)
    /// There is no link yet.
    case none
    /// The engine has nothing of this kind.
    case notOffered
    /// The engine refused, or nothing usable came back.
    case refused(EngineAnswer)

    /// Whether the engine may have been asked; not where the call was taken back.
    package var wasSent: Bool {
        if case .refused(let answer) = self { return answer.verdict != .notSent }
        return true
    }
}

/// An engine with reads that let a person pair a session.
///
/// They change neither the session nor its pairing; what changes it is the person's telephone.
package protocol PairingEngine: SessionEngine {
    /// Asks for what pairs a session.
    ///
    /// Never throws, and ends by itself, as ``SessionEngine/send(_:to:departure:)``.
    func pairing(_ wish: PairingWish, of session: SessionAddress, departure: CallDeparture) async -> PairingAnswer
}

extension PairingEngine {
    /// Asks whenever the call can leave.
    package func pairing(_ wish: PairingWish, of session: SessionAddress) async -> PairingAnswer {
        await pairing(wish, of: session, departure: CallDeparture())
    }
}
