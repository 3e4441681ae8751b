import Mustache

/// The panel's pages as templates, and what all of them say.
struct PanelTemplates: Sendable {
  private let library: MustacheLibrary
  private let texts: [PanelLanguage: PanelText]

  /// - Throws: When a file that belongs beside the executable is missing, or is no template.
  init() throws {
    var templates: [String: MustacheTemplate] = [:]
    for name in PanelTemplate.allCases.map(\.rawValue) + Self.parts {
      templates[name] = try HTMLText.template(try GatewayResources.text("\(name).mustache"))
    }
    library = MustacheLibrary(templates: templates)
    texts = try Dictionary(
      uniqueKeysWithValues: PanelLanguage.allCases.map { ($0, try PanelText($0)) })
  }

  func text(_ language: PanelLanguage) -> PanelText {
    // Every language was read when this was made.
    texts[language] ?? texts[.english] ?? PanelText(language, strings: [:])
  }

  func html(_ template: PanelTemplate, _ frame: PanelFrame, _ content: any Sendable) -> String {
    let page = Page(t: text(frame.language).strings, frame: frame, content: content)
    return library.render(page, withTemplate: template.rawValue) ?? ""
  }

  /// What templates see. Names are looked up from the inside out, so the outermost ones are few.
  private struct Page {
    var t: [String: String]
    var frame: PanelFrame
    var content: any Sendable
  }

  /// Templates that others are made of.
  private static let parts = [
    "panel-layout", "panel-problems", "panel-check", "panel-user-fields", "panel-tokens", "panel-tries",
  ]
}

/// A page's template: the file `Resources/Panel/NAME.mustache`.
enum PanelTemplate: String, Sendable, CaseIterable {
  case login = "panel-login"
  case logout = "panel-logout"
  case problem = "panel-problem"
  case dashboard = "panel-dashboard"
  case compose = "panel-compose"
  case messages = "panel-messages"
  case message = "panel-message"
  case soon = "panel-soon"
  case attempts = "panel-attempts"
  case queue = "panel-queue"
  case users = "panel-users"
  case user = "panel-user"
  case providers = "panel-providers"
  case audit = "panel-audit"
  case letters = "panel-letters"
  case letter = "panel-letter"
  case replays = "panel-replays"
  case account = "panel-account"
}
