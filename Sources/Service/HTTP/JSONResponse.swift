import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
    /// An answer with a JSON body, never to be kept by a cache.
    static func json(_ status: HTTPResponse.Status = .ok, _ write: (inout ByteBuffer) -> Void) -> Response {
        var buffer = ByteBuffer()
        write(&buffer)
        return Response(
            status: status,
            headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: buffer)
        )
    }

    /// `{"items":[…],"next_cursor":…}`.
    static func list<Items: Collection>(
        _ items: Items,
        nextCursor: String?,
        _ write: (Items.Element, inout ByteBuffer) -> Void
    ) -> Response {
        json { buffer in
            buffer.reserveCapacity(64 + items.count * 640)
            var object = JSONObjectWriter(&buffer)
            object.name("items", into: &buffer)
            buffer.writeJSONArray(items, write)
            object.member("next_cursor", nextCursor, into: &buffer)
            object.end(&buffer)
        }
    }
}
