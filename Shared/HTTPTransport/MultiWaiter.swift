import BlockingIO
import CCurl

/// Owns libcurl's multi handle and sleeps in it.
final class MultiWaiter: ThreadWaiter, @unchecked Sendable {
  // Unchecked: the handle is constant and used on the executor's thread only; `curl_multi_wakeup` is the one call that
  // libcurl allows from others. It is freed when the thread has ended, since the thread keeps this object.
  let multi: UnsafeMutableRawPointer

  private static let isLibraryReady: Bool = sluice_curl_global_init() == CURLE_OK

  init() {
    precondition(Self.isLibraryReady, "libcurl cannot be initialised")
    guard let multi = curl_multi_init() else { preconditionFailure("out of memory") }
    self.multi = multi
  }

  deinit { curl_multi_cleanup(multi) }

  func wait() {
    // libcurl shortens this to its own next time-out.
    curl_multi_poll(multi, nil, 0, 60_000, nil)
  }

  func wake() { curl_multi_wakeup(multi) }
}
