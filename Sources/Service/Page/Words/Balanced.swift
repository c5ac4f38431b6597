/// What people made up, with every mark of direction in it closed, and none closed that is not open.
///
/// For names that are shown: what stands beside one keeps its own direction, also in a plain text, and in an element of its own,
/// which a mark too many would end. Nothing that is seen of the name itself changes. The script's `balanced` does the same.
func balanced(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isMarkOfDirection) else { return text }
    var kept = String.UnicodeScalarView()
    /// What would close what is open, the innermost last.
    var owed: [Unicode.Scalar] = []
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\u{2066}", "\u{2067}", "\u{2068}": owed.append("\u{2069}")
        case "\u{202A}", "\u{202B}", "\u{202D}", "\u{202E}": owed.append("\u{202C}")
        case "\u{2069}":
            // It closes what was opened within, too.
            guard let place = owed.lastIndex(of: scalar) else { continue }
            owed.removeSubrange(place...)
        case "\u{202C}":
            guard owed.last == scalar else { continue }
            owed.removeLast()
        default: break
        }
        kept.append(scalar)
    }
    kept.append(contentsOf: owed.reversed())
    return String(kept)
}

/// Embeddings, overrides and isolates of Unicode's bidirectional algorithm, and their ends.
private func isMarkOfDirection(_ scalar: Unicode.Scalar) -> Bool {
    ("\u{202A}"..."\u{202E}").contains(scalar) || ("\u{2066}"..."\u{2069}").contains(scalar)
}
