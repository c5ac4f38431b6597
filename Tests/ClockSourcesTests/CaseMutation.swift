import Domain
import Foundation
import Testing

@testable import ClockSources

/// A recorded delivery as another customer's sender would make it, on another day.
///
/// It has other ids, times and secrets, is signed anew, and must read as the recorded one does.
struct CaseMutation {
    /// The recorded case's settings with the new secret.
    var settings: SourceSettings
    var delivery: Delivery
    /// What must be read of it.
    var expected: DeliveryReading

    /// How much later everything happens: eleven years of whole weeks, after which Europe's clocks change on the same
    /// days (2026 and 2037), so that local times keep their meaning.
    static let shift = Duration.seconds(4018 * 86_400)

    init(_ item: ClockCase, signedBy signer: Resigner, shift: Duration = CaseMutation.shift) throws {
        let old = try makeClockSource(item.settings).read(item.delivery)
        let rewriting = Rewriting(ids: Self.ids(of: item, old), shift: shift)
        settings = try item.settings
        settings.secrets = [signer.secret]
        settings.tokens = [:]
        delivery = try item.delivery
        delivery.receivedAt = delivery.receivedAt + shift
        delivery.headers = delivery.headers.map { ($0.name, rewriting.text($0.value)) }
        delivery.query = delivery.query.map(rewriting.text)
        delivery.body = Array(rewriting.text(item.body).utf8)
        try signer.sign(&delivery, settings, delivery.receivedAt)
        expected = rewriting.reading(old)
    }

    /// The identifiers that a reading takes from its delivery, in the parts that stand in it word by word.
    private static func ids(of item: ClockCase, _ reading: DeliveryReading) -> [String] {
        var ids = Set(item.config.agents.keys)
        for text in reading.punches.flatMap({ [$0.externalAgent, $0.record, $0.eventID] }) + [
            reading.deliveryID, reading.fetch?.id,
        ] {
            ids.formUnion((text ?? "").split(separator: " ").map(String.init))
        }
        return ids.sorted { ($0.count, $0) > ($1.count, $1) }
    }
}

/// Gives text other ids and later times.
private struct Rewriting {
    /// The longest first, so that none is taken for a part of another.
    var ids: [String]
    var shift: Duration

    func text(_ old: String) -> String {
        var new = old
        // A private character keeps the place of each id while the times move.
        for (number, id) in ids.enumerated() { new = new.replacingOccurrences(of: id, with: Self.mark(number)) }
        new = movedTimes(in: new)
        for (number, id) in ids.enumerated() {
            new = new.replacingOccurrences(of: Self.mark(number), with: Self.renamed(id))
        }
        return new
    }

    private static func mark(_ number: Int) -> String {
        String(UnicodeScalar(UInt32(0xE000 + number)).map(Character.init) ?? "?")
    }

    func reading(_ old: DeliveryReading) -> DeliveryReading {
        var new = old
        new.deliveryID = old.deliveryID.map(Self.renamed)
        new.fetch?.id = Self.renamed(old.fetch?.id ?? "")
        new.punches = old.punches.map { old in
            var punch = old
            punch.externalAgent = old.externalAgent.map(Self.renamed)
            punch.record = old.record.map(Self.renamed)
            punch.eventID = old.eventID.map(Self.renamed)
            punch.occurredAt = old.occurredAt + shift
            // A version that is the time of a change moves with the times; a counted one stays.
            punch.version = old.version.map { $0 > 1_000_000_000_000 ? $0 + shift.microseconds : $0 }
            return punch
        }
        return new
    }

    /// Another id of the same length and alphabet; a number never begins with 0.
    static func renamed(_ id: String) -> String {
        String(
            id.map { character in
                switch character {
                case "9", "0": "1"
                case "z": "a"
                case "Z": "A"
                case "1"..."8", "a"..."y", "A"..."Y":
                    character.unicodeScalars.first.flatMap { UnicodeScalar($0.value + 1) }.map(Character.init)
                        ?? character
                default: character
                }
            }
        )
    }

    /// Moves every date with a time of day, and every number that is a time in Unix seconds or milliseconds.
    private func movedTimes(in text: String) -> String {
        let dated = text.replacing(/(\d{4}-\d{2}-\d{2})([T ])(\d{2}:\d{2}:\d{2})/) { match in
            guard let time = Timestamp(rfc3339: "\(match.1)T\(match.3)Z") else { return String(match.0) }
            let moved = (time + shift).rfc3339
            return "\(moved.prefix(10))\(match.2)\(moved.dropFirst(11).prefix(8))"
        }
        return dated.replacing(/\d+/) { match in
            let digits = String(match.0)
            guard [10, 13].contains(digits.count), "16"..."18" ~= digits.prefix(2), let number = Int64(digits) else {
                return digits
            }
            return String(number + shift.components.seconds * (digits.count == 13 ? 1000 : 1))
        }
    }
}

/// A recorded delivery that is accepted, with one way of signing it anew.
struct MutableCase: Sendable, CustomTestStringConvertible {
    var item: ClockCase
    var signer: Resigner

    var testDescription: String { "\(item.name), \(signer.name)" }

    /// Every accepted case of every kind, with every way that its kind can be signed in.
    static var all: [MutableCase] {
        get throws {
            try SourceKind.allCases.flatMap { kind in
                let genuine = try ClockCase.all(of: kind).filter { $0.expect.reject == nil }
                return genuine.flatMap { item in
                    Resigner.all(for: item, of: kind).map { MutableCase(item: item, signer: $0) }
                }
            }
        }
    }
}
