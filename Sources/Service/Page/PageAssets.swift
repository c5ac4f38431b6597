import Crypto
import Gzip
import HTTPTypes
import Hummingbird
import NIOCore

/// Style and scripts, built into the program.
///
/// A browser asks whether they have changed and gets them only then; compressed once, at boot, for who takes gzip.
struct PageAssets: Sendable {
    private struct Asset: Sendable {
        var type: String
        var bytes: ByteBuffer
        var packed: ByteBuffer?
        var tag: String

        init(_ type: String, _ bytes: [UInt8]) {
            self.type = type
            self.bytes = ByteBuffer(bytes: bytes)
            packed = Gzip.compress(bytes, effort: .thorough).map { ByteBuffer(bytes: $0) }
            tag = SHA256.hash(data: bytes).prefix(12).map { String($0, radix: 36) }.joined(separator: "-")
        }
    }

    private let assets: [String: Asset]

    init() {
        var assets = [
            "page.css": Asset("text/css; charset=utf-8", Self.withoutNotes(PackageResources.page_css)),
            "parts.css": Asset("text/css; charset=utf-8", Self.withoutNotes(PackageResources.parts_css)),
            "pictures.css": Asset("text/css; charset=utf-8", Self.withoutNotes(PackageResources.pictures_css)),
            "icon.svg": Asset("image/svg+xml", PackageResources.icon_svg),
        ]
        for (name, bytes) in Self.scripts {
            assets[name] = Asset("text/javascript; charset=utf-8", Self.withoutNotes(bytes))
        }
        self.assets = assets
    }

    /// A script or style sheet without its comments, and without what its lines are indented by: a browser need not load them.
    ///
    /// Ours are what follows `//` at the beginning of a line or between two blanks, and the lines from `/*` to `*/`; no text of
    /// ours has such a `//` in it or goes over the end of a line.
    static func withoutNotes(_ text: [UInt8]) -> [UInt8] {
        var isNote = false
        var kept: [Substring] = []
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: true) {
            let words = line.drop { $0 == " " }
            if words.hasPrefix("/*") { isNote = true }
            if !isNote, !words.hasPrefix("//") {
                kept.append(words.firstRange(of: " // ").map { words[..<$0.lowerBound] } ?? words)
            }
            if isNote, words.hasSuffix("*/") { isNote = false }
        }
        return Array((kept.joined(separator: "\n") + "\n").utf8)
    }

    static let scripts: [(String, [UInt8])] = [
        ("acts.js", PackageResources.acts_js),
        ("ages.js", PackageResources.ages_js),
        ("agent.js", PackageResources.agent_js),
        ("banners.js", PackageResources.banners_js),
        ("bulk.js", PackageResources.bulk_js),
        ("ending.js", PackageResources.ending_js),
        ("fleet.js", PackageResources.fleet_js),
        ("guard-dialog.js", PackageResources.guard_dialog_js),
        ("guards.js", PackageResources.guards_js),
        ("heights.js", PackageResources.heights_js),
        ("live.js", PackageResources.live_js),
        ("mapping.js", PackageResources.mapping_js),
        ("needs.js", PackageResources.needs_js),
        ("news.js", PackageResources.news_js),
        ("order.js", PackageResources.order_js),
        ("outcome.js", PackageResources.outcome_js),
        ("pairing.js", PackageResources.pairing_js),
        ("pulse.js", PackageResources.pulse_js),
        ("reading.js", PackageResources.reading_js),
        ("release.js", PackageResources.release_js),
        ("renew.js", PackageResources.renew_js),
        ("roster.js", PackageResources.roster_js),
        ("row.js", PackageResources.row_js),
        ("session.js", PackageResources.session_js),
        ("sign-in.js", PackageResources.sign_in_js),
        ("sources.js", PackageResources.sources_js),
        ("stats.js", PackageResources.stats_js),
        ("teams.js", PackageResources.teams_js),
        ("unmatched.js", PackageResources.unmatched_js),
        ("words.js", PackageResources.words_js),
    ]

    /// - Throws: `not_found`.
    func response(to request: Request, name: String) throws(Problem) -> Response {
        guard let asset = assets[name] else { throw Problem(.notFound) }
        let isPacked = request.acceptsGzip && asset.packed != nil
        let tag = "\"\(asset.tag)\(isPacked ? "-gzip" : "")\""
        var headers: HTTPFields = [
            .contentType: asset.type, .eTag: tag, .cacheControl: "no-cache", .vary: "Accept-Encoding",
        ]
        if request.headers[.ifNoneMatch] == tag { return Response(status: .notModified, headers: headers) }
        if isPacked { headers[.contentEncoding] = "gzip" }
        let body = isPacked ? asset.packed ?? asset.bytes : asset.bytes
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: body))
    }
}
