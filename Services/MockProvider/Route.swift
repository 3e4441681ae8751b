/// What a request's method and path ask for.
enum Route: Sendable, Equatable {
  case message(provider: String, Dialect)
  case health
  case statistics
  case arrivals
  case reset
  case behaviour
  case wrongMethod
  case unknown

  init(method: String, path: Substring) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    let (expected, route): (String, Route) =
      switch parts {
      case ["hkt"], ["gateway", "gateway.jsp"]: ("POST", .message(provider: "hkt", .hkt))
      case ["stats"]: ("GET", .statistics)
      case ["arrivals"]: ("GET", .arrivals)
      case ["reset"]: ("POST", .reset)
      case ["behaviour"]: ("POST", .behaviour)
      case ["health"], ["health", "live"], ["health", "ready"]: ("GET", .health)
      default:
        if parts.count == 3, parts[0] == "api", parts[1] == "sms" {
          ("POST", .message(provider: parts[2], .json))
        } else if parts.count == 2, parts[1] == "gateway.jsp" {
          ("POST", .message(provider: parts[0], .hkt))
        } else {
          (method, .unknown)
        }
      }
    self = method == expected ? route : .wrongMethod
  }
}
