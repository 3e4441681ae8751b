import Foundation

/// What the kernel knows about this process, in Prometheus' usual names.
enum ProcessMetrics {
  static func exposition() -> String {
    var text = ""
    func add(_ name: String, _ kind: String, _ help: String, _ value: Double?) {
      guard let value else { return }
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n\(name) \(MetricNumber.text(value))\n"
    }
    add("process_cpu_seconds_total", "counter", "User and system CPU time in seconds.", cpuSeconds())
    add("process_open_fds", "gauge", "Open file descriptors.", openDescriptors())
    add("process_resident_memory_bytes", "gauge", "Resident memory in bytes.", residentBytes())
    add("process_start_time_seconds", "gauge", "Start of the process in seconds since 1970 UTC.", startTime)
    return text
  }

  static func residentBytes() -> Double? {
    guard let pages = fields("/proc/self/statm").dropFirst().first.flatMap({ Double($0) }) else { return nil }
    return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
  }

  static func openDescriptors() -> Double? {
    // Without /proc the number is unknown and left out.
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map { Double($0.count) }
  }

  static func cpuSeconds() -> Double? {
    var usage = rusage()
    guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return nil }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  /// Constant, so that a step of the clock is not seen as a restart.
  static let startTime: Double? = {
    // The command's name, in parentheses, may hold spaces; the start is the 20th field after it.
    guard let stat = text("/proc/self/stat"), let end = stat.lastIndex(of: ")") else { return nil }
    let after = stat[stat.index(after: end)...].split(separator: " ")
    let boot = text("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }
    guard after.count > 19, let ticks = Double(after[19]), let boot = boot.flatMap({ Double($0.dropFirst(6)) }) else {
      return nil
    }
    return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }()

  private static func fields(_ path: String) -> [Substring] {
    text(path)?.split(whereSeparator: \.isWhitespace) ?? []
  }

  private static func text(_ path: String) -> String? {
    // Without /proc the number is unknown and left out.
    try? String(contentsOfFile: path, encoding: .utf8)
  }
}
