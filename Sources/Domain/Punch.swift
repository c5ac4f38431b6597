/// What a clock event says happened.
package enum PunchKind: String, Sendable, Hashable, CaseIterable {
    case clockIn = "clock_in"
    case clockOut = "clock_out"
    case breakStart = "break_start"
    case breakEnd = "break_end"
    /// A record was withdrawn; only sources that send records say this.
    case void

    /// The number stored in `clock_events.kind`.
    package var code: Int16 {
        switch self {
        case .clockIn: 1
        case .clockOut: 2
        case .breakStart: 3
        case .breakEnd: 4
        case .void: 5
        }
    }

    /// Reads back what ``code`` wrote.
    package init?(code: Int16) {
        guard let kind = Self.allCases.first(where: { $0.code == code }) else { return nil }
        self = kind
    }
}
