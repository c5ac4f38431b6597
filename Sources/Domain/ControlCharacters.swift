extension Unicode.Scalar {
    /// Whether it is a control character: of the general category Cc, which these ranges are (C0, DEL and C1).
    package var isControl: Bool { value < 0x20 || (0x7F...0x9F).contains(value) }
}
