import Foundation

/// Where alerts go, taken apart, and which hosts may have an address that is not public.
package struct AlertTarget: Sendable, Hashable {
    /// As it is connected to: its host is spelled as ``host`` is.
    package var url: String
    /// In lower case, in ASCII (`xn--…`), without an IPv6 address's brackets.
    package var host: String
    package var port: Int
    /// In lower case.
    package var allowedHosts: Set<String>

    /// Whether a setting names the host, so that its address may be anything.
    package var isAllowed: Bool { allowedHosts.contains(host) }

    /// Reads an address; `nil` for one that is no http or https address, carries a credential before its host, or is http to a
    /// host that no setting names: what is told must not travel in the open.
    package init?(_ text: String, allowedHosts: [String]) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), var parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), scheme == "https" || scheme == "http",
            parts.user == nil, parts.password == nil, parts.fragment == nil
        else { return nil }
        parts.encodedHost = parts.encodedHost?.lowercased()
        // AsyncHTTPClient finds the address that was checked by the host as it reads it in the URL, capitals and all.
        guard let url = parts.string, var host = URL(string: url)?.host, !host.isEmpty, host == host.lowercased() else {
            return nil
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self.url = url
        self.host = host
        port = parts.port ?? (scheme == "https" ? 443 : 80)
        self.allowedHosts = Set(allowedHosts.map { $0.lowercased() })
        guard scheme == "https" || isAllowed else { return nil }
    }
}
