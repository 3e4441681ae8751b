import Foundation
import Glibc
import TestSupport

/// What a process has used, from `/proc`.
struct ProcessUse {
  /// CPU seconds in user and system mode.
  var cpu: Double
  /// Resident memory, bytes.
  var memory: Int
  /// Seconds since 1970.
  var startedAt: Double

  init(_ process: ProcessID) throws { try self.init(number: process.number) }

  private init(number: pid_t) throws {
    let stat = try String(contentsOfFile: "/proc/\(number)/stat", encoding: .utf8)
    let fields = stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].split(separator: " ").dropFirst()
    let values = Array(fields).map { Double($0) ?? 0 }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    cpu = (values[11] + values[12]) / ticks
    memory = Int(values[21]) * sysconf(Int32(_SC_PAGESIZE))
    let boot = try String(contentsOfFile: "/proc/stat", encoding: .utf8).split(separator: "\n")
      .first { $0.hasPrefix("btime") }.flatMap { Double($0.split(separator: " ")[1]) }
    startedAt = (boot ?? 0) + values[19] / ticks
  }

  /// CPU seconds of a process and of all that it started, which still run.
  static func cpuWithChildren(of process: ProcessID) throws -> Double {
    let children = try String(
      contentsOfFile: "/proc/\(process.number)/task/\(process.number)/children", encoding: .utf8
    ).split(separator: " ").compactMap { pid_t($0) }
    // A child may end meanwhile.
    return try ProcessUse(process).cpu + children.compactMap { try? ProcessUse(number: $0).cpu }.reduce(0, +)
  }
}
