import Domain
import Foundation

@testable import ClockSources

#if canImport(Glibc)
    import Glibc
#endif

/// One case of a fuzz run and what came of it.
struct FuzzTrial: CustomStringConvertible {
    /// How the delivery came to be.
    enum Origin: String, CaseIterable {
        /// Genuine, and something under its proof changed.
        case forged
        /// Made by somebody without the secret.
        case strange
        /// Made by the true sender, with anything in it.
        case hostile
    }

    var sample: FuzzSample
    var origin: Origin
    var delivery: Delivery
    /// What was read; `nil` when it was refused.
    var reading: DeliveryReading?
    var refusal: SourceRefusal.Kind?
    /// Seconds of processor time that reading took.
    var seconds: Double
    private var isRepeatable = true

    /// The most that one reading may take, in seconds of processor time.
    static let timeLimit = 2.0

    init(_ sample: FuzzSample, _ draw: inout FuzzDraw) throws {
        self.sample = sample
        origin = draw.one(of: [.forged, .strange, .hostile, .hostile])
        delivery =
            switch origin {
            case .forged: sample.forged(&draw)
            case .strange: sample.strange(&draw)
            case .hostile: try sample.hostile(&draw)
            }
        let start = Self.processorSeconds()
        (reading, refusal) = Self.outcome(of: delivery, by: sample.source)
        seconds = Self.processorSeconds() - start
        isRepeatable = Self.outcome(of: delivery, by: sample.source) == (reading, refusal)
        _ = sample.source.consent(to: delivery)
    }

    /// Why a delivery is turned away, and the seconds of processor time that it took to find out.
    static func cost(of delivery: Delivery, by source: any ClockSource) -> (SourceRefusal.Kind?, Double) {
        let start = processorSeconds()
        let (_, refusal) = outcome(of: delivery, by: source)
        return (refusal, processorSeconds() - start)
    }

    private static func outcome(
        of delivery: Delivery,
        by source: any ClockSource
    ) -> (DeliveryReading?, SourceRefusal.Kind?) {
        do throws(SourceRefusal) {
            return (try source.read(delivery), nil)
        } catch {
            return (nil, error.kind)
        }
    }

    /// Processor time of this thread, which stands still while the process does.
    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// What must not have happened.
    func faults() -> [String] {
        var faults: [String] = []
        if seconds > Self.timeLimit { faults.append("took \(seconds) s") }
        if !isRepeatable { faults.append("reads differently the second time") }
        switch origin {
        case .strange:
            if refusal != .badProof { faults.append("was not refused though nobody proved anything") }
        case .forged:
            if let reading, !saysNothingNew(reading) { faults.append("a forgery was accepted") }
            if refusal != nil, refusal != .badProof { faults.append("was refused for its content before its proof") }
        case .hostile:
            if refusal == .badProof, !proofMayBreak { faults.append("was refused though it was signed") }
        }
        if let reading { faults += reading.faults(receivedAt: delivery.receivedAt) }
        return faults
    }

    /// Whether an accepted forgery only wrote the same thing differently.
    ///
    /// A raw body leaves no room for that, nor does a plain signature or token. Some headers do: blanks in a structured
    /// field, a second signature beside the true one, the case of letters in `Bearer`. Twilio signs the decoded fields
    /// without what parts them, so a delivery can be cut up anew: that may hide a field, but gives nobody a punch that
    /// the sender did not report, nor one at another second.
    private func saysNothingNew(_ new: DeliveryReading) -> Bool {
        let isSameProof =
            delivery.token == sample.delivery.token
            && delivery.headers.map(\.value) == sample.delivery.headers.map(\.value)
        guard isSameProof || proofMayBeSpelledOtherwise else { return false }
        guard sample.kind == .twilio else { return new == sample.reading && delivery.body == sample.delivery.body }
        return new.punches.isEmpty || new.gist == sample.reading.gist
    }

    private var proofMayBeSpelledOtherwise: Bool {
        [.standardWebhooks, .rfc9421].contains(sample.kind) || sample.signer.proves("authorization")
    }

    /// A form that is not UTF-8 cannot be signed, nor can a header that does not fit in a line be covered.
    private var proofMayBreak: Bool { sample.kind == .twilio || sample.kind == .rfc9421 }

    /// The whole delivery, so that a case can be kept as a test.
    var description: String {
        """
        \(origin.rawValue), \(sample.signer.name), received at \(delivery.receivedAt.rfc3339)
        \(delivery.headers.map { "\($0.name): \($0.value)" }.joined(separator: "\n"))
        query: \(delivery.query ?? "-"), token: \(delivery.token ?? "-")
        body (base64): \(delivery.body.base64)
        """
    }
}

extension DeliveryReading {
    /// Who did what in which second under which id, as far as the last punch tells.
    ///
    /// Coming back from a break and coming to work are one thing here, since only another field tells them apart.
    fileprivate var gist: [String] {
        guard let last = punches.last else { return [] }
        let kind = last.kind == .breakEnd ? PunchKind.clockIn : last.kind
        let second = last.occurredAt.microseconds / 1_000_000
        return [last.externalAgent ?? "", kind.rawValue, String(second), last.eventID ?? ""]
    }

    /// What no reading may hold, whatever was sent.
    func faults(receivedAt: Timestamp) -> [String] {
        var faults: [String] = []
        if punches.isEmpty, fetch == nil, ignored == nil { faults.append("says nothing and not why") }
        if !punches.isEmpty, ignored != nil { faults.append("has punches and is ignored") }
        // A batch of records, each with its start, its end and its breaks.
        if punches.count > 1000 * (2 * WorkRecord.breakLimit + 2) { faults.append("\(punches.count) punches") }
        let texts = [deliveryID, fetch?.id] + punches.flatMap { [$0.externalAgent, $0.record, $0.eventID] }
        for text in texts.compactMap({ $0 }) where !Self.isStorable(text) { faults.append("cannot be stored: \(text)") }
        for punch in punches {
            if punch.kind != .void, punch.externalAgent == nil { faults.append("nobody's punch") }
            // Two punches of one change lie a microsecond apart.
            let isPlausible = [punch.occurredAt, punch.occurredAt - .microseconds(1)].contains {
                $0.isPlausible(receivedAt: receivedAt)
            }
            if !isPlausible {
                faults.append("happened at \(punch.occurredAt.microseconds) us")
            }
        }
        return faults + recordFaults
    }

    private static func isStorable(_ text: String) -> Bool {
        (1...(Identifier.lengthLimit + 20)).contains(text.count)
            && text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    /// Each record's punches follow each other, numbered from 0, its start first and its end last.
    private var recordFaults: [String] {
        var faults: [String] = []
        var last: SourcePunch?
        for punch in punches {
            guard punch.record != nil, punch.kind != .void else {
                last = nil
                continue
            }
            if punch.ordinal > 0 {
                if last?.record != punch.record || last?.ordinal != punch.ordinal - 1 {
                    faults.append("record is torn")
                }
                if last?.kind == .clockOut { faults.append("record goes on after its end") }
                if last?.version != punch.version { faults.append("record has two versions") }
            }
            last = punch
        }
        return faults
    }
}
