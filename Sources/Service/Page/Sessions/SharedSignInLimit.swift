import Crypto
import Domain
import FoundationEssentials
import LibPQ

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

    /// How long an address must wait before it may try again; `nil` when it need not.
    ///
    /// Index: `sign_in_failures_pkey`.
    func wait(_ address: String) async -> Duration? {
        if let wait = own.wait(address) { return wait }
        let excess = SignInLimiter.forgiveness * (SignInLimiter.burst - 1)
        let statement: PQStatement = """
            SELECT extract(epoch FROM forgiven_at - now())::float8 - \(excess.inSeconds) AS wait
            FROM sign_in_failures
            WHERE sender = \(Self.digest(address))
            """
        // Without an answer the process's own count stands.
        guard let result = try? await pool.query(statement, timeout: Self.patience), let row = result.first,
            let seconds = try? row.column("wait", as: Double.self), seconds > 0
        else { return nil }
        return .milliseconds(Int64((seconds * 1000).rounded(.up)))
    }

    /// Notes that an address sent a wrong key, and forgets whom all is forgiven.
    ///
    /// Index: `sign_in_failures_pkey`; besides reads the whole table, which is bounded.
    func failed(_ address: String) async {
        own.failed(address)
        let sender = Self.digest(address)
        let forgiveness = SignInLimiter.forgiveness.inSeconds
        let statements: [PQStatement] = [
            "DELETE FROM sign_in_failures WHERE forgiven_at <= now() AND sender <> \(sender)",
            """
            INSERT INTO sign_in_failures AS f (sender, forgiven_at)
            SELECT \(sender), now() + make_interval(secs => \(forgiveness))
            WHERE (SELECT count(*) FROM sign_in_failures) < \(Self.senderLimit)
               OR EXISTS (SELECT FROM sign_in_failures k WHERE k.sender = \(sender))
            ON CONFLICT (sender) DO UPDATE
            SET forgiven_at = greatest(f.forgiven_at, now()) + make_interval(secs => \(forgiveness))
            """,
        ]
        for statement in statements {
            // The process's own count has it whatever the database says.
            _ = try? await pool.query(statement, timeout: Self.patience)
        }
    }

    /// What stands for an address: whoever reads the table learns of none.
    private static func digest(_ address: String) -> [UInt8] {
        Array(SHA256.hash(data: Array(address.utf8)).prefix(16))
    }
}
