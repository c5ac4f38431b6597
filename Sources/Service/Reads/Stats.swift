import Domain
import NIOCore

/// How well a span of time went: how long it took from clock-in to a session that runs, and what was mended.
struct Stats: Sendable, Equatable {
    /// A part of the way from a clock event to a session that is seen running.
    enum Stage: String, Sendable, CaseIterable {
        /// From the event's arrival until the start was decided on and committed.
        case accept
        /// Until the call left.
        case queue
        /// Until the engine had answered.
        case call
        /// Until the read left that found the session running.
        case boot
        /// Until that read was committed, from where on everybody sees it.
        case seen
        /// The whole way.
        case total
    }

    /// How long a part took: how often it was measured, the median and what 95 in 100 stayed below.
    struct Spread: Sendable, Equatable {
        var count: Int64
        /// Milliseconds; `nil` when there is nothing to measure.
        var median, p95: Double?
    }

    /// The whole way of the events that arrived within one hour.
    struct Hour: Sendable, Equatable {
        var at: Timestamp
        var total: Spread
    }

    /// The drifts that began within one hour, and those of them that were right again.
    struct Drift: Sendable, Equatable {
        var at: Timestamp
        var found, repaired: Int64
    }

    /// For how long sessions were in some state within one hour, in hours, added up.
    struct Share: Sendable, Equatable {
        var at: Timestamp
        var hours: Double
    }

    var from, to: Timestamp
    /// When all this was read, by the database's clock; what is asked for again may be given again.
    var countedAt = Timestamp(microseconds: 0)
    var stages: [Stage: Spread]
    /// Hours without an event are left out.
    var hours: [Hour]
    /// Sessions that were found otherwise than they had been brought to, without a command of ours.
    ///
    /// Each counts once until it was right again, whether anything was done about it or not. Hours without one are left out.
    var drifts: [Drift] = []
    /// Sessions besides that the first read after a time without any found otherwise: when they left what they had been brought
    /// to, nobody saw.
    var driftFoundLate: Int64 = 0
    /// How long sessions were read to be stopped.
    ///
    /// Hours in which none was are left out.
    var hibernation: [Share] = []
    /// How long sessions were not read, so that nothing is known of them.
    ///
    /// Hours in which all were are left out.
    var unread: [Share] = []

    var driftFound: Int64 { drifts.reduce(0) { $0 + $1.found } }
    var driftRepaired: Int64 { drifts.reduce(0) { $0 + $1.repaired } }
    /// Hours that sessions were stopped, added up.
    var hibernatedHours: Double { hibernation.reduce(0) { $0 + $1.hours } }
    /// Hours of sessions of which nothing is known, added up.
    var unreadHours: Double { unread.reduce(0) { $0 + $1.hours } }

    func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("from", from, into: &buffer)
        object.member("to", to, into: &buffer)
        object.name("stages", into: &buffer)
        buffer.writeJSONArray(Stage.allCases) { stage, buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("stage", stage.rawValue, into: &buffer)
            (stages[stage] ?? Spread(count: 0)).write(&object, to: &buffer)
        }
        object.name("hours", into: &buffer)
        buffer.writeJSONArray(hours) { hour, buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("at", hour.at, into: &buffer)
            hour.total.write(&object, to: &buffer)
        }
        object.name("drift", into: &buffer)
        var drift = JSONObjectWriter(&buffer)
        drift.member("found", driftFound, into: &buffer)
        drift.member("repaired", driftRepaired, into: &buffer)
        drift.member("found_late", driftFoundLate, into: &buffer)
        drift.name("hours", into: &buffer)
        buffer.writeJSONArray(drifts) { hour, buffer in
            var object = JSONObjectWriter(&buffer)
            object.member("at", hour.at, into: &buffer)
            object.member("found", hour.found, into: &buffer)
            object.member("repaired", hour.repaired, into: &buffer)
            object.end(&buffer)
        }
        drift.end(&buffer)
        for (total, name, shares) in [
            ("hibernated_hours" as StaticString, "hibernation" as StaticString, hibernation),
            ("unread_hours", "unread", unread),
        ] {
            object.name(total, into: &buffer)
            buffer.writeString(Self.decimal(shares.reduce(0) { $0 + $1.hours }))
            object.name(name, into: &buffer)
            buffer.writeJSONArray(shares) { $0.write(to: &$1) }
        }
        object.end(&buffer)
    }

    /// A JSON number with one decimal.
    fileprivate static func decimal(_ value: Double) -> String {
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}

extension Stats.Share {
    fileprivate func write(to buffer: inout ByteBuffer) {
        var object = JSONObjectWriter(&buffer)
        object.member("at", at, into: &buffer)
        object.name("hours", into: &buffer)
        buffer.writeString(Stats.decimal(hours))
        object.end(&buffer)
    }
}

extension Stats.Spread {
    /// Writes the members and ends the object.
    fileprivate func write(_ object: inout JSONObjectWriter, to buffer: inout ByteBuffer) {
        object.member("count", count, into: &buffer)
        for (name, value) in [("p50_ms" as StaticString, median), ("p95_ms", p95)] {
            object.name(name, into: &buffer)
            buffer.writeString(value.map(Stats.decimal) ?? "null")
        }
        object.end(&buffer)
    }
}
