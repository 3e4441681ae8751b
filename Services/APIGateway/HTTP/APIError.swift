import Contracts

/// What a caller is told when a request cannot be done; the envelope's `error`.
struct APIError: Error, Sendable {
  /// What clients branch on; each has one HTTP status.
  enum Code: String, Sendable, CaseIterable {
    case badRequest = "BAD_REQUEST"
    case invalidJSON = "INVALID_JSON"
    case missingFields = "MISSING_FIELDS"
    case invalidField = "INVALID_FIELD"
    case invalidRecipients = "INVALID_RECIPIENTS"
    case unauthorized = "UNAUTHORIZED"
    case forbidden = "FORBIDDEN"
    case notFound = "NOT_FOUND"
    case methodNotAllowed = "METHOD_NOT_ALLOWED"
    case conflict = "CONFLICT"
    case wouldExpire = "WOULD_EXPIRE"
    case idempotencyInFlight = "IDEMPOTENCY_IN_FLIGHT"
    case idempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED"
    case payloadTooLarge = "PAYLOAD_TOO_LARGE"
    case unsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE"
    case headTooLarge = "HEAD_TOO_LARGE"
    case rateLimited = "RATE_LIMITED"
    case internalError = "INTERNAL_ERROR"
    case serviceUnavailable = "SERVICE_UNAVAILABLE"

    var status: Int {
      switch self {
      case .badRequest, .invalidJSON, .missingFields, .invalidField, .invalidRecipients: 400
      case .unauthorized: 401
      case .forbidden: 403
      case .notFound: 404
      case .methodNotAllowed: 405
      case .conflict, .wouldExpire, .idempotencyInFlight: 409
      case .payloadTooLarge: 413
      case .unsupportedMediaType: 415
      case .idempotencyKeyReused: 422
      case .rateLimited: 429
      case .headTooLarge: 431
      case .internalError: 500
      case .serviceUnavailable: 503
      }
    }
  }

  /// One thing that is wrong, and where.
  struct Detail: Sendable, Equatable {
    /// The member of the body, the header or the query parameter: `content`, `recipients[3]`.
    var field: String
    /// Stable, lower case.
    var code: String
    var message: String
    /// The message that a 503 is about.
    var messageID: MessageID?
    /// When the message would be done, where that is what is wrong.
    var completeAt: Timestamp?
    /// How much too much it is.
    var use: Use?

    /// A day's limit, what of it is used, and what the request needs, in SMS.
    struct Use: Sendable, Equatable {
      var limit: Int
      var used: Int
      var needed: Int
    }

    init(_ field: String, _ code: String, _ message: String, messageID: MessageID? = nil) {
      self.field = field
      self.code = code
      self.message = message
      self.messageID = messageID
    }
  }

  var code: Code
  var message: String
  var details: [Detail] = []
  /// Seconds until a repeat makes sense.
  var retryAfter: Int?
  /// The methods that a path knows.
  var allow: String?
  /// A bearer token was given, and it is what is wrong.
  var isInvalidToken = false
  /// What was asked for was certainly not done, nor will it be.
  var isCertainlyUndone = false
  /// The rest of the request is not worth reading.
  var closesConnection = false

  init(_ code: Code, _ message: String, details: [Detail] = []) {
    self.code = code
    self.message = message
    self.details = details
  }

  /// One field that is wrong.
  static func invalidField(_ field: String, _ code: String, _ message: String) -> APIError {
    APIError(.invalidField, message, details: [Detail(field, code, message)])
  }

  /// The token that was given works no more, or never did.
  static func invalidToken(_ message: String) -> APIError {
    var error = APIError(.unauthorized, message)
    error.isInvalidToken = true
    return error
  }

  /// The path is known, but not with that method.
  static func methodNotAllowed(allowing methods: String) -> APIError {
    var error = APIError(.methodNotAllowed, "This path does not know that method")
    error.allow = methods
    return error
  }

  /// Something that this service needs is away.
  static func unavailable(_ message: String, details: [Detail] = [], retryAfter: Int = 1) -> APIError {
    var error = APIError(.serviceUnavailable, message, details: details)
    error.retryAfter = retryAfter
    return error
  }
}

extension APIError {
  /// The whole error envelope.
  func body(requestID: String) -> [UInt8] {
    JSONWriter.object { json in
      json.object("error") { json in
        json.member("code", code.rawValue)
        json.member("message", message)
        json.array("details", details) { json, detail in
          json.element { json in
            json.member("field", detail.field)
            json.member("code", detail.code)
            json.member("message", detail.message)
            if let id = detail.messageID { json.member("message_id", id.description) }
            if let time = detail.completeAt { json.member("estimated_complete_at", time) }
            if let use = detail.use {
              json.member("limit", use.limit)
              json.member("used", use.used)
              json.member("needed", use.needed)
            }
          }
        }
        json.member("request_id", requestID)
      }
    }
  }
}
