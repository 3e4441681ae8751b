import ServiceKit
import ServiceLifecycle

/// The first part of a gateway's stop: it is not ready any more and still takes requests.
///
/// A load balancer needs this time to see it, and callers with an open connection learn by `Connection: close` that the
/// next request goes elsewhere. It stands behind the server in the order of dependency, so it stops before it.
struct DrainPause: Service {
  let duration: Duration

  func run() async throws {
    // Cancelled when another service failed: then there is nothing to be polite about.
    guard (try? await gracefulShutdown()) != nil else { return }
    try? await Task.sleep(for: duration)
  }
}
