/// The pages that every page leads to; their names are `nav_NAME` in the catalogue.
enum PanelNavigation {
  /// The page that a form's address belongs to.
  static func page(around path: String) -> String {
    let known = (pages + adminPages).map(\.path) + ["/account", "/login", "/logout"]
    return known.filter { path == $0 || $0 != "/" && path.hasPrefix($0 + "/") }.max { $0.count < $1.count } ?? "/"
  }

  static let pages: [(path: String, name: String)] = [
    ("/", "dashboard"), ("/compose", "compose"), ("/history", "history"),
  ]

  static let adminPages: [(path: String, name: String)] = [
    ("/admin/messages", "messages"), (QueuePage.path, "queue"), ("/admin/dead-letter", "letters"),
    ("/admin/users", "users"),
    ("/admin/providers", "providers"),
    ("/admin/audit", "audit"),
  ]
}
