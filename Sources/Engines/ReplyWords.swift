import Domain

/// The words of an engine's JSON reply that decide what it means.
///
/// Written by hand because every look runs through it: a general decoder costs more than the rest of
/// the client's own work. It is strict about what is JSON and lenient about what it says: anything but
/// one whole object has no words, and members that are not strings count as absent.
struct ReplyWords: Equatable {
    /// The top-level `status`, without surrounding white space; never empty.
    private(set) var status: String?
    /// The top-level `code`, likewise.
    private(set) var code: String?

    /// The top-level `name`, likewise; `nil` also when there are two, for then it names nobody.
    private(set) var name: String?

    /// Whether the top-level `me` is there and `null`: no account is linked.
    private(set) var namesNoAccount = false

    /// - Returns: `nil` when the bytes are not exactly one JSON object, are cut, nest deeper than 64, or
    ///   name a status twice.
    init?(json bytes: [UInt8]) {
        var scanner = JSONScanner(bytes)
        guard scanner.take(UInt8(ascii: "{")) else { return nil }
        guard !scanner.take(UInt8(ascii: "}")) else {
            guard scanner.isAtEnd else { return nil }
            return
        }
        var hasStatus = false
        var hasName = false
        repeat {
            guard let key = scanner.string(), scanner.take(UInt8(ascii: ":")) else { return nil }
            if scanner.equals(key, "status") {
                guard !hasStatus, let value = scanner.word() else { return nil }
                hasStatus = true
                status = value
            } else if scanner.equals(key, "code") {
                guard let value = scanner.word() else { return nil }
                code = value
            } else if scanner.equals(key, "name") {
                guard let value = scanner.word() else { return nil }
                name = hasName ? nil : value
                hasName = true
            } else if scanner.equals(key, "me") {
                namesNoAccount = scanner.startsNull
                guard scanner.skipValue(depth: 1) else { return nil }
            } else {
                guard scanner.skipValue(depth: 1) else { return nil }
            }
        } while scanner.take(UInt8(ascii: ","))
        guard scanner.take(UInt8(ascii: "}")), scanner.isAtEnd else { return nil }
    }
}

extension ReplyWords {
    /// The status; one that works without an account is suspect.
    var sessionStatus: SessionStatus? {
        guard let status else { return nil }
        let said = SessionStatus(word: status)
        return said == .working && namesNoAccount ? .suspect : said
    }
}

extension JSONScanner {
    /// Reads the next value: its text if it is a string with something in it, else `.some(nil)`.
    ///
    /// - Returns: `nil` when no value stands here.
    fileprivate mutating func word() -> String?? {
        guard startsString else { return skipValue(depth: 1) ? .some(nil) : nil }
        guard let range = string() else { return nil }
        let characters = text(range).drop(while: \.isWhitespace)
        let end = characters.lastIndex { !$0.isWhitespace }
        return .some(end.map { String(characters[...$0]) })
    }
}
