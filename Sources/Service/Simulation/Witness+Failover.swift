import Domain

/// What a failover takes away.
extension Witness.State {
    /// What is judged of an instance by what is stored, and not by what the engine was asked.
    struct Stored: Sendable {
        var stopsOfFailed: Int
        var scanAskedAt: Timestamp?
    }

    /// From now on what is written may be lost: no standby has it.
    mutating func keepStored() {
        kept = tracks.mapValues { Stored(stopsOfFailed: $0.stopsOfFailed, scanAskedAt: $0.scanAskedAt) }
    }

    /// A failover lost the last writes, which no standby had: no event of them may have been answered, and no intent of them may have
    /// led to a call.
    mutating func cutLedger(to tables: MemoryTables) {
        for event in events.dropFirst(tables.events.count) { loseRow(event.event) }
        events = Array(events.prefix(tables.events.count))
        withdrawn = Set(events.map(\.event).filter { $0.kind == .void }.compactMap(\.record))
        for (instance, track) in tracks.sorted(by: { $0.key < $1.key }) { cut(instance, track, to: tables) }
    }

    private mutating func cut(_ instance: Int64, _ track: Witness.Track, to tables: MemoryTables) {
        let commands = tables.commands.filter { $0.intent.instance == instance }
        var intents = track.intents
        for place in intents.indices.reversed() {
            if let command = commands.last(where: { $0.intent.id == intents[place].id }) {
                if command.endedAt == nil { intents[place].verdict = nil }
            } else {
                let lost = intents.remove(at: place)
                guard lost.call != nil else { continue }
                violate(
                    .intentBeforeCommand,
                    "\(lost.action.rawValue) of instance \(instance), whose intent a failover took"
                )
            }
        }
        tracks[instance]?.intents = intents
        tracks[instance]?.outcomeAt = commands.last { $0.endedAt != nil }?.endedAt
        tracks[instance]?.stopsOfFailed = kept[instance]?.stopsOfFailed ?? 0
        tracks[instance]?.scanAskedAt = kept[instance]?.scanAskedAt
    }
}
