/// How badly a network treats what goes over it, in thousandths; drawn anew for every operation.
struct Weather: Sendable, Hashable {
    /// Fails before it has any effect.
    var refused = 0
    /// Takes effect, and nobody hears of it.
    var lostReplies = 0
    /// Nothing comes back until the caller gives up; half of these take effect.
    var hung = 0
    /// Takes up to a second and more.
    var slow = 0

    static let fair = Weather()

    /// What becomes of one operation.
    enum Fate: Sendable, Hashable {
        case fine, refused, lostReply
        /// Takes effect, but no standby is known to have it.
        case notReplicated
        case hung(withEffect: Bool)
    }

    func fate(_ numbers: inout SeededNumbers) -> (fate: Fate, there: Int64, back: Int64) {
        guard self != .fair else { return (.fine, 200 + Int64(numbers.below(1800)), 200 + Int64(numbers.below(1800))) }
        let isSlow = numbers.chance(slow)
        let there = numbers.microseconds(isSlow ? 5000...400_000 : 200...3000)
        let back = numbers.microseconds(isSlow ? 5000...400_000 : 200...3000)
        let draw = numbers.below(1000)
        let fate: Fate =
            switch draw {
            case ..<refused: .refused
            case ..<(refused + lostReplies): numbers.chance(300) ? .notReplicated : .lostReply
            case ..<(refused + lostReplies + hung): .hung(withEffect: numbers.chance(500))
            default: .fine
            }
        return (fate, there, back)
    }
}
