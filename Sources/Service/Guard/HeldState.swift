/// What a change that waits is, by who asked for it; the words of `guard_changes.kind`.
package enum HeldKind: String, Sendable, Hashable, CaseIterable {
    /// Somebody edits one agent or a few.
    case edit
    /// Somebody orders something about one agent or many.
    case order
    /// A list of agents was imported.
    case fromImport = "import"
    /// Sessions that an import brought and that run.
    case listing
    /// Replicas were started with another setting.
    case setting
}

/// How a change, or one agent's part of it, stands; the words of `guard_changes.state` and `guard_items.state`.
package enum HeldState: String, Sendable, Hashable, CaseIterable {
    /// It waits for somebody.
    case held
    case approved, refused
    /// Nobody decided in time.
    case expired
    /// Something newer took its place.
    case superseded
    /// The parts of a change ended differently.
    case mixed
    /// Of a listing: nothing of it waits any more.
    case settled
}
