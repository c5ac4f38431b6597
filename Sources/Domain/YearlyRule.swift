/// How a zone's clocks change every year, as the last line of its file says (`CET-1CEST,M3.5.0,M10.5.0/3`).
///
/// Source: RFC 8536, section 3.3, which refers to the `TZ` variable of POSIX and allows hours from -167 to 167.
struct YearlyRule: Sendable, Hashable {
    /// Seconds east of UTC, out of summer time.
    private var standardOffset: Int64
    /// `nil` where clocks never change.
    private var summer: Summer?

    private struct Summer: Hashable {
        /// Seconds east of UTC; less than the standard one in Ireland, whose standard time is the summer's.
        var offset: Int64
        var start: ChangeMoment
        var end: ChangeMoment
    }

    /// Reads the line; `nil` when it is not of the documented form.
    init?(_ text: ArraySlice<UInt8>) {
        var reader = YearlyRuleReader(rest: text)
        guard reader.skipName(), let west = reader.hours(limit: 24) else { return nil }
        standardOffset = -west
        guard !reader.isAtEnd else { return }
        guard reader.skipName() else { return nil }
        var offset = standardOffset + 3600
        if !reader.startsWith(",") {
            guard let west = reader.hours(limit: 24) else { return nil }
            offset = -west
        }
        guard let start = reader.moment(), let end = reader.moment(), reader.isAtEnd else { return nil }
        summer = Summer(offset: offset, start: start, end: end)
    }

    /// The changes of the year in which a wall clock shows `second`, of the year before and the one after, in order.
    func changes(around second: Int64) -> [ClockChange] {
        let year = CivilDate(daysSinceEpoch: second.flooredDivision(by: 86_400).quotient).year
        return (year - 1...year + 1).flatMap(changes(in:))
    }

    /// The changes of one year, in order.
    func changes(in year: Int64) -> [ClockChange] {
        guard let summer else { return [] }
        let start = ClockChange(
            at: summer.start.wallSecond(in: year) - standardOffset,
            before: standardOffset,
            after: summer.offset
        )
        let end = ClockChange(
            at: summer.end.wallSecond(in: year) - summer.offset,
            before: summer.offset,
            after: standardOffset
        )
        return start.at < end.at ? [start, end] : [end, start]
    }
}

/// The moment of a year at which clocks are changed, by the clock as it was before.
struct ChangeMoment: Sendable, Hashable {
    var day: Day
    /// Seconds after that day's midnight; may be negative or longer than a day.
    var time: Int64

    enum Day: Sendable, Hashable {
        /// The weekday (0 is Sunday) of that month's first to fourth week, or its last one (5).
        case weekday(month: Int64, week: Int64, weekday: Int64)
        /// Counts from 1 and leaves out the 29th of February.
        case dayWithoutLeapDay(Int64)
        /// Counts from 0.
        case dayOfYear(Int64)
    }

    /// Seconds since 1970-01-01T00:00:00 by the same clock.
    func wallSecond(in year: Int64) -> Int64 {
        daysSinceEpoch(in: year) * 86_400 + time
    }

    private func daysSinceEpoch(in year: Int64) -> Int64 {
        let newYear = CivilDate.daysSinceEpoch(year: year, month: 1, day: 1)
        switch day {
        case .dayOfYear(let number):
            return newYear + number
        case .dayWithoutLeapDay(let number):
            let march = CivilDate.daysSinceEpoch(year: year, month: 3, day: 1)
            return number < 60 ? newYear + number - 1 : march + number - 60
        case .weekday(let month, let week, let weekday):
            let first = CivilDate.daysSinceEpoch(year: year, month: month, day: 1)
            // 1970-01-01 was a Thursday.
            let firstWeekday = (first + 4).flooredDivision(by: 7).remainder
            let wanted = first + (weekday - firstWeekday).flooredDivision(by: 7).remainder + (week - 1) * 7
            let nextMonth = CivilDate.daysSinceEpoch(
                year: month == 12 ? year + 1 : year,
                month: month == 12 ? 1 : month + 1,
                day: 1
            )
            return wanted < nextMonth ? wanted : wanted - 7
        }
    }
}

/// Reads the parts of a yearly rule from the front of its text.
private struct YearlyRuleReader {
    var rest: ArraySlice<UInt8>

    var isAtEnd: Bool { rest.isEmpty }

    func startsWith(_ scalar: Unicode.Scalar) -> Bool { rest.first == UInt8(ascii: scalar) }

    /// Three or more letters, or anything in angle brackets.
    mutating func skipName() -> Bool {
        if take("<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[(end + 1)...]
            return true
        }
        let name = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }
        rest = rest.dropFirst(name.count)
        return name.count >= 3
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    mutating func hours(limit: Int64) -> Int64? {
        let sign: Int64 = take("-") ? -1 : 1
        if sign == 1 { _ = take("+") }
        guard let hours = number(in: 0...limit) else { return nil }
        var seconds = hours * 3600
        if take(":") {
            guard let minutes = number(in: 0...59) else { return nil }
            seconds += minutes * 60
            if take(":") {
                guard let rest = number(in: 0...59) else { return nil }
                seconds += rest
            }
        }
        return sign * seconds
    }

    /// `,day[/time]`; the time is 02:00 unless it says otherwise.
    mutating func moment() -> ChangeMoment? {
        guard take(","), let day = day() else { return nil }
        guard take("/") else { return ChangeMoment(day: day, time: 7200) }
        return hours(limit: 167).map { ChangeMoment(day: day, time: $0) }
    }

    private mutating func day() -> ChangeMoment.Day? {
        if take("M") {
            guard let month = number(in: 1...12), take("."), let week = number(in: 1...5), take("."),
                let weekday = number(in: 0...6)
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        }
        if take("J") { return number(in: 1...365).map { .dayWithoutLeapDay($0) } }
        return number(in: 0...365).map { .dayOfYear($0) }
    }

    /// One to three digits.
    private mutating func number(in range: ClosedRange<Int64>) -> Int64? {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard (1...3).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        let value = digits.reduce(0) { $0 * 10 + Int64($1) - 48 }
        return range.contains(value) ? value : nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard startsWith(scalar) else { return false }
        rest = rest.dropFirst()
        return true
    }
}
