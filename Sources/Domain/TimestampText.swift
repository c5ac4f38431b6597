/// RFC 3339 in and out. Written by hand because it runs once or twice per clock event, where a
/// general date parser was measured to be among the largest costs.
extension Timestamp {
    /// Reads an RFC 3339 date-time with an offset (`2026-03-02T00:02:00.123-08:00`).
    ///
    /// Fractions finer than a microsecond are cut off. A leap second (`:60`) reads as the second after.
    /// `-00:00` counts as UTC. `t`, `z` and a space instead of `T` are taken, as RFC 3339 allows.
    /// The result is `nil` when the UTF-8 is anything else, for example a date that does not exist or
    /// a time without an offset.
    package init?(rfc3339 bytes: some Collection<UInt8>) {
        var reader = DigitReader(bytes)
        guard let civil = reader.civilTime(), let offset = reader.offset(), reader.isAtEnd else { return nil }
        self.init(microseconds: civil.microseconds - offset * 1_000_000)
    }

    /// Reads an RFC 3339 date-time with an offset.
    package init?(rfc3339 text: String) {
        self.init(rfc3339: Array(text.utf8))
    }

    /// The instant as RFC 3339 in UTC with `Z`; fractions only when there are any.
    package var rfc3339: String {
        String(decoding: rfc3339Bytes, as: UTF8.self)
    }

    /// The bytes of ``rfc3339``: 20 without a fraction, else 24 (milliseconds) or 27.
    package var rfc3339Bytes: [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(27)
        let (seconds, micros) = microseconds.flooredDivision(by: 1_000_000)
        let (days, inDay) = seconds.flooredDivision(by: 86_400)
        let date = CivilDate(daysSinceEpoch: days)
        out.appendTwoDigits(date.year / 100)
        out.appendTwoDigits(date.year)
        out.append(UInt8(ascii: "-"))
        out.appendTwoDigits(date.month)
        out.append(UInt8(ascii: "-"))
        out.appendTwoDigits(date.day)
        out.append(UInt8(ascii: "T"))
        out.appendTwoDigits(inDay / 3600)
        out.append(UInt8(ascii: ":"))
        out.appendTwoDigits(inDay / 60 % 60)
        out.append(UInt8(ascii: ":"))
        out.appendTwoDigits(inDay % 60)
        if micros != 0 {
            out.append(UInt8(ascii: "."))
            out.appendThreeDigits(micros / 1000)
            if micros % 1000 != 0 { out.appendThreeDigits(micros) }
        }
        out.append(UInt8(ascii: "Z"))
        return out
    }
}

extension LocalTime {
    /// Reads a date and a time of day without an offset (`2026-03-02 13:55:00.123` or with `T`).
    ///
    /// Fractions finer than a microsecond are cut off. A leap second (`:60`) reads as the second after. `nil` when the
    /// UTF-8 is anything else, for example when an offset follows.
    package init?(_ bytes: some Collection<UInt8>) {
        var reader = DigitReader(bytes)
        guard let civil = reader.civilTime(), reader.isAtEnd else { return nil }
        self.init(microseconds: civil.microseconds)
    }

    /// Reads a date and a time of day without an offset.
    package init?(_ text: String) {
        self.init(Array(text.utf8))
    }
}

/// A day of the proleptic Gregorian calendar.
package struct CivilDate: Sendable, Hashable {
    package var year: Int64
    package var month: Int64
    package var day: Int64

    /// Days since 1970-01-01; the algorithm counts in 400-year eras that begin in March.
    package init(daysSinceEpoch days: Int64) {
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// A date that exists; `nil` for the 31st of April and its like.
    package init?(year: Int64, month: Int64, day: Int64) {
        guard (1...12).contains(month), day >= 1, day <= Self.length(ofMonth: month, year: year) else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// Days since 1970-01-01.
    package var daysSinceEpoch: Int64 {
        Self.daysSinceEpoch(year: year, month: month, day: day)
    }

    /// Days from 1970-01-01 to a date that exists.
    static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shiftedYear.flooredDivision(by: 400)
        let marchMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func length(ofMonth month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Reads fixed-width numbers from the front of a run of bytes.
private struct DigitReader<Bytes: Collection<UInt8>> {
    private let bytes: Bytes
    private var position: Bytes.Index

    init(_ bytes: Bytes) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }

    /// Date and time of day as if they were UTC.
    mutating func civilTime() -> Timestamp? {
        guard let year = number(width: 4), take("-"), let month = number(width: 2), take("-"),
            let day = number(width: 2), let date = CivilDate(year: year, month: month, day: day),
            take("T") || take("t") || take(" "),
            let hour = number(width: 2), hour < 24, take(":"), let minute = number(width: 2), minute < 60,
            take(":"), let second = number(width: 2), second <= 60,
            let fraction = fraction()
        else { return nil }
        let seconds = date.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second
        return Timestamp(microseconds: seconds * 1_000_000 + fraction)
    }

    /// Seconds east of UTC.
    mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let sign: Int64
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hours = number(width: 2), hours < 24, take(":"), let minutes = number(width: 2), minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    /// Microseconds after the second; 0 when there is no fraction, `nil` when the point stands alone.
    private mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        var value: Int64 = 0
        var digits = 0
        while let digit = nextDigit() {
            if digits < 6 { value = value * 10 + digit }
            digits += 1
        }
        guard digits > 0 else { return nil }
        for _ in 0..<max(0, 6 - digits) { value *= 10 }
        return value
    }

    private mutating func number(width: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<width {
            guard let digit = nextDigit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    private mutating func nextDigit() -> Int64? {
        guard position < bytes.endIndex, case let byte = bytes[position], byte >= 48, byte <= 57 else { return nil }
        position = bytes.index(after: position)
        return Int64(byte) - 48
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard position < bytes.endIndex, bytes[position] == UInt8(ascii: scalar) else { return false }
        position = bytes.index(after: position)
        return true
    }
}

extension Int64 {
    /// Quotient rounded down and the remainder, which is never negative.
    func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

// Division by a constant is a multiplication; a loop over powers of ten was most of what writing an instant cost.
extension [UInt8] {
    /// Appends the last two digits of a number that is not negative.
    fileprivate mutating func appendTwoDigits(_ number: Int64) {
        append(UInt8(truncatingIfNeeded: number / 10 % 10) + 48)
        append(UInt8(truncatingIfNeeded: number % 10) + 48)
    }

    /// Appends the last three digits of a number that is not negative.
    fileprivate mutating func appendThreeDigits(_ number: Int64) {
        append(UInt8(truncatingIfNeeded: number / 100 % 10) + 48)
        appendTwoDigits(number)
    }
}
