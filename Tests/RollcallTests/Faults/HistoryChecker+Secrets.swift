import Glibc

/// What nobody may say.
extension HistoryChecker {
    /// No secret stands where people read.
    func checkSecrets(_ history: History, _ verdict: inout Verdict) {
        for secret in history.secrets {
            let bytes = Array(secret.text.utf8)
            for saying in history.said where contains(bytes, in: saying.text) {
                verdict.findings.append(.secretSaid(secret.name, place: saying.place))
            }
        }
    }

    /// Whether a text has these bytes in it; never without any.
    ///
    /// Byte by byte: a run's logs are too long for a search by characters.
    private func contains(_ bytes: [UInt8], in text: String) -> Bool {
        var text = text
        return text.withUTF8 { place -> Bool in
            guard let first = bytes.first, var from = place.baseAddress else { return false }
            let end = from + place.count
            while end - from >= bytes.count {
                guard let found = memchr(from, Int32(first), end - from - bytes.count + 1) else { return false }
                if memcmp(found, bytes, bytes.count) == 0 { return true }
                from = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) + 1
            }
            return false
        }
    }
}
