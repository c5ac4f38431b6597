extension Catalogue {
    /// A template with its sentences put in: `[[key]]`, or `[[key|name=markup|other=markup]]` where the sentence has places.
    ///
    /// A place that the template says nothing about becomes the value of that name.
    func speak(_ template: String) -> String {
        var spoken = ""
        var rest = template[...]
        while let open = rest.firstRange(of: "[["), let close = rest[open.upperBound...].firstRange(of: "]]") {
            spoken += rest[..<open.lowerBound]
            spoken += sentence(rest[open.upperBound..<close.lowerBound])
            rest = rest[close.upperBound...]
        }
        return spoken + rest
    }

    private func sentence(_ call: Substring) -> String {
        let parts = call.split(separator: "|", omittingEmptySubsequences: false)
        var markup: [Substring: Substring] = [:]
        for part in parts.dropFirst() {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if halves.count == 2 { markup[halves[0]] = halves[1] }
        }
        return pieces(String(parts[0])).map { piece in
            switch piece {
            case .text(let text): escaped(text)
            case .place(let name): markup[name[...]].map(String.init) ?? "{{\(name)}}"
            }
        }.joined()
    }

    private func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
    }
}
