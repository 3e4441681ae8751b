extension String {
  /// Without NUL, which PostgreSQL's text and jsonb cannot hold.
  var storable: String { contains("\0") ? replacing("\0", with: "\u{FFFD}") : self }
}
