package import Foundation

/// A page of `docs/sources`: the blocks of commands in it, which tests run.
package struct RecipePage: Sendable {
    /// The folder of the pages.
    package static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../docs/sources"
    )
    .standardizedFileURL

    /// What went wrong with a page, or with what it has people run.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// The kind of source that the page is about.
    package var kind: String
    private var blocks: [(mark: String, commands: String)]

    /// - Throws: when there is no such page, or one of its blocks does not begin with a mark (`# word`).
    package init(_ kind: String) throws {
        self.kind = kind
        let text = try String(contentsOf: Self.folder.appending(path: "\(kind).md"), encoding: .utf8)
        blocks = text.matches(of: /```sh\n# (\w+)\n((?s:.*?))```/).map { (String($0.1), String($0.2)) }
        guard blocks.count == text.components(separatedBy: "```").count / 2 else {
            throw Failure(description: "\(kind): a block without a mark")
        }
    }

    /// What each block is for, in the page's order.
    package var marks: [String] { blocks.map(\.mark) }

    /// The commands of a block.
    ///
    /// - Throws: when the page has none of this mark.
    package func block(_ mark: String) throws -> String {
        guard let block = blocks.first(where: { $0.mark == mark }) else {
            throw Failure(description: "\(kind): no block \(mark)")
        }
        return block.commands
    }

    /// The variables that the page has people set, by their names.
    package func variables() throws -> [String: String] {
        let (code, output) = try Self.run(try block("settings") + "\nenv -0")
        guard code == 0 else { throw Failure(description: "\(kind): settings") }
        var variables: [String: String] = [:]
        for line in output.split(separator: 0) {
            let sides = String(decoding: line, as: UTF8.self).split(separator: "=", maxSplits: 1).map(String.init)
            if sides.count == 2, sides[0].hasPrefix("ROLLCALL_") { variables[sides[0]] = sides[1] }
        }
        return variables
    }

    /// Runs a script in a `bash` that knows nothing of this process's environment.
    ///
    /// - Returns: its exit code, and what it wrote to its standard output.
    package static func run(_ script: String) throws -> (code: Int32, output: Data) {
        let bash = Process()
        bash.executableURL = URL(filePath: "/usr/bin/env")
        bash.arguments = ["-i", "PATH=/usr/local/bin:/usr/bin:/bin", "bash", "-c", script]
        bash.standardInput = FileHandle.nullDevice
        let output = Pipe()
        bash.standardOutput = output
        try bash.run()
        let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
        bash.waitUntilExit()
        return (bash.terminationStatus, bytes)
    }
}
