import ClockSources
import Domain
import Foundation

/// One delivery of `clock-cases.json` with the settings of the source it was sent to.
struct RecordedDelivery: Decodable {
    var source: String
    private var now: String
    private var url: String
    private var headers: [String: String]
    private var body: String
    private var secret: String
    private var config: Config

    private struct Config: Decodable {
        var publicUrl: String?
        var auth: String?
        var timeZone: String?
        var toleranceSeconds: Int64?
        var keyId: String?
        var mustCover: [String]?
        var tokens: [String: String]?
        var urlToken: String?
        var map: [String: String]?
        var challengeHeader: String?
    }

    /// The request as it arrived; `nil` for a time that is none.
    var delivery: Delivery? {
        Timestamp(rfc3339: now).map { receivedAt in
            Delivery(
                headers: headers.map { ($0.key, $0.value) },
                body: Array(body.utf8),
                query: source == SourceKind.factorial.rawValue ? "type=\(lastPathComponent)" : nil,
                token: config.urlToken == nil ? nil : lastPathComponent,
                receivedAt: receivedAt
            )
        }
    }

    /// `nil` for a kind that we do not know.
    var settings: SourceSettings? {
        SourceKind(rawValue: source).map { kind in
            SourceSettings(
                name: source,
                kind: kind,
                secrets: [secret],
                publicURL: config.publicUrl ?? url,
                timeZone: config.timeZone.flatMap(Self.zone),
                tolerance: .seconds(config.toleranceSeconds ?? 300),
                map: (config.map ?? [:]).compactMapValues { Self.kinds[$0] },
                auth: auth,
                headerName: config.challengeHeader,
                keyID: config.keyId,
                mustCover: config.mustCover ?? [],
                tokens: config.tokens ?? [:]
            )
        }
    }

    private var auth: SourceAuth? {
        switch config.auth {
        case "hmac", "partner-hmac": .hmac
        case "custom-header": .header
        default: config.urlToken == nil ? nil : .token
        }
    }

    private var lastPathComponent: String {
        String(url.prefix { $0 != "?" }.split(separator: "/").last ?? "")
    }

    private static let kinds: [String: PunchKind] = ["on": .clockIn, "break": .breakStart, "off": .clockOut]

    /// A zone that this machine does not know makes an adapter that refuses its settings, which is reported.
    private static func zone(_ name: String) -> ZoneRules? {
        (try? Data(contentsOf: URL(filePath: "/usr/share/zoneinfo/\(name)"))).flatMap {
            ZoneRules(name: name, file: Array($0))
        }
    }
}
