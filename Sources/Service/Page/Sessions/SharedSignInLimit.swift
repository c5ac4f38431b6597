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
    private let own = SignInLimiter()

    /// Senders that the database remembers; a further one is counted by the process that it came to alone.
    static let senderLimit: Int64 = 10_000
    /// How long a sign-in waits for the database to say.
    private static let patience = Duration.seconds(1)

    init(pool: PQPool) {
        self.pool = pool
    }

    /// Counts an attempt of an address as a failure, here and for all replicas, before its key is looked at.
    ///
    /// So of attempts side by side no more pass than of attempts one after the other. What is counted lies at most a burst's
    /// forgiveness ahead, however many try: who is refused is not counted. Forgets besides whom all is forgiven.
    ///
    /// Index: `sign_in_failures_pkey`; besides reads the whole table, which is bounded.
    func reserve(_ address: String) async -> SignInAttempt {
        if let wait = own.reserve(address) { return .refused(wait) }
        let sender = Self.digest(address)
        let forgiveness = SignInLimiter.forgiveness.inSeconds
        let excess = (SignInLimiter.forgiveness * (SignInLimiter.burst - 1)).inSeconds
        await run("DELETE FROM sign_in_failures WHERE forgiven_at <= now() AND sender <> \(sender)")
        let answer = await run(
            """
            WITH counted AS (
                INSERT INTO sign_in_failures AS f (sender, forgiven_at)
                SELECT \(sender), now() + make_interval(secs => \(forgiveness))
                WHERE (SELECT count(*) FROM sign_in_failures) < \(Self.senderLimit)
                   OR EXISTS (SELECT FROM sign_in_failures k WHERE k.sender = \(sender))
                ON CONFLICT (sender) DO UPDATE
                SET forgiven_at = greatest(f.forgiven_at, now()) + make_interval(secs => \(forgiveness))
                WHERE f.forgiven_at <= now() + make_interval(secs => \(excess))
                RETURNING sender
            )
            SELECT EXISTS (SELECT FROM counted) AS is_counted,
                   (SELECT count(*) FROM sign_in_failures) >= \(Self.senderLimit)
                       AND NOT EXISTS (SELECT FROM sign_in_failures k WHERE k.sender = \(sender)) AS is_full,
                   coalesce((
                       SELECT extract(epoch FROM k.forgiven_at - now())::float8 - \(excess)
                       FROM sign_in_failures k
                       WHERE k.sender = \(sender)
                   ), 0) AS wait
            """
        )
        // Without an answer the process's own count stands, and so it does for a sender that there is no room for.
        guard let row = answer?.first, let isCounted = try? row.column("is_counted", as: Bool.self),
            let isFull = try? row.column("is_full", as: Bool.self),
            let wait = try? row.column("wait", as: Double.self)
        else { return .counted(isShared: false) }
        guard !isCounted, !isFull else { return .counted(isShared: isCounted) }
        own.takeBack(address)
        // What others counted in this very moment is in the refusal and not yet in what was read.
        let seconds = wait > 0 ? wait : forgiveness
        return .refused(.milliseconds(Int64((seconds * 1000).rounded(.up))))
    }

    /// Takes an attempt back that was counted: its key was right.
    ///
    /// Index: `sign_in_failures_pkey`; besides reads the whole table, which is bounded.
    func takeBack(_ address: String, isShared: Bool) async {
        own.takeBack(address)
        guard isShared else { return }
        await run(
            """
            UPDATE sign_in_failures
            SET forgiven_at = forgiven_at - make_interval(secs => \(SignInLimiter.forgiveness.inSeconds))
            WHERE sender = \(Self.digest(address))
            """
        )
        await run("DELETE FROM sign_in_failures WHERE forgiven_at <= now()")
    }

    /// What the database answers within ``patience``; `nil` without an answer, for the process's own count has it all.
    @discardableResult
    private func run(_ statement: PQStatement) async -> PQResult? {
        try? await pool.query(statement, timeout: Self.patience)
    }

    /// What stands for an address: whoever reads the table learns of none.
    private static func digest(_ address: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(address.utf8)).prefix(16))
    }
}
