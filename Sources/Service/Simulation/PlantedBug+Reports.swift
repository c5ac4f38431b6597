import Domain
import FoundationEssentials

/// What a sender's report is wrongly read as.
extension PlantedBug {
    /// `events`: what one report became.
    func spoil(_ events: inout [IncomingEvent]) {
        switch self {
        case .arrivalIsWhen: for place in events.indices { events[place].effectiveAt = events[place].receivedAt }
        case .arrivalIsIdentity:
            for place in events.indices {
                let name = "\(events[place].dedupe.uuidString) \(events[place].receivedAt.microseconds)"
                events[place].dedupe = EventIdentity.named(name, sourceID: events[place].sourceID)
            }
        case .lastPunchDropped: if events.count > 1 { events.removeLast() }
        default: break
        }
    }
}
