import HTTPTypes
import Hummingbird
import NIOCore

extension HTTPField.Name {
    /// The proof that a request with the cookie comes from the page.
    static let rollcallCSRF = named("X-Rollcall-CSRF")
    /// Sent with what the page's script asks for by itself; with a page that is read again its value is that page's language.
    static let rollcallReread = named("X-Rollcall-Reread")
    /// Sent with what answers the page: ``PageBuild/word``.
    static let rollcallBuild = named("X-Rollcall-Build")
    static let secFetchSite = named("Sec-Fetch-Site")
    static let forwardedFor = named("X-Forwarded-For")
    static let contentSecurityPolicy = named("Content-Security-Policy")
    static let contentTypeOptions = named("X-Content-Type-Options")
    static let referrerPolicy = named("Referrer-Policy")
    static let frameOptions = named("X-Frame-Options")
    static let crossOriginOpenerPolicy = named("Cross-Origin-Opener-Policy")
    static let crossOriginResourcePolicy = named("Cross-Origin-Resource-Policy")
    static let permissionsPolicy = named("Permissions-Policy")
    static let accelBuffering = named("X-Accel-Buffering")
    static let lastEventID = named("Last-Event-ID")

    private static func named(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is a header's name") }
        return field
    }
}

extension Request {
    /// Whether our own page sent this, and not another site's.
    ///
    /// Browsers say so; what is no browser says nothing and passes.
    ///
    /// `publicURL`: where browsers find us; a proxy may give us another name than they see.
    func isSameOrigin(publicURL: String?) -> Bool {
        if let site = headers[.secFetchSite] { return site == "same-origin" || site == "none" }
        guard let origin = headers[.origin] else { return true }
        if let publicURL, publicURL == origin || publicURL.hasPrefix(origin + "/") { return true }
        guard let scheme = origin.firstRange(of: "://"), let authority = head.authority else { return false }
        return origin[scheme.upperBound...] == authority[...]
    }

    /// Who is at the other end, as far as it matters for limits: the peer's address, or whom a trusted proxy passes on.
    func senderAddress(_ channel: any Channel, trusting proxies: TrustedProxies) -> String {
        let peer = channel.remoteAddress?.ipAddress ?? ""
        return TrustedProxies.subscriber(proxies.sender(peer: peer, forwardedFor: headers[.forwardedFor]))
    }
}
