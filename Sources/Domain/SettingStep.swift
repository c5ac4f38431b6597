/// What a replica does about a setting of its own that has to be the same for everybody.
///
/// The setting in force is in the database, and no replica acts on its own. Restarted one by one with another setting, replicas
/// disagree for a while: then the one in force goes on, so nothing goes to and fro.
package enum SettingStep: Sendable, Hashable {
    /// None is in force yet: replicas of an earlier release live, and do not say what theirs is.
    case unsettled
    /// It is in force.
    case inForce
    /// Living replicas have different ones: the one in force goes on until all have the same.
    case disagreed
    /// Every living replica has it: it is judged, and comes into force or waits for somebody.
    case ask
    /// It waits for somebody.
    case waits
    /// Somebody refused it: the one in force goes on until another is asked for.
    case refused
    /// Another one waits that no replica has any more.
    case withdraw

    /// Whether it is done only where the look before found it too, since it follows from every living replica being heard: when the
    /// database comes back, some are heard before others.
    package var needsSecondLook: Bool {
        switch self {
        case .ask, .withdraw: true
        case .unsettled, .inForce, .disagreed, .waits, .refused: false
        }
    }
}

/// What was asked for of a setting, and what became of it.
package struct AskedSetting: Sendable, Hashable {
    package var value: String
    /// Whether it still waits.
    package var isHeld: Bool
    package var isRefused: Bool

    package init(value: String, isHeld: Bool, isRefused: Bool) {
        self.value = value
        self.isHeld = isHeld
        self.isRefused = isRefused
    }
}

/// Decides what a replica does about its setting.
///
/// Pure.
///
/// - Parameters:
///   - own: what the replica was started with.
///   - inForce: what everybody acts on.
///   - isAgreed: whether every living replica was started with the same.
///   - asked: what was asked for last, unless it came into force.
/// - Returns: how the setting stands, and so what is to be done; never `.unsettled`, since one is in force.
package func settingStep(own: String, inForce: String, isAgreed: Bool, asked: AskedSetting?) -> SettingStep {
    guard own != inForce else {
        guard let asked, asked.value != own else { return .inForce }
        return isAgreed ? .withdraw : .inForce
    }
    if let asked, asked.value == own {
        if asked.isHeld { return .waits }
        if asked.isRefused { return .refused }
    }
    return isAgreed ? .ask : .disagreed
}
