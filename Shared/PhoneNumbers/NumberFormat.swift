/// How a provider wants numbers written.
public enum NumberFormat: String, Sendable, CaseIterable, Codable {
  /// `+85291234567`
  case e164
  /// `85291234567`
  case digits
  /// `91234567`: without the country code
  case national
}
