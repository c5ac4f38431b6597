extension Timestamp {
    /// Whole Unix seconds as a sender wrote them.
    ///
    /// `nil` before 1970 and after the year 9999, so that no number from outside can overflow.
    package init?(unixSeconds seconds: Int64) {
        guard (0...253_402_300_799).contains(seconds) else { return nil }
        self.init(seconds: seconds)
    }

    /// Whole Unix milliseconds as a sender wrote them; `nil` outside the years 1970 to 9999.
    package init?(unixMilliseconds milliseconds: Int64) {
        guard (0...253_402_300_799_999).contains(milliseconds) else { return nil }
        self.init(microseconds: milliseconds * 1000)
    }

    /// Unix seconds as decimal digits and nothing else, the way forms and headers carry them.
    package init?(unixSeconds text: some StringProtocol) {
        guard (1...12).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            let seconds = Int64(text)
        else { return nil }
        self.init(unixSeconds: seconds)
    }
}
