import FoundationEssentials

/// A PostgreSQL server's programs, as a package installed them.
struct PostgresInstallation: Sendable, Hashable {
    /// The folder with `postgres`, `initdb` and `pg_ctl`.
    var binaries: String
    var majorVersion: Int

    /// The oldest that Rollcall's statements run on.
    static let leastVersion = 15

    /// Finds the programs to run a folder with.
    ///
    /// - Parameter dataVersion: the version that the folder's data has; `nil` for a new folder, which gets the newest.
    /// - Returns: programs of the data's version, or the newest.
    /// - Throws: as ``choose(among:dataVersion:)`` does.
    static func find(dataVersion: Int?) throws(EmbeddedError) -> PostgresInstallation {
        let all = candidates().compactMap(PostgresInstallation.init(binaries:))
        return try choose(among: all, dataVersion: dataVersion)
    }

    /// The installation among several that a folder needs.
    ///
    /// - Throws: when none is recent enough or, for existing data, none is of its version.
    static func choose(
        among all: [PostgresInstallation],
        dataVersion: Int?
    ) throws(EmbeddedError) -> PostgresInstallation {
        let usable = all.filter { $0.majorVersion >= leastVersion }
        guard let dataVersion else {
            guard let newest = usable.max(by: { $0.majorVersion < $1.majorVersion }) else {
                throw EmbeddedError(
                    .noServer,
                    "no PostgreSQL server \(leastVersion) or newer is installed; on Debian: apt-get install postgresql"
                )
            }
            return newest
        }
        guard let same = usable.first(where: { $0.majorVersion == dataVersion }) else {
            throw EmbeddedError(
                .noServer,
                """
                the folder's data is of PostgreSQL \(dataVersion), which is not installed; install it \
                (on Debian: postgresql-\(dataVersion)), or move the data to another version with pg_upgrade
                """
            )
        }
        return same
    }

    private init?(binaries: String) {
        let files = FileManager.default
        guard
            ["postgres", "initdb", "pg_ctl", "createdb"].allSatisfy({
                files.isExecutableFile(atPath: "\(binaries)/\($0)")
            })
        else { return nil }
        // Distributions put each version into a folder named after it: …/postgresql/15/bin, …/pgsql-15/bin.
        let folders = binaries.split(separator: "/").reversed().dropFirst()
        guard let folder = folders.first,
            let version = Int(folder.split(separator: "-").last.map(String.init) ?? "")
        else { return nil }
        self.init(binaries: binaries, majorVersion: version)
    }

    init(binaries: String, majorVersion: Int) {
        self.binaries = binaries
        self.majorVersion = majorVersion
    }

    private static func candidates() -> [String] {
        let files = FileManager.default
        let versioned = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/homebrew/opt", "/usr"]
        return versioned.flatMap { parent in
            // A folder that is not there holds no server.
            ((try? files.contentsOfDirectory(atPath: parent)) ?? []).map { "\(parent)/\($0)/bin" }
        }
    }
}
