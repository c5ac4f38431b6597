import Domain

/// A pairing read that waits for the engine, and the person who waits for it.
struct PairingJob: Sendable {
    var wish: PairingWish
    var address: SessionAddress
    /// `nil` when the call was kept back.
    var answer: OneShot<PairingAnswer?>
}
