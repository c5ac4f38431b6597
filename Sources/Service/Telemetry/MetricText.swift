/// The text exposition format 0.0.4 of Prometheus: names, labels and numbers.
///
/// Source: prometheus.io/docs/instrumenting/exposition_formats.
enum MetricText {
    /// The content type that ``PrometheusMetrics/render()`` is served as.
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// A metric's name: `append.batch` with suffix `_total` becomes `rollcall_append_batch_total`.
    static func name(_ label: String, suffix: String) -> String {
        var name = sanitized(label)
        if !name.hasPrefix("rollcall_") { name = "rollcall_" + name }
        return name.hasSuffix(suffix) ? name : name + suffix
    }

    /// Labels between braces, by name; empty without any.
    ///
    /// Of two dimensions that come to the same name the first stays, since a repeated label makes the
    /// whole page unreadable to a scraper.
    static func labels(_ dimensions: [(String, String)]) -> String {
        var values: [String: String] = [:]
        for (name, value) in dimensions {
            let name = labelName(name)
            if values[name] == nil { values[name] = value }
        }
        return values.sorted { $0.key < $1.key }
            .map { "\($0.key)=\"\(escaped($0.value, quotes: true))\"" }
            .joined(separator: ",")
    }

    /// A number as Prometheus reads it; whole numbers without a point.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if let whole = Int64(exactly: value) { return String(whole) }
        return value.description
    }

    /// Escapes a label's value, or with `quotes` false a help text.
    static func escaped(_ text: String, quotes: Bool) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\"" where quotes: out += "\\\""
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// `le` belongs to histograms and names that begin with two underscores to Prometheus itself.
    private static func labelName(_ text: String) -> String {
        let name = sanitized(text)
        let startsWrong = name.first.map { $0.isNumber } ?? true
        return startsWrong || name == "le" || name.hasPrefix("__") ? "label_" + name : name
    }

    private static func sanitized(_ text: String) -> String {
        String(
            decoding: text.utf8.map { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    byte
                default:
                    UInt8(ascii: "_")
                }
            },
            as: UTF8.self
        )
    }
}
