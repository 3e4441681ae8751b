import HTTPTypes
import Hummingbird

/// One route of a controller.
struct Route: Sendable {
  typealias Handler = @Sendable (Request, GatewayContext) async throws -> Response

  var method: HTTPRequest.Method
  /// `/api/sms/{id}`
  var path: String
  var handler: Handler
  /// As what it is kept in the audit.
  var audit: AuditAction?

  init(_ method: HTTPRequest.Method, _ path: String, _ handler: @escaping Handler) {
    self.method = method
    self.path = path
    self.handler = handler
  }

  /// A route that needs a user.
  static func user(
    _ method: HTTPRequest.Method, _ path: String, _ authenticator: Authenticator,
    _ handler: @escaping @Sendable (Request, GatewayContext, Principal) async throws -> Response
  ) -> Route {
    Route(method, path) { request, context in
      let principal = try authenticator.principal(of: request)
      context.auditNote?.actor = principal
      return try await handler(request, context, principal)
    }
  }

  /// A route that needs an admin.
  static func admin(
    _ method: HTTPRequest.Method, _ path: String, _ authenticator: Authenticator, audit: AuditAction? = nil,
    _ handler: @escaping @Sendable (Request, GatewayContext) async throws -> Response
  ) -> Route {
    admin(method, path, authenticator, audit: audit) { request, context, _ in try await handler(request, context) }
  }

  /// A route that needs an admin, and to know which.
  static func admin(
    _ method: HTTPRequest.Method, _ path: String, _ authenticator: Authenticator, audit: AuditAction? = nil,
    _ handler: @escaping @Sendable (Request, GatewayContext, Principal) async throws -> Response
  ) -> Route {
    var route = user(method, path, authenticator) { request, context, principal in
      guard principal.isAdmin else { throw APIError(.forbidden, "This needs an admin") }
      return try await handler(request, context, principal)
    }
    route.audit = audit
    return route
  }
}

extension Router where Context == GatewayContext {
  /// Adds routes, and to each path the answer to every method that it does not know.
  /// - Parameter trail: Keeps what is done by the routes that are audited.
  func add(_ routes: [Route], trail: AuditTrail) {
    for (path, routes) in Dictionary(grouping: routes, by: \.path) {
      let known = routes.map(\.method)
      for route in routes {
        let handler = route.audit.map { trail.audited($0, route.handler) } ?? route.handler
        on(RouterPath(path), method: route.method) { request, context in try await handler(request, context) }
      }
      let allow = (known + (known.contains(.get) ? [.head] : [])).map(\.rawValue).sorted().joined(separator: ", ")
      let others: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace]
      for method in others where !known.contains(method) && !(method == .head && known.contains(.get)) {
        on(RouterPath(path), method: method) { _, _ -> Response in
          throw APIError.methodNotAllowed(allowing: allow)
        }
      }
    }
  }
}
