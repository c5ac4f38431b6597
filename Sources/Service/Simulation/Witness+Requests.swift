import Domain
import FoundationEssentials

/// What serves a request, down to whatever it awaits; what it begins in the reconciler is no part of it.
enum Serving {
    @TaskLocal static var isRequest = false
}

/// What a request may do, and by whose clock.
extension Witness.State {
    /// Something asks the engine; a request never does, but for a pairing's read, which is in no simulation.
    mutating func asked(_ call: EngineCall?, of name: String, by replica: UUID) {
        guard Serving.isRequest else { return }
        violate(.requestsCallNoEngine, "a request at \(replica.short) calls \(call?.rawValue ?? "list") of \(name)")
    }

    /// A request's transaction is about to be committed.
    ///
    /// `before`: what was known of sessions when it began.
    mutating func checkRequest(_ before: MemoryTables.Known, _ tables: MemoryTables, by replica: UUID) {
        let after = tables.known
        for (instance, known) in before.readings.sorted(by: { $0.key < $1.key }) {
            guard let now = after.readings[instance], now != known else { continue }
            violate(.requestsJudgeNothing, "a request at \(replica.short) says what instance \(instance) was read as")
        }
        for (instance, at) in before.looks.sorted(by: { $0.key < $1.key }) {
            guard after.readings[instance] != nil, after.looks[instance] != at else { continue }
            violate(.requestsJudgeNothing, "a request at \(replica.short) says when instance \(instance) was looked at")
        }
        if after.endedCommands > before.endedCommands {
            violate(.requestsJudgeNothing, "a request at \(replica.short) says what became of a command")
        }
    }

    /// Something is written with a replica's time, which every limit in it goes by.
    mutating func checkClock(_ time: Timestamp, at instant: Timestamp, by replica: UUID) {
        let difference = abs(time.microseconds - instant.microseconds)
        guard Duration.microseconds(difference) > Witness.clockTolerance else { return }
        violate(.clockIsTheDatabases, "\(replica.short) writes with a clock that is \(difference / 1000) ms off")
    }
}

extension MemoryTables {
    /// What is known of sessions, as far as a request may not change it.
    struct Known {
        struct Read: Hashable {
            var reading: SessionReading?
            var readAt: Timestamp?
        }

        var readings: [Int64: Read]
        var looks: [Int64: Timestamp]
        var endedCommands: Int
    }

    var known: Known {
        Known(
            readings: instances.reduce(into: [:]) { readings, instance in
                // What is written has the time of the last look.
                guard let evidence = subject(instance.key)?.evidence else { return }
                readings[instance.key] = Known.Read(reading: evidence.reading, readAt: evidence.readAt)
            },
            looks: looks,
            endedCommands: commands.count { $0.endedAt != nil }
        )
    }
}
