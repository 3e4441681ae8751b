/// The pages that every page leads to; their names are `nav_NAME` in the catalogue.
enum PanelNavigation {
  static let pages: [(path: String, name: String)] = [
    ("/", "dashboard"), ("/compose", "compose"), ("/history", "history"),
  ]

  static let adminPages: [(path: String, name: String)] = [
    ("/admin/messages", "messages"), ("/admin/dead-letter", "letters"), ("/admin/users", "users"),
    ("/admin/providers", "providers"),
    ("/admin/audit", "audit"),
  ]
}
