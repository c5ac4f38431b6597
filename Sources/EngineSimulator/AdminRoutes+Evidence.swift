import Domain
import NIOCore

extension AdminRoutes {
    /// `PUT /_sim/faults`: one fault, or a list of them.
    func strike(_ body: ByteBuffer) throws -> ContractReply {
        // One or a list: a failure only means that it is the other, whose error is then the one reported.
        let orders = try (try? decodedJSON([FaultOrder].self, from: body)) ?? [decodedJSON(FaultOrder.self, from: body)]
        struct Struck: Encodable {
            /// Present while the fault stays in force; names it for `DELETE /_sim/faults?id=`.
            var id: Int?
            /// How many sessions it changed at once.
            var sessions: Int
        }
        for order in orders {
            if let until = order.until, Timestamp(rfc3339: until) == nil {
                throw Refusal(message: "until must be an RFC 3339 instant")
            }
            guard order.count.map({ $0 > 0 }) ?? true else { throw Refusal(message: "count must be positive") }
        }
        let struck = fleet.withWorld { world, now in
            orders.map { order in
                let (id, sessions) = world.strike(order, now: now)
                return Struck(id: id, sessions: sessions)
            }
        }
        return ContractReply(status: 200, body: try encodedJSON(["faults": struck]))
    }

    /// `GET /_sim/faults`: what is in force.
    func listFaults() throws -> ContractReply {
        ContractReply(
            status: 200,
            body: try encodedJSON(["faults": fleet.withWorld { world, _ in world.faults.faults }])
        )
    }

    /// `DELETE /_sim/faults?id=`: ends one fault, or all; what they did to sessions stays.
    func removeFaults(_ query: Substring) -> ContractReply {
        let id = number("id", in: query)
        fleet.withWorld { world, _ in world.faults.remove(id: id) }
        return .json(200, "{\"removed\":true}")
    }

    /// `GET /_sim/calls?since=&limit=`: the calls from a number on (0), at most `limit` (10,000).
    ///
    /// `total` counts all that ever came; `next` is the `since` of the next page.
    func calls(_ query: Substring) -> ContractReply {
        let since = max(number("since", in: query) ?? 0, 0)
        let limit = min(max(number("limit", in: query) ?? 10_000, 0), 1_000_000)
        let (entries, total, counts) = fleet.withWorld { world, _ in
            (world.log.entries(since: since, limit: limit), world.log.total, world.log.counts)
        }
        var body = ByteBuffer()
        body.reserveCapacity(entries.count * 300 + 512)
        body.writeString(
            "{\"total\":\(total),\"next\":\(entries.last.map { $0.number + 1 } ?? min(since, total)),\"counts\":{"
        )
        var isFirst = true
        for operation in Operation.allCases {
            guard let count = counts[operation] else { continue }
            body.writeString("\(isFirst ? "" : ",")\"\(operation.rawValue)\":\(count)")
            isFirst = false
        }
        body.writeStaticString("},\"calls\":[")
        for (index, entry) in entries.enumerated() {
            if index > 0 { body.writeStaticString(",") }
            entry.write(to: &body)
        }
        body.writeStaticString("]}")
        return ContractReply(status: 200, body: body)
    }

    private func number(_ name: String, in query: Substring) -> Int? {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1)
            if parts.count == 2, parts[0] == name { return Int(parts[1]) }
        }
        return nil
    }
}
