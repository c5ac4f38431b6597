import ClockSources
import Domain
import Service

/// An HTTP request as a proxy, or a person, wrote it down: first line, headers, a blank line, the body as it was sent.
///
/// Pure. Lines may end with LF or CRLF; `> ` in front of the head's lines, as `curl -v` writes them, is taken away. The body's
/// bytes stay as they are, since most senders sign them; what follows the length that the headers announce is no part of it.
struct RecordedRequest: Sendable {
    var method: String
    /// The path without the query, percent-encoded as it came.
    var path: String
    var query: String?
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    /// What keeps a file from being a request.
    enum Fault: Error, CustomStringConvertible {
        case noRequestLine
        case badHeader(line: Int)
        case shortBody(announced: Int, found: Int)

        var description: String {
            switch self {
            case .noRequestLine: "the first line is not like `POST /v1/sources/<name>/events HTTP/1.1`"
            case .badHeader(let line): "line \(line) is no header, and no blank line came before it"
            case .shortBody(let announced, let found):
                "the headers announce a body of \(announced) bytes, and there are \(found)"
            }
        }
    }

    init(_ bytes: [UInt8]) throws(Fault) {
        var rest = bytes[...]
        guard let first = Self.line(&rest), let request = Self.requestLine(first) else { throw .noRequestLine }
        let isQuoted = first.starts(with: "> ".utf8)
        method = request.method
        let halves = request.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(halves[0])
        query = halves.count == 2 ? String(halves[1]) : nil
        headers = []
        var number = 1
        while let raw = Self.line(&rest) {
            number += 1
            let line = Self.unquoted(raw, isQuoted)
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex else {
                throw .badHeader(line: number)
            }
            let value = String(decoding: line[(colon + 1)...], as: UTF8.self)
            headers.append((String(decoding: line[..<colon], as: UTF8.self), Self.trimmed(value)))
        }
        body = Array(rest)
        let announced = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) }
        if let announced {
            guard body.count >= announced else { throw .shortBody(announced: announced, found: body.count) }
            body = Array(body.prefix(max(0, announced)))
        }
    }

    /// The request as a delivery to our route; what follows `/events/` in its path is the token.
    func delivery(at receivedAt: Timestamp) -> Delivery {
        var token: String?
        if let range = path.range(of: "/events/") { token = percentDecoded(path[range.upperBound...]) }
        return Delivery(
            method: method,
            headers: headers,
            body: body,
            query: query,
            token: token.flatMap { $0.isEmpty ? nil : $0 },
            receivedAt: receivedAt
        )
    }

    /// Takes the next line, without its end; `nil` behind the last.
    private static func line(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? rest.endIndex
        var line = rest[..<end]
        rest = end < rest.endIndex ? rest[(end + 1)...] : rest[end...]
        if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
        return line
    }

    private static func requestLine(_ line: ArraySlice<UInt8>) -> (method: String, target: String)? {
        let words = String(decoding: unquoted(line, line.starts(with: "> ".utf8)), as: UTF8.self).split(separator: " ")
        guard words.count == 3, words[2].hasPrefix("HTTP/"), words[0].allSatisfy(\.isUppercase) else { return nil }
        if words[1].hasPrefix("/") { return (String(words[0]), String(words[1])) }
        // A proxy may write the whole address.
        guard let scheme = words[1].range(of: "://"), let slash = words[1][scheme.upperBound...].firstIndex(of: "/")
        else { return nil }
        return (String(words[0]), String(words[1][slash...]))
    }

    private static func unquoted(_ line: ArraySlice<UInt8>, _ isQuoted: Bool) -> ArraySlice<UInt8> {
        guard isQuoted, line.first == UInt8(ascii: ">") else { return line }
        let content = line.dropFirst()
        return content.first == UInt8(ascii: " ") ? content.dropFirst() : content
    }

    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }
}

extension StringProtocol {
    /// Where a text comes first.
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
