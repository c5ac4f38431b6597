import Crypto
import Domain
import FoundationEssentials
import LibPQ

/// What becomes of an attempt to sign in before its key is looked at.
enum SignInAttempt: Sendable, Equatable {
    /// Too many failed lately; after this one more may be tried.
    case refused(Duration)
    /// It counts as a failure until it is taken back; `isShared`: for all replicas.
    case counted(isShared: Bool)
}

/// Slows down who tries keys over all replicas: what ``SignInLimiter`` knows of this process, and what the database knows of all.
///
/// While the database does not answer, the process's own count is what there is, so that nobody is locked out by its absence.
struct SharedSignInLimit: Sendable {
    private let pool: PQPool
    private let readPool: PQPool
    private let own = SignInLimiter()

    /// Senders that the database remembers, or a few more where they come side by side; a further one is counted by the
    /// process that it came to alone.
    static let senderLimit: Int64 = 10_000
    /// How long a sign-in waits for the database to say.
    private static let patience = Duration.seconds(1)

    /// - Parameters:
    ///   - pool: may write to `sign_in_failures`; asked only to count an attempt, or to take it back.
    ///   - readPool: asks the same server.
    init(pool: PQPool, readPool: PQPool) {
        self.pool = pool
        self.readPool = readPool
    }

    /// Counts an attempt of an address as a failure, here and for all replicas, before its key is looked at.
    ///
    /// So of attempts side by side no more pass than of attempts one after the other. What is counted lies at most a burst's
    /// forgiveness ahead, however many try: who is refused is not counted, and writes nothing. Forgets besides whom all is
    /// forgiven.
    func reserve(_ address: String) async -> SignInAttempt {
        if let wait = own.reserve(address) { return .refused(wait) }
        let sender = Self.digest(address)
        // Without an answer the process's own count stands, and so it does for a sender that there is no room for.
        guard let standing = await standing(of: sender) else { return .counted(isShared: false) }
        var wait = standing.wait
        if wait <= .zero {
            guard standing.hasRoom, await forget(standing, but: sender), let isCounted = await count(sender) else {
                return .counted(isShared: false)
            }
            if isCounted { return .counted(isShared: true) }
            // Others were counted since it was read; longer than this nobody has to wait.
            wait = SignInLimiter.forgiveness
        }
        own.takeBack(address)
        return .refused(wait)
    }

    /// Takes an attempt back that was counted: its key was right.
    ///
    /// Index: `sign_in_failures_pkey`.
    func takeBack(_ address: String, isShared: Bool) async {
        own.takeBack(address)
        guard isShared else { return }
        let sender = Self.digest(address)
        _ = try? await pool.pipeline(
            [
                """
                UPDATE sign_in_failures
                SET forgiven_at = forgiven_at - make_interval(secs => \(SignInLimiter.forgiveness.inSeconds))
                WHERE sender = \(sender)
                """,
                "DELETE FROM sign_in_failures WHERE sender = \(sender) AND forgiven_at <= now()",
            ],
            timeout: Self.patience
        )
    }

    /// What stands for an address: whoever reads the table learns of none.
    private static func digest(_ address: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(address.utf8)).prefix(16))
    }
}

/// What is asked of the database: for an answer within ``patience``, without which the process's own count has to do.
extension SharedSignInLimit {
    /// How a sender stands, as the database knows it.
    private struct Standing {
        /// How long it must wait before it may try again; zero or less when it need not.
        var wait: Duration
        /// Whether it is remembered already, or may be.
        var hasRoom: Bool
        /// Whether all is forgiven to somebody else.
        var hasForgiven: Bool

        init(_ row: PQRow) throws(PQError) {
            let seconds = try row.column("wait", as: Double.self)
            wait = .milliseconds(Int64((seconds * 1000).rounded(.up)))
            let isKnown = try row.column("is_known", as: Bool.self)
            let remembered = try row.column("remembered", as: Int64.self)
            hasRoom = isKnown || remembered < SharedSignInLimit.senderLimit
            hasForgiven = try row.column("has_forgiven", as: Bool.self)
        }
    }

    /// How far ahead, in seconds, all may be forgiven at the most where one more may be tried.
    private static let excess = (SignInLimiter.forgiveness * (SignInLimiter.burst - 1)).inSeconds

    /// Reads the whole table, which is bounded.
    private func standing(of sender: [UInt8]) async -> Standing? {
        let result = try? await readPool.query(
            """
            SELECT count(*) FILTER (WHERE forgiven_at > now()) AS remembered,
                coalesce(bool_or(sender = \(sender)), false) AS is_known,
                coalesce(bool_or(forgiven_at <= now() AND sender <> \(sender)), false) AS has_forgiven,
                coalesce(
                    max(extract(epoch FROM forgiven_at - now())::float8) FILTER (WHERE sender = \(sender)), 0
                ) - \(Self.excess) AS wait
            FROM sign_in_failures
            """,
            timeout: Self.patience
        )
        guard let row = result?.first else { return nil }
        return try? Standing(row)
    }

    /// Forgets to whom all is forgiven, if there is anybody, but for the sender itself; tells whether that is done.
    ///
    /// Reads the whole table, which is bounded.
    private func forget(_ standing: Standing, but sender: [UInt8]) async -> Bool {
        guard standing.hasForgiven else { return true }
        let forgotten = try? await pool.query(
            "DELETE FROM sign_in_failures WHERE forgiven_at <= now() AND sender <> \(sender)",
            timeout: Self.patience
        )
        return forgotten != nil
    }

    /// Counts an attempt; tells whether it could be, which it cannot where too many are counted.
    ///
    /// Index: `sign_in_failures_pkey`.
    private func count(_ sender: [UInt8]) async -> Bool? {
        let forgiveness = SignInLimiter.forgiveness.inSeconds
        let counted = try? await pool.execute(
            """
            INSERT INTO sign_in_failures AS f (sender, forgiven_at)
            VALUES (\(sender), now() + make_interval(secs => \(forgiveness)))
            ON CONFLICT (sender) DO UPDATE
            SET forgiven_at = greatest(f.forgiven_at, now()) + make_interval(secs => \(forgiveness))
            WHERE f.forgiven_at <= now() + make_interval(secs => \(Self.excess))
            """,
            timeout: Self.patience
        )
        return counted.map { $0 > 0 }
    }
}
