import Domain
import Testing

@testable import ClockSources

/// The examples of RFC 9421, appendix B.2, with the keys of appendix B.1.
@Suite("RFC 9421's own examples")
struct RFC9421VectorTests {
    static let rsaKey = """
        -----BEGIN PUBLIC KEY-----
        MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
        +QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
        oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
        gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
        Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
        aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
        2wIDAQAB
        -----END PUBLIC KEY-----
        """
    static let ed25519Key = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
    static let sharedKey = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
    static let url = "https://example.com/foo"

    struct Vector: Sendable, CustomTestStringConvertible {
        var label: String
        var key: String
        var input: String
        var signature: String

        var testDescription: String { label }

        /// The RFC's one request, with this signature.
        var delivery: Delivery {
            Delivery(
                headers: [
                    ("Host", "example.com"), ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
                    ("Content-Type", "application/json"),
                    (
                        "Content-Digest",
                        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
                    ),
                    ("Content-Length", "18"), ("Signature-Input", "\(label)=\(input)"),
                    ("Signature", "\(label)=:\(signature):"),
                ],
                body: Array(#"{"hello": "world"}"#.utf8),
                query: "param=Value&Pet=dog",
                receivedAt: Timestamp(seconds: 1_618_884_473)
            )
        }
    }

    static let vectors = [
        Vector(
            label: "sig-b22",
            key: rsaKey,
            input:
                #"("@authority" "content-digest" "@query-param";name="Pet");created=1618884473;keyid="test-key-rsa-pss";tag="header-example""#,
            signature:
                "LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw=="
        ),
        Vector(
            label: "sig-b23",
            key: rsaKey,
            input:
                #"("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#,
            signature:
                "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA=="
        ),
        Vector(
            label: "sig-b25",
            key: sharedKey,
            input: #"("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#,
            signature: "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8="
        ),
        Vector(
            label: "sig-b26",
            key: ed25519Key,
            input:
                #"("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519""#,
            signature:
                "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
        ),
    ]

    @Test(arguments: vectors)
    func `a signature verifies with the RFC's key and no other`(vector: Vector) throws {
        let signature = try #require(MessageSignature.all(of: vector.delivery).first)
        let base = try #require(signature.base(of: vector.delivery, sentTo: PublicAddress(Self.url)))
        for other in Self.vectors {
            let key = try #require(VerificationKey(other.key))
            #expect(key.isValid(signature.bytes, over: base) == (other.key == vector.key), "\(other.label)")
        }
    }

    @Test(arguments: vectors)
    func `a request whose body is not covered is refused all the same`(vector: Vector) throws {
        let settings = SourceSettings(
            name: "hr",
            kind: .rfc9421,
            secrets: [vector.key],
            publicURL: Self.url,
            mustCover: ["@authority"]
        )
        let isCovered = vector.input.contains("content-digest")
        #expect((refusal(of: vector.delivery, by: try makeClockSource(settings)) == nil) == isCovered)
    }
}
