import Domain

/// The card of a change that waits for somebody: what is asked for, by whom, since when and for whom.
///
/// The script's says the same.
struct HeldCardModel {
    let change: HeldChange
    let words: Catalogue
    let now: Timestamp
    /// Whether who looks may decide about it.
    var mayDecide = false

    /// Whether somebody is asked, and in time; a setting waits also while nobody whom it would concern is on break.
    static func isAsked(_ change: HeldChange, now: Timestamp) -> Bool {
        let isOver = change.expiresAt.map { $0 <= now } ?? false
        return change.state == .held && !isOver && (change.waiting > 0 || change.kind == .setting)
    }

    /// Whether somebody may decide about a change; a setting is about everybody.
    static func mayDecide(_ change: HeldChange, _ caller: Caller) -> Bool {
        caller.role.includes(.manage) && (change.kind != .setting || caller.teams == nil)
    }

    /// What a template sees.
    var values: [String: Any] {
        [
            "change": change.change, "sentence": sentence, "asks": asks,
            "turn": words(mayDecide ? "guard.turn.own" : "guard.turn.other"),
            "has_whom": !change.wish.first.isEmpty,
            "whom": words.count("guard.all", change.wish.concerned),
            "whom_first": first,
            "whom_more": more,
            "asked": asked, "ends": ends,
        ]
    }

    /// What is asked for, in pieces.
    private var asks: [[String: [[String: Any]]]] {
        change.wish.asks.map { ["pieces": pieces(of: $0)] }
    }

    /// How many it is about beside those who are named; nothing where that is nobody.
    private var more: [String] {
        let others = change.wish.concerned - Int64(change.wish.first.count)
        return others > 0 ? [words("guard.more", ["n": String(others)])] : []
    }

    /// Who is named of those whom it is about.
    private var first: [[String: Any]] {
        change.wish.first.enumerated().map { index, person -> [String: Any] in
            ["follows": index > 0, "called": balanced(person.name.isEmpty ? person.agentID : person.name)]
        }
    }

    /// How many wait, and since when.
    private var asked: [[String: Any]] {
        let agents = words.count("guard.agents", change.waiting)
        return words.phrase("guard.asked", ["agents": .text(agents), "asked": .age(change.askedAt)], now: now)
    }

    /// When it is dropped; nothing for never.
    private var ends: [[String: Any]] {
        guard let expiresAt = change.expiresAt else { return [] }
        return words.phrase("guard.until", ["ahead": .ahead(expiresAt)], now: now)
    }

    /// Who did what, and why it waits.
    private var sentence: [[String: Any]] {
        let isOfListing = change.kind != .listing && change.reason == .fromListing
        return words.phrase(
            "guard.what." + (isOfListing ? "from_listing" : change.kind.rawValue),
            [
                "who": .name(change.askedBy), "n": .text(String(change.affected)), "all": .text(String(change.fleet)),
            ],
            now: now
        )
    }

    /// One thing that is asked for; of how many agents where there are several things.
    private func pieces(of ask: HeldWish.Ask) -> [[String: Any]] {
        let head: [[String: Any]] =
            change.wish.asks.count > 1 ? [["say_text": words.count("guard.all", ask.agents) + " "]] : []
        var values: [String: PhraseValue] = ["instance": .name(ask.instance ?? "")]
        if let hold = ask.hold {
            values["until"] = .clock(hold.until)
            values["reason"] = .quote(hold.reason)
            values["who"] = .name(hold.author)
        }
        return head + words.phrase("guard.part." + Self.word(ask), values, now: now)
    }

    /// The end of the key of what is asked for.
    private static func word(_ ask: HeldWish.Ask) -> String {
        switch ask.kind {
        case "hold": ask.hold.map { "hold." + $0.state.rawValue } ?? "hold.stopped"
        case "release": "released"
        case "removal": ask.erases ? "erasure" : "removal"
        case "instance": ask.unassigns ? "no_instance" : ask.instance == nil ? "sessions" : "instance"
        default: ask.kind
        }
    }
}
