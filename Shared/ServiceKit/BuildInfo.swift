/// What this build is.
public enum BuildInfo {
  /// The version that `/api/health` and the log show.
  public static let version = "0.1.0"
}
