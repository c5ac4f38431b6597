import Domain

/// What becomes of a code that nobody scans.
extension World {
    /// Takes in whose contract the first call speaks that names a session.
    mutating func adopt(_ index: Int, by contract: Contract, now: Timestamp) {
        guard sessions[index].contract == nil else { return }
        edit(index) { $0.contract = contract }
        guard contract == .waha, sessions[index].status == .scanQRCode else { return }
        // It began to ask before anybody could know how long its codes last.
        edit(index) { session in session.steps.removeAll { $0.status == .scanQRCode } }
        scheduleNextCode(index, after: sessions[index].since)
        settle(index, now: now)
    }

    /// Writes down what follows the code that a session shows since an instant: the next one, or the end of them.
    ///
    /// Source: WAHA's docs, "Sessions": the first lasts 60 s, up to five more 20 s each, then the session is FAILED. Wawp's pages
    /// name no end; there a new code only tells whoever listens.
    mutating func scheduleNextCode(_ index: Int, after instant: Timestamp) {
        let session = sessions[index]
        switch session.contract {
        case .waha:
            let life: Duration = session.codes > 1 ? .seconds(20) : .seconds(60)
            schedule(index, session.codes < Self.wahaCodes ? .scanQRCode : .failed, at: instant + life)
        case .wawp, nil:
            guard !webhooks.urls.isEmpty || !session.webhooks.isEmpty else { return }
            schedule(index, .scanQRCode, at: instant + configuration.qrLife)
        }
    }

    /// How many codes WAHA shows.
    private static let wahaCodes = 6
}

extension SimulatedSession {
    /// Counts a code where the status that begins shows one.
    mutating func countCode(_ next: SessionStatus) {
        codes = next == .scanQRCode ? (status == .scanQRCode ? codes + 1 : 1) : 0
    }
}
