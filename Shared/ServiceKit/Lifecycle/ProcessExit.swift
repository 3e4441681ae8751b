/// What a service's exit code says.
public enum ProcessExit {
  /// Ended gracefully, as asked.
  public static let success: Int32 = 0
  /// A service failed, or the shutdown took too long.
  public static let failure: Int32 = 1
  /// The settings cannot be used; `EX_CONFIG` of sysexits(3).
  public static let configuration: Int32 = 78
}
