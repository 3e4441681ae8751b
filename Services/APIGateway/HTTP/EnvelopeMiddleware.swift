import HTTPTypes
import Hummingbird
import Logging
import ServiceKit

/// Gives every request its id and turns whatever goes wrong into the error envelope.
struct EnvelopeMiddleware: RouterMiddleware {
  static let requestIDHeader = HTTPField.Name.known("X-Request-ID")
  static let traceparentHeader = HTTPField.Name.known("traceparent")

  func handle(
    _ request: Request, context: GatewayContext, next: (Request, GatewayContext) async throws -> Response
  ) async throws -> Response {
    var context = context
    context.requestID = RequestID.chosen(from: request.headers[Self.requestIDHeader])
    context.traceparent = TraceParent.valid(request.headers[Self.traceparentHeader])
    context.logger[metadataKey: "\(LogKey.requestID)"] = "\(context.requestID)"
    var response: Response
    do {
      response = try await next(request, context)
    } catch let error as APIError {
      response = Self.answer(error, context)
    } catch let error as BodyReadError {
      throw error.underlying
    } catch let error as HTTPError where error.status == .notFound {
      response = Self.answer(APIError(.notFound, "No such route"), context)
    } catch {
      context.logger.error("Request failed", metadata: ["error": "\(type(of: error))"])
      context.logger.debug("Request failed because", metadata: ["error": "\(error)"])
      response = Self.answer(APIError(.internalError, "Something went wrong on our side"), context)
    }
    response.headers[Self.requestIDHeader] = context.requestID
    return response
  }

  private static func answer(_ error: APIError, _ context: GatewayContext) -> Response {
    var response = Response.json(status: .init(code: error.code.status), error.body(requestID: context.requestID))
    if let seconds = error.retryAfter { response.headers[.retryAfter] = String(seconds) }
    if let allow = error.allow { response.headers[.allow] = allow }
    if error.code == .unauthorized { response.headers[.wwwAuthenticate] = "Bearer" }
    if error.closesConnection {
      response.headers[.connection] = "close"
      context.closeConnectionSoon()
    }
    return response
  }
}
