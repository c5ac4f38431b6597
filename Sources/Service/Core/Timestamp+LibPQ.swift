package import Domain
package import LibPQ

extension Timestamp: PQEncodable, PQDecodable {
    package static var pqType: PQType { PQTimestamp.pqType }

    package func encode(into buffer: inout [UInt8]) {
        PQTimestamp(microseconds: microseconds).encode(into: &buffer)
    }

    package init(pq value: PQValue) throws(PQError) {
        self.init(microseconds: try PQTimestamp(pq: value).microseconds)
    }
}
