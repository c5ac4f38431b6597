import RawStructuredFieldValues

/// One part of a request that a signature covers: a header field, or what is derived from the request line.
///
/// Fields are taken as they stand; the parameters that ask for another form of a field (`sf`, `key`, `bs`, `tr`)
/// are not known here, and a signature that needs one does not verify.
/// Source: RFC 9421, section 2.
struct SignedComponent {
    /// As it stands in the signed text: quoted, with its parameters.
    let identifier: String
    private let name: String
    /// The encoded name of the query parameter meant by `@query-param`.
    private let queryName: String?

    init?(_ item: Item) {
        guard case .string(let name) = item.rfc9651BareItem, !name.isEmpty, name == name.lowercased() else {
            return nil
        }
        let parameters = item.rfc9651Parameters
        switch (name, parameters.count) {
        case ("@query-param", 1):
            guard let queryName = parameters["name"]?.text else { return nil }
            self.queryName = queryName
        case ("@query-param", _):
            return nil
        case (_, 0):
            queryName = nil
        default:
            return nil
        }
        var serializer = StructuredFieldValueSerializer()
        // What was parsed can always be written; if not, the signature counts for nothing.
        guard let bytes = try? serializer.writeItemFieldValue(item) else { return nil }
        identifier = String(decoding: bytes, as: UTF8.self)
        self.name = name
    }

    /// What the component is in this request; `nil` when the request has none.
    func value(in delivery: Delivery, sentTo address: PublicAddress) -> String? {
        let query = delivery.query.map { "?\($0)" } ?? ""
        return switch name {
        case "@method": delivery.method
        case "@target-uri": "\(address.scheme)://\(address.authority)\(address.path)\(query)"
        case "@authority", "host": address.authority
        case "@scheme": address.scheme
        case "@request-target": address.path + query
        case "@path": address.path
        case "@query": query.isEmpty ? "?" : query
        case "@query-param": queryName.flatMap { queryParameter($0, in: delivery) }
        case _ where name.hasPrefix("@"): nil
        default: delivery.joinedHeader(name)
        }
    }

    /// The one value of a query parameter, encoded again as the RFC prescribes.
    private func queryParameter(_ encodedName: String, in delivery: Delivery) -> String? {
        guard let query = delivery.query, let fields = FormFields(query.utf8) else { return nil }
        let values = fields.fields.filter { $0.name.formEncoded == encodedName }
        return values.count == 1 ? values[0].value.formEncoded : nil
    }
}

extension String {
    /// Percent-encoded but for letters, digits and `*-._` (the URL standard's form set), blanks as `%20`.
    fileprivate var formEncoded: String {
        var encoded: [UInt8] = []
        for byte in utf8 {
            let isKept =
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default:
                    "*-._".utf8.contains(byte)
                }
            encoded += isKept ? [byte] : Array("%\([byte].hexText.uppercased())".utf8)
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}

/// Our address as senders know it, in the parts that signatures cover.
struct PublicAddress: Sendable {
    /// `https` or `http`.
    let scheme: String
    /// Host in lower case, with the port unless it is the scheme's own.
    let authority: String
    /// Begins with a slash; without the query.
    let path: String

    /// Takes an address that is known to be one (``SourceSettings/usablePublicURL()``).
    init(_ url: String) {
        let sides = url.split(separator: "://", maxSplits: 1).map(String.init)
        let scheme = sides[0].lowercased()
        let rest = sides.count == 2 ? sides[1] : ""
        let authority = rest.prefix { !"/?#".contains($0) }.lowercased()
        let ownPort = scheme == "https" ? ":443" : ":80"
        let path = rest.dropFirst(authority.count).prefix { !"?#".contains($0) }
        self.scheme = scheme
        self.authority = authority.hasSuffix(ownPort) ? String(authority.dropLast(ownPort.count)) : authority
        self.path = path.isEmpty ? "/" : String(path)
    }
}
