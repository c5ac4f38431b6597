import Crypto
import HTTPTypes
import Hummingbird
import NIOCore

/// Style and scripts, built into the program.
///
/// A browser asks whether they have changed and gets them only then.
struct PageAssets: Sendable {
    private struct Asset: Sendable {
        var type: String
        var bytes: ByteBuffer
        var tag: String

        init(_ type: String, _ bytes: [UInt8]) {
            self.type = type
            self.bytes = ByteBuffer(bytes: bytes)
            tag = "\"" + SHA256.hash(data: bytes).prefix(12).map { String($0, radix: 36) }.joined(separator: "-") + "\""
        }
    }

    private let assets: [String: Asset]

    init() {
        assets = [
            "page.css": Asset("text/css; charset=utf-8", PackageResources.page_css),
            "icon.svg": Asset("image/svg+xml", PackageResources.icon_svg),
            "sign-in.js": Asset("text/javascript; charset=utf-8", PackageResources.sign_in_js),
            "fleet.js": Asset("text/javascript; charset=utf-8", PackageResources.fleet_js),
            "agent.js": Asset("text/javascript; charset=utf-8", PackageResources.agent_js),
            "unmatched.js": Asset("text/javascript; charset=utf-8", PackageResources.unmatched_js),
            "mapping.js": Asset("text/javascript; charset=utf-8", PackageResources.mapping_js),
            "sources.js": Asset("text/javascript; charset=utf-8", PackageResources.sources_js),
            "live.js": Asset("text/javascript; charset=utf-8", PackageResources.live_js),
            "ages.js": Asset("text/javascript; charset=utf-8", PackageResources.ages_js),
        ]
    }

    /// - Throws: `not_found`.
    func response(to request: Request, name: String) throws(Problem) -> Response {
        guard let asset = assets[name] else { throw Problem(.notFound) }
        let headers: HTTPFields = [.contentType: asset.type, .eTag: asset.tag, .cacheControl: "no-cache"]
        if request.headers[.ifNoneMatch] == asset.tag { return Response(status: .notModified, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: asset.bytes))
    }
}
