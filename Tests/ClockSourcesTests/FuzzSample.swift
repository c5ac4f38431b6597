import Domain
import Foundation

@testable import ClockSources

/// What a fuzz run starts from: a recorded delivery that is genuine under a secret we know.
struct FuzzSample {
    var kind: SourceKind
    var signer: Resigner
    var settings: SourceSettings
    var delivery: Delivery
    var source: any ClockSource
    /// What it says as it stands.
    var reading: DeliveryReading

    private init(_ sample: MutableCase, kind: SourceKind) throws {
        self.kind = kind
        signer = sample.signer
        settings = try sample.item.settings
        settings.secrets = [sample.signer.secret]
        settings.tokens = [:]
        delivery = try sample.item.delivery
        try signer.sign(&delivery, settings, delivery.receivedAt)
        source = try makeClockSource(settings)
        reading = try source.read(delivery)
    }

    /// Every accepted case of a kind with every way of signing it, in the order of the file.
    static func all(of kind: SourceKind) throws -> [FuzzSample] {
        try ClockCase.all(of: kind).filter { $0.expect.reject == nil }.flatMap { item in
            try Resigner.all(for: item, of: kind).map { signer in
                try FuzzSample(MutableCase(item: item, signer: signer), kind: kind)
            }
        }
    }
}

extension FuzzSample {
    /// The delivery with something changed that its proof covers, without a new proof.
    func forged(_ draw: inout FuzzDraw) -> Delivery {
        var forged = delivery
        let covered = forged.headers.indices.filter { signer.proves(forged.headers[$0].name) }
        var ways = covered.isEmpty ? [] : ["header"]
        if signer.provesBody { ways += ["body", "body", "other body"] }
        if signer.isInPath { ways.append("path") }
        switch draw.one(of: ways) {
        case "header":
            let place = draw.one(of: covered)
            forged.headers[place].value = draw.changed(forged.headers[place].value)
            if draw.once(in: 8) { forged.headers.append(delivery.headers[place]) }
        case "path":
            forged.token = draw.once(in: 8) ? nil : draw.changed(forged.token ?? "")
        case "other body":
            repeat { forged.body = hostileBody(&draw) } while forged.body == delivery.body
        default:
            forged.body = draw.changed(forged.body)
        }
        return forged
    }

    /// A delivery of anything at all, made by somebody who has no secret.
    func strange(_ draw: inout FuzzDraw) -> Delivery {
        var strange = delivery
        strange.body = hostileBody(&draw)
        changeFreeParts(of: &strange, &draw)
        strange.token = draw.once(in: 2) ? nil : draw.changed("token")
        for name in signer.provingHeaders {
            strange.headers.removeAll { $0.name.lowercased() == name }
            if !draw.once(in: 4) { strange.headers.append((name, guess(of: name, &draw))) }
        }
        return strange
    }

    /// Hostile content from the true sender, signed by it.
    func hostile(_ draw: inout FuzzDraw) throws -> Delivery {
        var hostile = delivery
        hostile.body = hostileBody(&draw)
        if draw.once(in: 2) { changeFreeParts(of: &hostile, &draw) }
        try signer.sign(&hostile, settings, hostile.receivedAt)
        return hostile
    }

    /// A value in the right form for a header that proves something, without knowing the secret.
    private func guess(of name: String, _ draw: inout FuzzDraw) -> String {
        let random = (0..<32).map { _ in UInt8(truncatingIfNeeded: draw.bits()) }
        let old = delivery.header(name) ?? ""
        return switch draw.below(6) {
        case 0: ""
        case 1: random.base64
        case 2: "sha256=" + random.map { String(format: "%02x", $0) }.joined()
        case 3: "v1,\(random.base64) v1a,\((random + random).base64)"
        case 4: "Bearer \(random.base64)"
        default: String(old.reversed())
        }
    }

    /// Changes headers that prove nothing, and the query.
    private func changeFreeParts(of delivery: inout Delivery, _ draw: inout FuzzDraw) {
        for place in delivery.headers.indices where !signer.proves(delivery.headers[place].name) && draw.once(in: 2) {
            switch draw.below(4) {
            case 0: delivery.headers[place].value = draw.one(of: FuzzJSON.times)
            case 1: delivery.headers.append(delivery.headers[place])
            case 2: delivery.headers[place].name += "-x"
            default: delivery.headers[place].value = draw.changed(delivery.headers[place].value)
            }
        }
        if draw.once(in: 3) { delivery.headers.append(("Idempotency-Key", draw.changed(#""key-1""#))) }
        if draw.once(in: 3) { delivery.query = draw.changed(delivery.query ?? "type=clock-in&access_token=x") }
    }

    /// The most bytes of a body that the HTTP layer lets in.
    private static let bodyLimit = 1_048_576

    private func hostileBody(_ draw: inout FuzzDraw) -> [UInt8] {
        Array(anyBody(&draw).prefix(Self.bodyLimit))
    }

    private func anyBody(_ draw: inout FuzzDraw) -> [UInt8] {
        switch draw.below(8) {
        case 0: return draw.changed(delivery.body)
        case 1: return draw.bytes(upTo: 300)
        case 2: return Array(FuzzJSON.hostile(&draw).text.utf8)
        default:
            guard kind != .twilio, var json = decodeJSON(FuzzJSON.self, from: delivery.body) else {
                return hostileForm(&draw)
            }
            for _ in 0...draw.below(4) { json.change(&draw) }
            return Array(json.text.utf8)
        }
    }

    /// Form fields that come twice, lack something, or say something else.
    private func hostileForm(_ draw: inout FuzzDraw) -> [UInt8] {
        var pairs = delivery.body.split(separator: UInt8(ascii: "&")).map(Array.init)
        guard !pairs.isEmpty else { return draw.bytes(upTo: 300) }
        for _ in 0...draw.below(4) {
            let place = draw.below(pairs.count)
            switch draw.below(4) {
            case 0: pairs.append(pairs[place])
            case 1: pairs[place] = draw.changed(pairs[place])
            case 2: pairs[place] += Array(draw.one(of: FuzzJSON.times).utf8)
            default: pairs.swapAt(place, 0)
            }
        }
        return Array(pairs.joined(separator: [UInt8(ascii: "&")]))
    }
}
