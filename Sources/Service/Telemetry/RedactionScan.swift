/// Recognises at one place of a text what gives itself away by its form.
struct RedactionScan {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Domains of WhatsApp's chat ids; what stands before them is a telephone number or as good as one.
    private static let chatDomains: [[UInt8]] = [
        "@c.us", "@g.us", "@lid", "@s.whatsapp.net", "@newsletter",
    ].map { Array($0.utf8) }

    /// A parameter or header whose name ends so carries a secret.
    private static let secretNames: [[UInt8]] = [
        "token", "secret", "password", "passwd", "apikey", "api_key", "api-key", "authorization", "signature", "cookie",
    ].map { Array($0.utf8) }

    /// The longest part before a chat domain; also keeps the scan linear where parts overlap.
    private static let chatIDLengthLimit = 128

    /// The shortest thing after `Bearer` that is taken for a credential rather than a word.
    private static let credentialLengthLimit = 8

    /// The bytes to take out, which begin here or shortly after; `nil` when nothing tells here.
    func match(keepsDigits: Bool) -> Range<Int>? {
        let byte = bytes[position]
        if byte == UInt8(ascii: ":") { return userInformation() }
        if isTokenStart {
            if let found = chatID() ?? credential() ?? assignment() { return found }
        }
        guard !keepsDigits else { return nil }
        if byte == UInt8(ascii: "+") { return international() }
        return byte.isASCIIDigit ? digits() : nil
    }

    static func isSecretName(_ name: ArraySlice<UInt8>) -> Bool {
        secretNames.contains { hasSuffix(name, $0) }
    }

    /// `491701234567@c.us`.
    private func chatID() -> Range<Int>? {
        let limit = min(bytes.count, position + Self.chatIDLengthLimit)
        let end = bytes[position..<limit].firstIndex { !$0.isURLUnreserved && !":+".utf8.contains($0) }
        guard let end, end > position, bytes[end] == UInt8(ascii: "@") else { return nil }
        guard let domain = Self.chatDomains.first(where: { bytes[end...].starts(with: $0) }) else { return nil }
        return position..<end + domain.count
    }

    /// `Bearer eyJ…`, from the credential on.
    private func credential() -> Range<Int>? {
        let word = run(from: position, while: \.isASCIILetter)
        guard Self.equal(bytes[position..<word], "bearer") else { return nil }
        let start = run(from: word) { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "+") }
        let end = run(from: start, while: \.isCredential)
        return start > word && end - start >= Self.credentialLengthLimit ? start..<end : nil
    }

    /// `access_token=…`, `"token":"…"`, `Authorization: …`, from the value on.
    private func assignment() -> Range<Int>? {
        let name = run(from: position, while: \.isNameCharacter)
        guard Self.isSecretName(bytes[position..<name]) else { return nil }
        var place = run(from: name) { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: " ") }
        let isQuoted = place > name && bytes[name] != UInt8(ascii: " ")
        let isHeader =
            Self.hasSuffix(bytes[position..<name], Array("authorization".utf8))
            || bytes[position..<name].contains(UInt8(ascii: "-"))
        guard place < bytes.count else { return nil }
        guard bytes[place] == UInt8(ascii: "=") || (bytes[place] == UInt8(ascii: ":") && (isQuoted || isHeader)) else {
            return nil
        }
        place = run(from: place + 1) { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: " ") }
        // A scheme before the credential is part of what goes.
        let scheme = run(from: place, while: \.isASCIILetter)
        if ["bearer", "basic"].contains(where: { Self.equal(bytes[place..<scheme], $0) }) {
            let end = run(from: run(from: scheme) { $0 == UInt8(ascii: " ") }, while: \.isValueCharacter)
            return place..<end
        }
        let end = run(from: place, while: \.isValueCharacter)
        return end > place ? place..<end : nil
    }

    /// `://user:password@`, from the user on.
    private func userInformation() -> Range<Int>? {
        guard bytes[position...].starts(with: "://".utf8) else { return nil }
        let start = position + 3
        let end = run(from: start) { $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")), at > start else { return nil }
        return start..<at
    }

    /// A plus and then at least seven digits, with what people put between them.
    private func international() -> Range<Int>? {
        var place = position + 1
        var end = place
        var digits = 0
        while place < bytes.count, bytes[place].isASCIIDigit || " -.()/".utf8.contains(bytes[place]) {
            if bytes[place].isASCIIDigit {
                digits += 1
                end = place + 1
            }
            place += 1
        }
        return digits >= Redactor.digitLimit ? position..<end : nil
    }

    private func digits() -> Range<Int>? {
        guard position == 0 || !bytes[position - 1].isASCIIDigit else { return nil }
        let end = run(from: position, while: \.isASCIIDigit)
        return end - position >= Redactor.digitLimit ? position..<end : nil
    }

    /// Whether a name or number begins here; keeps the scan linear.
    private var isTokenStart: Bool {
        guard bytes[position].isNameCharacter || bytes[position] == UInt8(ascii: "+") else { return false }
        return position == 0 || !(bytes[position - 1].isURLUnreserved || bytes[position - 1] == UInt8(ascii: "+"))
    }

    private func run(from start: Int, while belongs: (UInt8) -> Bool) -> Int {
        var end = start
        while end < bytes.count, belongs(bytes[end]) { end += 1 }
        return end
    }

    private static func equal(_ slice: ArraySlice<UInt8>, _ word: String) -> Bool {
        slice.count == word.utf8.count && zip(slice, word.utf8).allSatisfy { $0 | 0x20 == $1 }
    }

    /// Ignores the case of letters.
    private static func hasSuffix(_ slice: ArraySlice<UInt8>, _ suffix: [UInt8]) -> Bool {
        slice.count >= suffix.count
            && zip(slice.suffix(suffix.count), suffix).allSatisfy { ($0.isASCIILetter ? $0 | 0x20 : $0) == $1 }
    }
}

extension UInt8 {
    fileprivate var isNameCharacter: Bool {
        isASCIILetter || isASCIIDigit || self == UInt8(ascii: "_") || self == UInt8(ascii: "-")
    }

    /// What a bearer token is made of (RFC 6750, `b64token`).
    fileprivate var isCredential: Bool {
        isURLUnreserved || self == UInt8(ascii: "+") || self == UInt8(ascii: "/") || self == UInt8(ascii: "=")
    }

    fileprivate var isValueCharacter: Bool {
        self > 0x20 && !"&\"',;)}]".utf8.contains(self)
    }
}
