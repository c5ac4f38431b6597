import Domain

/// How long a `Retry-After` field asks us to wait.
///
/// - Parameters:
///   - value: whole seconds, or an HTTP-date in the form all senders must use
///     (`Sun, 06 Nov 1994 08:49:37 GMT`; RFC 9110, 5.6.7).
///   - now: the sender's clock (its `Date` field) if known, else ours.
/// - Returns: zero to an hour; `nil` when the field says neither.
func retryAfter(_ value: String, now: Timestamp) -> Duration? {
    let longest = Duration.seconds(3600)
    let text = value.drop { $0 == " " || $0 == "\t" }.prefix { $0 != "\r" && $0 != "\n" }
    let trimmed = text.lastIndex { $0 != " " && $0 != "\t" }.map { text[...$0] } ?? ""
    if !trimmed.isEmpty, trimmed.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) {
        // Too long for a number is longer than an hour.
        return min(Int64(trimmed).map { .seconds($0) } ?? longest, longest)
    }
    guard let date = Timestamp(httpDate: String(trimmed)) else { return nil }
    return min(max(date - now, .zero), longest)
}

extension Timestamp {
    /// Reads an HTTP-date in its fixed form; `nil` for the obsolete forms, which nobody may send.
    init?(httpDate text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].utf8.count == 4, parts[0].hasSuffix(","), parts[5] == "GMT",
            let day = Self.number(parts[1], width: 2), let month = Self.months[parts[2]],
            let year = Self.number(parts[3], width: 4), let date = CivilDate(year: year, month: month, day: day)
        else { return nil }
        let clock = parts[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3,
            let hour = Self.number(clock[0], width: 2), hour < 24,
            let minute = Self.number(clock[1], width: 2), minute < 60,
            let second = Self.number(clock[2], width: 2), second <= 60
        else { return nil }
        self.init(seconds: date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second)
    }

    private static let months: [Substring: Int64] = [
        "Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6,
        "Jul": 7, "Aug": 8, "Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12,
    ]

    private static func number(_ text: Substring, width: Int) -> Int64? {
        guard text.utf8.count == width, text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(text)
    }
}
