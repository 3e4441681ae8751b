/// How much one request may ask for.
struct SubmissionLimits: Sendable {
  var recipients = 10_000
  /// Unicode scalars.
  var characters = 1_600
  var segments = 10
  /// Characters of the caller's own reference.
  var reference = 255
  /// More recipients than this make a request `bulk` when it names no class.
  var normalRecipients = 10
  /// Bytes of one number as written, far beyond any way to write one.
  var numberBytes = 64
}
