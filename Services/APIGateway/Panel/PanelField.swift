/// A field that a page carries along without showing it.
struct PanelField: Sendable, Equatable {
  var name: String
  var value: String
}
