import Crypto

/// Which page this program serves, so that one that is open notices that another release answers it.
enum PageBuild {
    /// Eight digits, the same in every process that serves the same scripts, style, templates and words.
    static let word = digest(
        of: (PageAssets.scripts + PageViews.templates).map { $0.1 } + [
            PackageResources.page_css, PackageResources.parts_css, PackageResources.pictures_css,
            PackageResources.en_words, PackageResources.es_words, PackageResources.ar_words,
        ]
    )

    /// Another one for any other files, and for the same in another order.
    static func digest(of files: [[UInt8]]) -> String {
        let digests = files.flatMap { Array(SHA256.hash(data: $0)) }
        return Hexadecimal.text(SHA256.hash(data: digests).prefix(4))
    }
}
