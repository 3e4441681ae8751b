import Contracts
import Hummingbird

/// Shows the queue by flow, for admins: from the heads, so that no database is needed.
struct QueueByFlowController: Sendable {
  let authenticator: Authenticator
  let queue: QueueView
  let usernames: UsernameLookup
  let store: ReadStore

  var routes: [Route] {
    [
      .admin(.get, "/api/admin/queue", authenticator) { request, _ in
        let query = try Query(request, allowing: ["limit", "user_id", "class"])
        let limit = try query.int("limit", in: 1...100, default: 50)
        let user = try query.user("user_id")
        let messageClass: MessageClass? = try query.choice("class")
        let snapshot = queue.snapshot
        guard snapshot.isKnown else { throw APIError.unavailable("The queue is not known yet") }
        let flows = QueueByFlow(snapshot, user: user, messageClass: messageClass, limit: limit, now: .now())
        // Without the database the users without a token have no name here, and flows no age; who goes next is shown
        // all the same.
        let names = (try? await usernames.names(of: flows.users)) ?? usernames.knownNames(of: flows.users)
        let (store, users) = (store, flows.waitingUsers)
        let ages = (try? await TimeLimit.run(.seconds(2)) { try await store.oldestPending(of: users) }) ?? [:]
        return .success { json in flows.write(&json, names: names, ages: ages) }
      }
    ]
  }
}
