import CPostgres

/// Keeps libpq from printing notices and remembers whether the server has ended the session.
///
/// An error that comes while no statement runs is a notice to libpq, also the one that ends the session.
final class NoticeFilter {
  fileprivate(set) var sawFatal = false

  /// The filter must live as long as the connection.
  func install(on handle: OpaquePointer) {
    PQsetNoticeReceiver(
      handle,
      { context, result in
        guard let context, let result, ResultReader.report(result).isFatal else { return }
        Unmanaged<NoticeFilter>.fromOpaque(context).takeUnretainedValue().sawFatal = true
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
