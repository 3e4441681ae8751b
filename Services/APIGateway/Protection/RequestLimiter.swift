import Contracts
import HTTPTypes
import NIOConcurrencyHelpers
import NIOCore

/// Refuses requests beyond the budget, and tells everybody what is left of it.
///
/// The header fields are those of draft-ietf-httpapi-ratelimit-headers-10.
final class RequestLimiter: Sendable {
  private let budget: NIOLockedValueBox<RequestBudget>

  static let policyHeader = HTTPField.Name.known("RateLimit-Policy")
  static let header = HTTPField.Name.known("RateLimit")

  init(rate: Int, userRate: Int, commandRate: Int) {
    budget = NIOLockedValueBox(
      RequestBudget(rate: rate, userRate: userRate, commandRate: commandRate, now: Self.now))
  }

  /// How many requests a search by text counts for: it may read thousands of rows.
  static let searchCost = 20

  /// Counts a request of a user.
  /// - Parameter cost: How many it counts for.
  /// - Returns: The header fields of its answer.
  /// - Throws: `RATE_LIMITED`; the fields are in the note all the same.
  func admit(_ principal: Principal, cost: Int = 1, _ note: ResponseNote) throws {
    let verdict = budget.withLockedValue {
      $0.take(
        principal.userID, ownRate: principal.limits.requestRate, cost: cost, isFirst: principal.isAdmin, now: Self.now)
    }
    note.add(verdict.fields)
    guard let limit = verdict.exceeded else { return }
    let quota = limit == .user ? verdict.user.quota : verdict.all.quota
    throw Self.refusal(
      "At most \(quota) requests a second", "\(limit.rawValue)_rate",
      limit == .user ? "You ask too often" : "All together ask too often")
  }

  /// Counts a command of a user: each costs the scheduler a transaction, so they are fewer than requests.
  /// - Throws: `RATE_LIMITED`; the header fields are in the note all the same.
  func admitCommand(of user: UserID, _ note: ResponseNote) throws {
    let (standing, isAdmitted) = budget.withLockedValue { $0.takeCommand(user, now: Self.now) }
    var fields = HTTPFields()
    fields[Self.policyHeader] = "\"commands\";q=\(standing.quota);w=1"
    fields[Self.header] = "\"commands\";r=\(standing.remaining);t=1"
    note.add(fields)
    guard !isAdmitted else { return }
    throw Self.refusal("At most \(standing.quota) commands a second", "command_rate", "You give commands too often")
  }

  private static func refusal(_ message: String, _ code: String, _ detail: String) -> APIError {
    var error = APIError(.rateLimited, message, details: [.init("RateLimit", code, detail)])
    error.retryAfter = 1
    return error
  }

  private static var now: Double { Double(NIODeadline.now().uptimeNanoseconds) / 1e9 }
}

extension RequestBudget.Verdict {
  /// `"user";q=200;w=1, "all";q=500;w=1` and `"user";r=199;t=1, "all";r=480;t=1`
  fileprivate var fields: HTTPFields {
    var fields = HTTPFields()
    fields[RequestLimiter.policyHeader] = "\"user\";q=\(user.quota);w=1, \"all\";q=\(all.quota);w=1"
    fields[RequestLimiter.header] = "\"user\";r=\(user.remaining);t=1, \"all\";r=\(all.remaining);t=1"
    return fields
  }
}
