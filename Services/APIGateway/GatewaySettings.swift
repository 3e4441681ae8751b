import PhoneNumbers

/// What only the gateway is set by.
struct GatewaySettings: Sendable {
  /// `SLUICE_HTTP_HOST`
  var host = "127.0.0.1"
  /// `SLUICE_HTTP_PORT`; 0 lets the kernel pick.
  var port = 8080
  /// `SLUICE_HTTP_CONNECTIONS`: open at once; more wait to be accepted.
  var connections = 4_096
  /// `SLUICE_BODY_LIMIT`, in bytes.
  var bodyLimit = 2 * 1024 * 1024
  /// `SLUICE_MAX_RECIPIENTS`, `SLUICE_MAX_CHARACTERS`, `SLUICE_MAX_SEGMENTS`
  var limits = SubmissionLimits()
  /// `SLUICE_DEFAULT_REGION`: where numbers without a country code are.
  var defaultRegion = "HK"
  /// `SLUICE_NUMBER_CHECK`: `possible` or `valid`.
  var numberCheck = NumberCheck.possible
  /// `SLUICE_ADMIN_USER`, `SLUICE_ADMIN_PASSWORD`, `SLUICE_ADMIN_TOKEN`
  var firstAdmin: FirstAdmin?
}
