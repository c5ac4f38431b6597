extension PQStatement {
    /// Collects the parts of a statement literal.
    public struct StringInterpolation: StringInterpolationProtocol, Sendable {
        var text = ""
        var types: [UInt32] = []
        var slots: [Slot] = []
        var payload: [UInt8] = []
        var refusal: Refusal?

        /// Called by the compiler before the first part.
        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 3)
            types.reserveCapacity(interpolationCount)
            slots.reserveCapacity(interpolationCount)
        }

        init(_ literal: String) {
            text = literal
        }

        /// Called by the compiler for each literal part.
        public mutating func appendLiteral(_ literal: String) {
            text += literal
        }

        /// Binds a value.
        public mutating func appendInterpolation<Value: PQEncodable>(_ value: Value) {
            appendPlaceholder(Value.pqType)
            let start = payload.count
            value.encode(into: &payload)
            slots.append(Slot(offset: start, length: payload.count - start))
            inspect(Value.pqType, from: start)
        }

        /// Binds a value, or NULL.
        public mutating func appendInterpolation<Value: PQEncodable>(_ value: Value?) {
            if let value {
                appendInterpolation(value)
            } else {
                appendPlaceholder(Value.pqType)
                slots.append(Slot(offset: payload.count, length: -1))
            }
        }

        /// Writes the name of a table, column, channel or other object, quoted.
        public mutating func appendInterpolation(identifier: String) {
            if identifier.isEmpty || identifier.utf8.contains(0) { refusal = refusal ?? .nulInIdentifier }
            text += "\""
            for character in identifier.unicodeScalars {
                if character == "\"" { text += "\"" }
                text.unicodeScalars.append(character)
            }
            text += "\""
        }

        private mutating func appendPlaceholder(_ type: PQType) {
            types.append(type.oid)
            text += "$"
            text += String(types.count)
        }

        /// Looks for what PostgreSQL cannot take, before anything is sent: type 0 and U+0000 in text.
        private mutating func inspect(_ type: PQType, from start: Int) {
            if type.oid == 0 {
                refusal = refusal ?? .nestedArray
            } else if type.isText {
                refuseNUL(in: start..<payload.count)
            } else if type == .jsonb {
                refuseNUL(in: min(start + 1, payload.count)..<payload.count)
            } else if Self.textArrays.contains(type) {
                inspectElements(from: start, skipping: type == PQType.jsonb.array ? 1 : 0)
            }
        }

        private mutating func refuseNUL(in range: Range<Int>) {
            if payload[range].contains(0) { refusal = refusal ?? .nulInText }
        }

        /// Walks through an array that was just encoded, to look at each text in it.
        private mutating func inspectElements(from start: Int, skipping prefix: Int) {
            var position = start + 20
            while position + 4 <= payload.count {
                let length = payload[position..<(position + 4)].reduce(Int32(0)) { $0 << 8 | Int32($1) }
                position += 4
                guard length > 0 else { continue }
                refuseNUL(in: min(position + prefix, payload.count)..<min(position + Int(length), payload.count))
                position += Int(length)
            }
        }

        private static let textArrays: Set<PQType?> = [
            PQType.text.array, PQType.varchar.array, PQType.bpchar.array, PQType.name.array, PQType.json.array,
            PQType.jsonb.array, PQType.xml.array,
        ]
    }
}
