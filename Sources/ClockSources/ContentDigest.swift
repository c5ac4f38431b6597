import Crypto
import RawStructuredFieldValues

/// Whether `Content-Digest` (RFC 9530) is there and right about the body.
///
/// Every digest in a hash we know must hold, and one must be there; others are passed over.
func contentDigestHolds(for delivery: Delivery) -> Bool {
    guard let digests = delivery.dictionaryField("content-digest") else { return false }
    var known = 0
    for (name, member) in digests {
        let expected: [UInt8]
        switch name {
        case "sha-256": expected = Array(SHA256.hash(data: delivery.body))
        case "sha-512": expected = Array(SHA512.hash(data: delivery.body))
        default: continue
        }
        guard case .item(let item) = member, case .undecodedByteSequence(let text) = item.rfc9651BareItem,
            [UInt8](base64Text: text) == expected
        else { return false }
        known += 1
    }
    return known > 0
}
