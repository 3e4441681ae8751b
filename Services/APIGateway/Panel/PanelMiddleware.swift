import Hummingbird

/// Shows people who went astray a page instead of an answer for programs.
struct PanelMiddleware: RouterMiddleware {
  let panel: Panel

  func handle(
    _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let error as HTTPError where error.status == .notFound {
      guard let page = try await panel.missing(request, context) else { throw error }
      return page
    }
  }
}
