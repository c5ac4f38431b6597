package import Hummingbird
import Logging
package import NIOCore

/// What a request carries on its way to its handler.
package struct AppRequestContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    /// Whose key came with the request; `nil` before ``Authenticate`` and on open routes.
    package var caller: Caller?
    /// The connection; body deadlines close it.
    package let channel: any Channel

    package init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        channel = source.channel
    }

    /// The caller, when its role allows what `role` does.
    ///
    /// - Throws: `unauthenticated` without a key; `forbidden` with one that may not.
    @discardableResult
    package func require(_ role: Role) throws(Problem) -> Caller {
        guard let caller else { throw Problem(.unauthenticated) }
        guard caller.role.includes(role) else {
            throw Problem(.forbidden, "The role \(caller.role.rawValue) may not do what needs \(role.rawValue).")
        }
        return caller
    }

    /// The administrator who calls, unless its key is bound to teams.
    ///
    /// `act`: what concerns everybody and so no such key may do, for the refusal's sentence: "manage keys".
    ///
    /// - Throws: `unauthenticated` without a key; `forbidden` with another.
    @discardableResult
    func requireAllTeams(to act: String) throws(Problem) -> Caller {
        let caller = try require(.admin)
        guard caller.teams == nil else {
            throw Problem(.forbidden, "A key that is bound to teams may not \(act).")
        }
        return caller
    }
}
