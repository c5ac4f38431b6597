import LibPQ

extension PQStatement.StringInterpolation {
    /// Writes one of our own limits into the text, in figures: the planner then sees it, and a prepared statement keeps to it.
    mutating func appendInterpolation(figure: some BinaryInteger) {
        appendLiteral(String(figure))
    }
}
