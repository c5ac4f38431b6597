import ClockSources

/// What people read for how a delivery was read.
enum ReadingWords {
    /// The sentence for what is kept as a delivery's `reading`, or for a label of one.
    static func sentence(_ reading: String) -> String {
        if let sentence = labels[reading] { return sentence }
        if reading.hasPrefix("fetch ") {
            return "It names \(reading.dropFirst("fetch ".count)), which is fetched from the sender's API."
        }
        guard reading.hasSuffix(" punches"), let count = Int(reading.prefix { $0 != " " }) else { return reading }
        switch count {
        case 0: return "It says nothing about anybody's presence."
        case 1: return "It says one thing about somebody's presence."
        default: return "It says \(count) things about presence."
        }
    }

    private static let labels: [String: String] = [
        DeliveryLabel.unusable: "It is genuine, but not in the shape that the sender documents.",
        DeliveryLabel.unknownType: "It is of a type that says nothing about presence.",
        DeliveryLabel.unmappedWord: "It says a word that neither the settings (_MAP) nor this kind of source explain.",
        DeliveryLabel.handshake: "It is a test call or handshake, about nobody.",
        DeliveryLabel.tooManyItems: "It says more than is taken from one body.",
        DeliveryLabel.empty: "It is a list with nothing in it.",
        DeliveryLabel.noVersion: "A record that should be numbered came without its version.",
        DeliveryLabel.unusableBreak: "A break that could not be placed in time was left out.",
        DeliveryLabel.unusableItem: "One item of the list could not be read; the others count.",
        DeliveryLabel.closedWithoutEnd: "The sender calls a record closed without saying when it ended.",
        DeliveryLabel.noDirection: "A device recorded that somebody came or went, but not which.",
        DeliveryLabel.ambiguousLocalTime: "A local time that the clock showed twice or not at all.",
        DeliveryLabel.noTimeZone: "A local time came, and the settings (_TIME_ZONE) name no zone.",
        DeliveryLabel.autoClockOut: "Nobody clocked out: the sender's own rule did.",
        DeliveryLabel.endNotSent: "The sender is not set up to say when a record ends.",
        DeliveryLabel.rejected: "A person turned the record down.",
        DeliveryLabel.recordGone: "The sender has no record of the id that was named.",
        DeliveryLabel.endBeforeStart: "A record ends before it starts.",
    ]
}
