import Foundation

/// Where alerts go, taken apart, and which hosts may have an address that is not public.
package struct AlertTarget: Sendable, Hashable {
    package var url: String
    package var host: String
    package var port: Int
    /// In lower case.
    package var allowedHosts: Set<String>

    /// Whether a setting names the host, so that its address may be anything.
    package var isAllowed: Bool { allowedHosts.contains(host) }

    /// Reads an address; `nil` for one that is no http or https address, carries a credential before its host, or is http to a
    /// host that no setting names: what is told must not travel in the open.
    package init?(_ text: String, allowedHosts: [String]) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let parts = URLComponents(string: text),
            let scheme = parts.scheme?.lowercased(), scheme == "https" || scheme == "http",
            parts.user == nil, parts.password == nil, parts.fragment == nil, var host = parts.host?.lowercased(),
            !host.isEmpty
        else { return nil }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        url = text
        self.host = host
        port = parts.port ?? (scheme == "https" ? 443 : 80)
        self.allowedHosts = Set(allowedHosts.map { $0.lowercased() })
        guard scheme == "https" || isAllowed else { return nil }
    }
}
