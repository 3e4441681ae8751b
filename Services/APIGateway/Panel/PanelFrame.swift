/// What is around the content of every page.
struct PanelFrame: Sendable {
  /// A page of the navigation.
  struct Link: Sendable {
    var path: String
    var text: String
    var isCurrent: Bool
  }

  struct Language: Sendable {
    var tag: String
    var name: String
    var isCurrent: Bool
  }

  var language: PanelLanguage
  var languageTag: String
  var title: String
  /// The address of this page, to come back to, for a query.
  var hereEscaped: String
  /// Who is logged in.
  var username: String?
  /// True for the answer to a form, which stays as it is: its address is none to be looked at again.
  var isAnswer: Bool
  var isLoggedIn: Bool
  var csrfToken: String
  var links: [Link]
  var adminLinks: [Link]
  var hasAdminLinks: Bool
  var languages: [Language]
  /// What was just done.
  var notice: String?
  /// True while all sending is switched off.
  var isStopped: Bool
  /// True while all of the reader's own messages are held back.
  var isPaused: Bool
  var zone: String
}
