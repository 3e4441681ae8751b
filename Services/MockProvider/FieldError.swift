/// Something wrong in a request, with the field it is in.
struct FieldError: Error, Equatable {
  /// The field's path, such as `faults[0].kind`; empty for the body itself.
  let field: String
  let message: String

  init(_ field: String, _ message: String) {
    self.field = field
    self.message = message
  }
}
