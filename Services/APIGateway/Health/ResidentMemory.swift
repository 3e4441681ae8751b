import Foundation

/// What this process holds in memory.
enum ResidentMemory {
  /// `nil` where the kernel does not say.
  static var mebibytes: Int? {
    // Not readable means not known, which is all that is said.
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
    let fields = text.split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
    return pages * sysconf(Int32(_SC_PAGESIZE)) / 1_048_576
  }
}
