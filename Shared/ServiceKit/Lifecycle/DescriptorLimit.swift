import Foundation

/// How many files and sockets this process may have open.
enum DescriptorLimit {
  /// Lifts the soft limit, often 1,024, as far as the hard one allows, so that it does not end before the limit of
  /// connections does.
  static func raise(to wanted: UInt = 65_536) {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else { return }
    limit.rlim_cur = min(wanted, limit.rlim_max)
    // What is allowed stays when more is not.
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }
}
