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
      let principal = try authenticator.principal(of: request, context)
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

/// The paths that are served, for requests that no route takes.
struct KnownPaths: Sendable {
  private let methods: [(path: [Substring], allow: String)]

  init(_ routes: [Route]) {
    methods = Dictionary(grouping: routes, by: \.path).map { path, routes in
      (path.split(separator: "/"), Self.allow(routes.map(\.method)))
    }
  }

  /// What `Allow` says of a path: the methods of the path that is literally so, else of the one that its parts fit.
  func allow(_ path: String) -> String? {
    let parts = path.split(separator: "/")
    let fitting = methods.filter { known in
      known.path.count == parts.count && zip(known.path, parts).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }
    return fitting.min { Self.captures($0.path) < Self.captures($1.path) }?.allow
  }

  static func allow(_ methods: [HTTPRequest.Method]) -> String {
    (methods + (methods.contains(.get) ? [.head] : [])).map(\.rawValue).sorted().joined(separator: ", ")
  }

  private static func captures(_ path: [Substring]) -> Int { path.count { $0.hasPrefix("{") } }
}

extension Router where Context == GatewayContext {
  /// Adds routes, and to each path the answer to the usual methods that it does not know: a path with a captured part
  /// must not take them instead. Other methods are up to `KnownPaths`.
  /// - Parameter trail: Keeps what is done by the routes that are audited.
  func add(_ routes: [Route], trail: AuditTrail) {
    for (path, routes) in Dictionary(grouping: routes, by: \.path) {
      let known = routes.map(\.method)
      for route in routes {
        let handler = route.audit.map { trail.audited($0, route.handler) } ?? route.handler
        on(RouterPath(path), method: route.method) { request, context in try await handler(request, context) }
      }
      let allow = KnownPaths.allow(known)
      let others: [HTTPRequest.Method] = [.get, .head, .post, .put, .patch, .delete, .options, .trace]
      for method in others where !known.contains(method) && !(method == .head && known.contains(.get)) {
        on(RouterPath(path), method: method) { _, _ -> Response in
          throw APIError.methodNotAllowed(allowing: allow)
        }
      }
    }
  }
}
