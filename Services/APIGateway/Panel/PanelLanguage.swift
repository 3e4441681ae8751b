import HTTPTypes
import Hummingbird

/// A language of the panel, by its BCP 47 tag.
enum PanelLanguage: String, Sendable, CaseIterable {
  case english = "en"
  case traditionalChinese = "zh-Hant"

  /// In the language itself.
  var name: String {
    switch self {
    case .english: "English"
    case .traditionalChinese: "繁體中文"
    }
  }

  /// What somebody chose, else what their browser asks for, else English.
  init(of request: Request) {
    self =
      PanelCookie.language.value(in: request, isSecure: false).flatMap(PanelLanguage.init(rawValue:))
      ?? Self.preferred(request.headers[.acceptLanguage] ?? "")
  }

  /// The best of an `Accept-Language` field (RFC 9110 §12.5.4). Any Chinese is nearer to ours than English is.
  static func preferred(_ header: String) -> PanelLanguage {
    var best = (language: PanelLanguage.english, quality: 0.0)
    for range in header.lowercased().split(separator: ",").prefix(20) {
      let parts = range.split(separator: ";").map { $0.filter { $0 != " " } }
      guard let tag = parts.first else { continue }
      let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
      let language: PanelLanguage? =
        if tag == "zh" || tag.hasPrefix("zh-") { .traditionalChinese } else if tag == "en" || tag.hasPrefix("en-") {
          .english
        } else { nil }
      if let language, quality > best.quality { best = (language, quality) }
    }
    return best.language
  }
}
