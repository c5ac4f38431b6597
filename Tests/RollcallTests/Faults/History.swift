/// What the outside saw of a run: what was posted and answered, what the ledger holds, what the engine was asked, how
/// everything ended, and what was said of it all.
///
/// Instants are microseconds of one machine's wall clock, unless named otherwise.
struct History {
    /// A clock event as its sender means it.
    struct Event: Hashable {
        var id: String
        var agent: String
        /// As in the API: `clock_in` or `clock_out`.
        var kind: String
        var occurredAt: Int64
    }

    /// An agent as the map was told of it.
    struct Mapping: Hashable {
        var agent: String
        /// `nil` for an agent without a session, as is ``account``.
        var instance: String?
        var account: String?
    }

    /// One time an event was posted.
    struct Attempt: Hashable {
        var event: Event
        var replica: Int
        var sentAt: Int64
        var answeredAt: Int64
        /// `nil` when no answer came.
        var status: Int?
        /// The ledger's number, as the receipt says.
        var sequence: Int64?
        /// The load ended while the answer was waited for, so that there was none to wait for any more.
        var isCalledOff = false

        var isTaken: Bool { status == 202 || status == 200 }
    }

    /// One row of the ledger.
    struct Row: Hashable {
        var sequence: Int64
        var event: Event
    }

    /// One call as the engine's log has it.
    struct Call: Hashable {
        var number: Int
        var operation: String
        var instance: String
        var replica: Int
        var receivedAt: Int64
        /// By the engine's monotonic clock, as ``answered``.
        var received: Int64
        /// `nil` when no answer was given.
        var answered: Int64?
        /// What a look was told; `nil` for a command, and for a look that was told nothing.
        var reading: String?

        var isCommand: Bool { operation != "info" }
    }

    /// When a replica learned that it acts for an account.
    struct Term: Hashable {
        var account: String
        var number: Int64
        var replica: Int
        var takenAt: Int64
    }

    /// A time in which a replica stood still.
    struct Freeze: Hashable {
        var replica: Int
        var from: Int64
        var to: Int64
    }

    /// A time in which the database took no heartbeat of anybody.
    struct Outage: Hashable {
        var from: Int64
        var to: Int64
    }

    /// What the database said of an account's lease at an instant.
    struct Sight: Hashable {
        var account: String
        /// The number of the lease's term.
        var term: Int64
        /// When its holder last beat.
        var beatAt: Int64
        /// When the database said so: no later heartbeat was committed before.
        var seenAt: Int64
    }

    /// What was said where people read.
    struct Saying: Hashable {
        /// As the name of a file, in which it is evidence.
        var place: String
        var text: String
    }

    /// What must be said nowhere.
    struct Secret: Hashable {
        /// In words that are none.
        var name: String
        var text: String
    }

    /// How an agent ended.
    struct End: Hashable {
        var agent: String
        var instance: String?
        var account: String?
        /// As in the API: `in` or `out`.
        var shift: String
        /// What is true of the session, whatever anybody says.
        var session: String?
        var condition: String
    }

    /// Whom the map was told of: how each of them ended must be known.
    var map: [Mapping] = []
    var attempts: [Attempt] = []
    var ledger: [Row] = []
    var calls: [Call] = []
    var terms: [Term] = []
    var freezes: [Freeze] = []
    /// The replicas that ended, so that who asked one of them may have heard nothing.
    var gone: Set<Int> = []
    var outages: [Outage] = []
    /// In the order in which they were seen.
    var sights: [Sight] = []
    var ends: [End] = []
    var said: [Saying] = []
    var secrets: [Secret] = []
}
