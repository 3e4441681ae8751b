import Foundation

/// The executables that were built with the tests.
public enum BuiltProduct {
  /// The path of an executable: in `SLUICE_BUILD_DIR`, else beside the program that runs the tests.
  public static func url(_ name: String) throws -> URL {
    if let folder = ProcessInfo.processInfo.environment["SLUICE_BUILD_DIR"] {
      return URL(fileURLWithPath: folder).appending(path: name)
    }
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: program).deletingLastPathComponent().appending(path: name)
  }
}
