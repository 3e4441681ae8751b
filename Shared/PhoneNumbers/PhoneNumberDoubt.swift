/// Why an SMS to a number that can be sent to may not arrive. The tables behind it age, so it is a warning.
public enum PhoneNumberDoubt: String, Sendable, CaseIterable {
  /// The number is a landline, a toll-free number or the like.
  case notMobile = "not_mobile"
  /// The number is in no range that its country is known to have assigned.
  case notAssigned = "not_assigned"

  /// A sentence for people, without the number.
  public var message: String {
    switch self {
    case .notMobile: "This looks like a landline, which cannot receive SMS."
    case .notAssigned: "No number of this range is known to be in use."
    }
  }
}
