import Foundation

/// Settings as files of one directory, one value each, as container runtimes mount secrets.
enum SecretFiles {
  /// The trimmed content of each file by its name; none when the directory is missing.
  static func read(_ directory: String) -> [String: String] {
    // A missing or unreadable directory means that no secrets are mounted; what is then missing is named by its key.
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    var values: [String: String] = [:]
    for name in names where !name.hasPrefix(".") {
      // Not a regular, readable text file: not one of ours.
      guard let text = try? String(contentsOfFile: "\(directory)/\(name)", encoding: .utf8) else { continue }
      values[name] = text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    return values
  }
}
