import Domain
import Testing

@testable import ClockSources

/// What every adapter owes to deliveries that are not in the file, and to forgeries of those that are.
@Suite("case mutations")
struct CaseMutationTests {
    @Test(arguments: try MutableCase.all)
    func `new ids, new times and a new secret, signed anew, read alike`(sample: MutableCase) throws {
        let mutation = try CaseMutation(sample.item, signedBy: sample.signer)
        let reading = try makeClockSource(mutation.settings).read(mutation.delivery)
        #expect(reading == mutation.expected)
        if !reading.punches.isEmpty {
            #expect(try reading != makeClockSource(sample.item.settings).read(sample.item.delivery))
        }
    }

    @Test(arguments: try MutableCase.all)
    func `while one secret replaces another both count, and no other`(sample: MutableCase) throws {
        let mutation = try CaseMutation(sample.item, signedBy: sample.signer)
        var settings = mutation.settings
        settings.secrets = try sample.item.settings.secrets
        #expect(refusal(of: mutation.delivery, by: try makeClockSource(settings)) == .badProof)
        for secrets in [settings.secrets + mutation.settings.secrets, mutation.settings.secrets + settings.secrets] {
            settings.secrets = secrets
            #expect(try makeClockSource(settings).read(mutation.delivery) == mutation.expected)
        }
    }

    @Test(arguments: try MutableCase.all)
    func `one flipped byte of what is proved is refused`(sample: MutableCase) throws {
        let mutation = try CaseMutation(sample.item, signedBy: sample.signer)
        let source = try makeClockSource(mutation.settings)
        var forged = mutation.delivery
        if sample.signer.provesBody {
            for position in forged.body.indices {
                forged.body[position] ^= 1
                #expect(refusal(of: forged, by: source) == .badProof, "byte \(position) of the body")
                forged.body[position] ^= 1
            }
        }
        for place in forged.headers.indices where sample.signer.proves(forged.headers[place].name) {
            let value = Array(forged.headers[place].value.utf8)
            for position in value.indices {
                var flipped = value
                flipped[position] ^= 1
                forged.headers[place].value = String(decoding: flipped, as: UTF8.self)
                #expect(
                    refusal(of: forged, by: source) == .badProof,
                    "byte \(position) of \(forged.headers[place].name)"
                )
            }
            forged.headers[place].value = mutation.delivery.headers[place].value
        }
        if sample.signer.isInPath {
            let token = Array((forged.token ?? "").utf8)
            #expect(!token.isEmpty)
            for position in token.indices {
                var flipped = token
                flipped[position] ^= 1
                forged.token = String(decoding: flipped, as: UTF8.self)
                #expect(refusal(of: forged, by: source) == .badProof, "byte \(position) of the path's end")
            }
            forged.token = mutation.delivery.token
        }
        #expect(refusal(of: forged, by: source) == nil)
    }

    @Test(arguments: try MutableCase.all.filter { !$0.signer.provingHeaders.isEmpty })
    func `a delivery without one of the proving headers is refused`(sample: MutableCase) throws {
        let mutation = try CaseMutation(sample.item, signedBy: sample.signer)
        let source = try makeClockSource(mutation.settings)
        for name in sample.signer.provingHeaders {
            var forged = mutation.delivery
            let count = forged.headers.count
            forged.headers.removeAll { $0.name.lowercased() == name }
            #expect(forged.headers.count == count - 1)
            #expect(refusal(of: forged, by: source) == .badProof, "\(name)")
        }
    }

    @Test(arguments: try MutableCase.all.filter(\.signer.provesTime))
    func `a signed time counts within the tolerance, either way`(sample: MutableCase) throws {
        let mutation = try CaseMutation(sample.item, signedBy: sample.signer)
        let source = try makeClockSource(mutation.settings)
        let tolerance = mutation.settings.tolerance.components.seconds
        for (offset, isTaken) in [
            (-tolerance - 1, false), (-tolerance, true), (tolerance, true), (tolerance + 1, false),
        ] {
            var delivery = mutation.delivery
            try sample.signer.sign(&delivery, mutation.settings, delivery.receivedAt + .seconds(offset))
            #expect((refusal(of: delivery, by: source) == nil) == isTaken, "\(offset) s")
        }
    }

    @Test
    func `every kind that is built has mutations`() throws {
        let all = try MutableCase.all
        for kind in SourceKind.allCases { #expect(all.contains { $0.item.source == kind.rawValue }, "\(kind)") }
    }
}

extension Resigner {
    /// Whether a header holds the proof or is covered by it.
    func proves(_ header: String) -> Bool { provingHeaders.contains(header.lowercased()) }
}

/// Why a source turns a delivery away; `nil` when it takes it.
func refusal(of delivery: Delivery, by source: any ClockSource) -> SourceRefusal.Kind? {
    do throws(SourceRefusal) {
        _ = try source.read(delivery)
        return nil
    } catch {
        return error.kind
    }
}
