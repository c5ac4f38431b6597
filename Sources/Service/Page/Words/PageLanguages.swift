import HTTPTypes
import Hummingbird

/// Every language's catalogue, and which of them a request is answered in.
struct PageLanguages: Sendable {
    private let catalogues: [Language: Catalogue]

    /// The cookie that remembers a choice; no more than a language is in it.
    static let cookieName = "rollcall_lang"

    /// Reads the catalogues that are built into the program.
    init() {
        catalogues = [
            .english: Catalogue(.english, PackageResources.en_words),
            .spanish: Catalogue(.spanish, PackageResources.es_words),
            .arabic: Catalogue(.arabic, PackageResources.ar_words),
        ]
    }

    subscript(language: Language) -> Catalogue {
        guard let catalogue = catalogues[language] else { preconditionFailure("\(language) has no catalogue") }
        return catalogue
    }

    /// What a request asks for: the language of an open page that reads itself again, else `?lang=`, else what was chosen before,
    /// else what the browser accepts.
    func language(of request: Request) -> Language {
        if let own = request.headers[.rollcallReread].flatMap({ Language(rawValue: $0) }) { return own }
        if let chosen = Self.chosen(by: request) { return chosen }
        if let kept = request.cookies[Self.cookieName].flatMap({ Language(rawValue: $0.value) }) { return kept }
        return Language(accepting: request.headers[.acceptLanguage])
    }

    /// The language in the address, if there is one that we have.
    static func chosen(by request: Request) -> Language? {
        request.uri.queryParameters["lang"].flatMap { Language(rawValue: String($0)) }
    }

    /// Remembers a choice for a year.
    static func cookie(_ language: Language) -> String {
        "\(cookieName)=\(language.rawValue); Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"
    }
}
