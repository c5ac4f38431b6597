package import Domain

/// A record that a delivery names without saying what is in it.
package struct RecordReference: Sendable, Hashable {
    /// The sender's word for what it is, for example `attendance-period`.
    package var kind: String
    /// 1 to 200 letters, digits, `-` and `_`, so that it can stand in a path as it is.
    package var id: String

    package init?(kind: String, id: String) {
        let isPlain = id.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard isPlain, (1...Identifier.lengthLimit).contains(id.utf8.count) else { return nil }
        self.kind = kind
        self.id = id
    }
}

/// A sender whose deliveries only name a record, which then has to be asked for.
///
/// Pure, as every ``ClockSource``: it says what to ask for and reads what came back.
package protocol RecordNamingSource: ClockSource {
    /// Where the sender's API has the record: path and query, without scheme and host.
    func path(of reference: RecordReference) -> String

    /// Reads the API's answer about a record.
    ///
    /// Records of one source must be read in the order they were asked for, since the answer may carry no version.
    ///
    /// - Parameters:
    ///   - record: the body of a 200; `nil` when the API no longer has the record. That withdraws nothing: a failed or
    ///     forbidden read looks the same, and the sender reports deletions by themselves.
    ///   - reference: what was asked for.
    ///   - fetchedAt: when it was asked, by our clock.
    /// - Returns: what the record says, to be kept as the delivery that named it would have been.
    func read(_ record: [UInt8]?, of reference: RecordReference, fetchedAt: Timestamp) -> DeliveryReading
}

/// Asks a sender's API for what its deliveries name: the port that an HTTP client fills.
package protocol RecordFetcher: Sendable {
    /// The body of the sender's answer; `nil` when it says that there is no such record.
    ///
    /// - Throws: when there is no answer that can be used; the delivery stays due and is asked about again.
    func record(at path: String) async throws(RecordFetchError) -> [UInt8]?
}

/// A record that could not be fetched.
package struct RecordFetchError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong.
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case unreachable
        case timedOut = "timed_out"
        case rateLimited = "rate_limited"
        /// The credential is missing or was turned down; nothing gets better until a person acts.
        case unauthorized
        case rejected
    }

    package var kind: Kind

    package init(_ kind: Kind) {
        self.kind = kind
    }

    /// Whether the same request may succeed later with nobody changing anything.
    package var isTransient: Bool {
        switch kind {
        case .unreachable, .timedOut, .rateLimited: true
        case .unauthorized, .rejected: false
        }
    }

    /// Safe to log and to show: names neither the record nor the credential.
    package var description: String { "fetching a record failed (\(kind.rawValue))" }
}
