import HTTPTypes
import NIOConcurrencyHelpers

/// What comes up while a request is handled and matters for its answer, whether that is one or an error.
final class ResponseNote: Sendable {
  private struct State {
    var fields = HTTPFields()
    var isBodyTaken = false
    var isCounted = false
    var session: AuthenticatedSession?
  }

  private let state = NIOLockedValueBox(State())

  /// Header fields that the request has earned.
  var fields: HTTPFields { state.withLockedValue { $0.fields } }

  /// True when somebody reads the request's body, so that nobody else may.
  var isBodyTaken: Bool { state.withLockedValue { $0.isBodyTaken } }

  /// Who asks, where that is known: whoever takes long over something has to be asked again.
  var session: AuthenticatedSession? {
    get { state.withLockedValue { $0.session } }
    set { state.withLockedValue { $0.session = newValue } }
  }

  func add(_ fields: HTTPFields) { state.withLockedValue { $0.fields.append(contentsOf: fields) } }

  /// True for what belongs to a request that was counted: it costs its caller nothing.
  var isCounted: Bool { state.withLockedValue { $0.isCounted } }

  func markCounted() { state.withLockedValue { $0.isCounted = true } }

  func takeBody() { state.withLockedValue { $0.isBodyTaken = true } }
}
