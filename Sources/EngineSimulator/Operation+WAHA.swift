extension Operation {
    /// What a method and path ask of WAHA, and of which session.
    ///
    /// Source: WAHA's OpenAPI file, 2026.7.1.
    static func wahaRoute(method: String, path: Substring) -> (route: Route, session: String?) {
        let parts = path.split(separator: "/")
        var methods: [String: Operation]?
        var session: Substring?
        switch parts.count {
        case 1: methods = ["ping": ["GET": .ping], "health": ["GET": .health]][parts[0]]
        case 2 where parts[1] == "sessions": methods = ["GET": .list, "POST": .create]
        case 3 where parts[1] == "server":
            methods = ["version": ["GET": .serverVersion], "status": ["GET": .serverStatus]][parts[2]]
        case 3 where parts[1] == "sessions":
            session = parts[2]
            methods = ["GET": .info, "PUT": .update, "DELETE": .delete]
        case 4 where parts[1] == "sessions":
            session = parts[2]
            methods = wahaCommands[parts[3]]
        case 4 where parts[2] == "auth":
            session = parts[1]
            methods = ["qr": ["GET": .qr], "request-code": ["POST": .requestCode]][parts[3]]
        default: break
        }
        guard let methods else { return (.unknown, nil) }
        return (methods[method].map { .operation($0) } ?? .wrongMethod, session.map { ContractCall.decoded($0.utf8) })
    }

    private static let wahaCommands: [Substring: [String: Operation]] = [
        "start": ["POST": .start],
        "stop": ["POST": .stop],
        "restart": ["POST": .restart],
        "logout": ["POST": .logout],
        "me": ["GET": .me],
    ]
}
