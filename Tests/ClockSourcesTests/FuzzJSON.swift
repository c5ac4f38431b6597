import Foundation

/// JSON that a fuzz run takes apart: also what no encoder would write.
enum FuzzJSON: Decodable {
    /// A token as it stands in the text: a word, a number or a quoted string.
    case token(String)
    case list([FuzzJSON])
    /// Members in their order; a key may come twice.
    case members([(key: String, value: FuzzJSON)])

    /// Members are put in order by key, so that one seed gives one text.
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .token("null")
        } else if let flag = try? container.decode(Bool.self) {
            self = .token(flag ? "true" : "false")
        } else if let number = try? container.decode(Int64.self) {
            self = .token(String(number))
        } else if let text = try? container.decode(String.self) {
            self = .token(Self.quoted(text))
        } else if let list = try? container.decode([FuzzJSON].self) {
            self = .list(list)
        } else {
            let members = try container.decode([String: FuzzJSON].self)
            self = .members(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        }
    }

    /// The text, in which nothing is put right.
    var text: String {
        switch self {
        case .token(let token): token
        case .list(let items): "[\(items.map(\.text).joined(separator: ","))]"
        case .members(let members):
            "{\(members.map { "\(Self.quoted($0.key)):\($0.value.text)" }.joined(separator: ","))}"
        }
    }

    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20: quoted += String(format: "\\u%04x", scalar.value)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Changes something at a place drawn by lot.
    mutating func change(_ draw: inout FuzzDraw) {
        if draw.once(in: 2) {
            var place = draw.below(count)
            replace(&place, &draw)
        } else {
            reshape(&draw)
        }
    }

    /// The values in it, itself included.
    private var count: Int {
        switch self {
        case .token: 1
        case .list(let items): items.reduce(1) { $0 + $1.count }
        case .members(let members): members.reduce(1) { $0 + $1.value.count }
        }
    }

    /// Puts another value in the place of one, however deep it lies.
    ///
    /// - Parameters:
    ///   - place: counts down to 0, where the one is.
    ///   - draw: what decides the value.
    private mutating func replace(_ place: inout Int, _ draw: inout FuzzDraw) {
        place -= 1
        guard place >= 0 else {
            self = .hostile(&draw)
            return
        }
        switch self {
        case .token: break
        case .list(var items):
            for index in items.indices where place >= 0 { items[index].replace(&place, &draw) }
            self = .list(items)
        case .members(var members):
            for index in members.indices where place >= 0 { members[index].value.replace(&place, &draw) }
            self = .members(members)
        }
    }

    /// Adds, removes, doubles or renames something; the top is more likely than what lies deep.
    private mutating func reshape(_ draw: inout FuzzDraw) {
        switch self {
        case .members(var members) where !members.isEmpty && !draw.once(in: 8):
            let place = draw.below(members.count)
            switch draw.below(10) {
            case 0: members.remove(at: place)
            case 1: members.append((members[place].key, .hostile(&draw)))
            case 2: members.insert((members[place].key, .hostile(&draw)), at: 0)
            case 3: members[place].key = draw.one(of: [members[place].key.uppercased(), "", "id", "data", "type"])
            case 4: members[place].value = draw.one(of: members).value
            default: members[place].value.reshape(&draw)
            }
            self = .members(members)
        case .list(var items) where !items.isEmpty && !draw.once(in: 8):
            let place = draw.below(items.count)
            switch draw.below(6) {
            case 0: items.remove(at: place)
            case 1: items += Array(repeating: items[place], count: draw.one(of: [1, 2, 101, 1001]))
            case 2: items.append(.hostile(&draw))
            default: items[place].reshape(&draw)
            }
            self = .list(items)
        default:
            self = draw.once(in: 6) ? .list(Array(repeating: self, count: draw.below(4))) : .hostile(&draw)
        }
    }

    /// A value that is seldom meant.
    static func hostile(_ draw: inout FuzzDraw) -> FuzzJSON {
        switch draw.below(8) {
        case 0: .token(draw.one(of: ["null", "true", "false", "nul", "", "{}", "[]", "NaN", "\"open"]))
        case 1, 2: .token(draw.one(of: numbers))
        case 3, 4, 5: .token(quoted(draw.one(of: times)))
        case 6: .token(draw.one(of: strings))
        default: nested(depth: draw.one(of: [1, 2, 30, 31, 32, 33, 5000]), inObjects: draw.once(in: 2))
        }
    }

    private static func nested(depth: Int, inObjects: Bool) -> FuzzJSON {
        let (start, end) = inObjects ? ("{\"id\":", "}") : ("[", "]")
        return .token(String(repeating: start, count: depth) + "0" + String(repeating: end, count: depth))
    }

    private static let numbers =
        [
            "0", "-0", "-1", "1e400", "-1e400", "1e-400", "0.1", "1772438400.5", "1772438400", "1772438400e0", "1E9",
            "253402300799", "253402300800", "1772438400137", "9007199254740993", "9223372036854775807",
            "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "01", "1.",
        ] + [String(repeating: "9", count: 400)]

    static let times =
        [
            "2026-03-02T08:00:00Z", "2026-03-02T09:00:00+01:00", "2026-02-30T08:00:00Z", "2024-02-29T23:59:60Z",
            "0000-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:60Z", "9999-12-31T23:59:59-23:59",
            "2026-03-02t08:00:00z", "2026-03-02T24:00:00Z", "2026-03-02T08:00:00+24:00", "2026-03-02T08:00:00-00:00",
            "2026-03-02T08:00:00.Z", "1999-12-31T23:59:59Z", "2000-01-01T00:00:00Z", "2027-03-03T08:00:00Z",
            "2026-03-29 02:30:00", "2026-10-25 02:30:00.999999999", "0001-01-01 00:00:00", "9999-12-31 23:59:60",
            "2026-03-02", "٢٠٢٦-03-02T08:00:00Z", "", "1772438400",
        ] + ["2026-03-02T08:00:00.\(String(repeating: "1", count: 2000))Z"]

    private static let strings =
        [
            #""\u0000""#, #""\ud800""#, #""\udc00\ud800""#, #""\u202e""#, #""\x""#, "\"\n\"", #""clock_in""#,
            #""void""#,
            #""clock.out""#, #""false""#, #""zen:agent:""#, #"" ""#, #""../../x""#, #""%00""#, #""ping""#, "\"\u{7F}\"",
        ]
        + [200, 201, 70_000].map { "\"\(String(repeating: "a", count: $0))\"" }
        + [100, 5000].map { "\"e\(String(repeating: "\u{301}", count: $0))\"" }
}
