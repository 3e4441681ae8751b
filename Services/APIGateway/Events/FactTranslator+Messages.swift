import Contracts

extension FactTranslator {
  // MARK: Messages

  static func accepted(_ body: MessageAccepted) -> EventDraft {
    EventDraft("message.accepted", .message(body.messageID, of: body.userID)) { json in
      json.member("id", body.messageID.description)
      json.member("user_id", body.userID.description)
      json.member("total", body.recipients.count)
      json.member("class", body.messageClass.rawValue)
      json.member("reference", body.reference)
      json.member("provider", body.provider)
      json.member("created_at", body.acceptedAt)
      json.member("send_at", body.sendAt)
    }
  }

  static func queued(_ body: MessagesQueued) -> [EventDraft] {
    body.messages.map { entry in
      EventDraft("message.queued", .message(entry.messageID, of: nil)) { json in
        json.member("id", entry.messageID.description)
        json.member("queued_at", body.queuedAt)
      }
    }
  }

  /// - Parameter count: The name of what was cut off: `cancelled` or `expired`.
  static func cut(_ messages: [CutMessage], _ type: MessageType, _ count: StaticString) -> [EventDraft] {
    messages.map { message in
      EventDraft(type.rawValue, .message(message.messageID, of: nil)) { json in
        json.member("id", message.messageID.description)
        json.member("from_index", message.fromIndex)
        json.member(count, message.total - message.fromIndex)
        json.member("at", message.at)
      }
    }
  }

  /// Messages, or all of a user's, that are held back or go on.
  static func held<Body: Payload>(
    _ body: Body, _ content: (Body) -> (targets: [CommandTarget], at: Timestamp)
  ) -> [EventDraft] {
    let (targets, at) = content(body)
    return targets.map { target in
      switch target {
      case .message(let id):
        EventDraft(Body.type.rawValue, .message(id, of: nil)) { json in
          json.member("id", id.description)
          json.member("at", at)
        }
      case .user(let user):
        EventDraft(Body.type.rawValue, .user(user)) { json in
          json.member("user_id", user.description)
          json.member("all", true)
          json.member("at", at)
        }
      }
    }
  }

  static func finished(_ body: MessagesFinished) -> [EventDraft] {
    body.messages.map { entry in
      EventDraft("message.finished", .message(entry.messageID, of: nil)) { json in
        json.member("id", entry.messageID.description)
        json.member("job_status", entry.status.rawValue)
        json.member("status", CoarseStatus(entry.status).rawValue)
        json.object("counts") { json in MessageAnswer.write(entry.counts, &json) }
        json.member("finished_at", entry.finishedAt)
      }
    }
  }

  // MARK: Units

  /// A unit as an event shows it.
  private struct Unit {
    var id: UnitID
    var dispatch: Int
    var state: UnitState
    var provider: String?
    var errorCode: String?
    var sentAt: Timestamp?
  }

  static func dispatched(_ body: UnitsDispatched) -> [EventDraft] {
    units(
      body.units.map {
        Unit(id: $0.attempt.unit, dispatch: $0.attempt.dispatch, state: .sending, provider: $0.provider)
      })
  }

  static func changed(_ body: UnitsChanged) -> [EventDraft] {
    units(
      body.units.map {
        Unit(
          id: $0.attempt.unit, dispatch: $0.dispatch, state: $0.state, provider: $0.provider, errorCode: $0.errorCode,
          sentAt: $0.state == .sent ? $0.finishedAt : nil)
      })
  }

  /// One event for each message, in the order in which the fact names them.
  private static func units(_ units: [Unit]) -> [EventDraft] {
    var order: [MessageID] = []
    var byMessage: [MessageID: [Unit]] = [:]
    for unit in units {
      if byMessage[unit.id.messageID] == nil { order.append(unit.id.messageID) }
      byMessage[unit.id.messageID, default: []].append(unit)
    }
    return order.map { id in
      EventDraft("units", .message(id, of: nil)) { json in
        json.member("id", id.description)
        json.array("units", byMessage[id] ?? []) { json, unit in
          json.element { json in
            json.member("index", unit.id.index)
            json.member("status", unit.state.rawValue)
            json.member("version", UnitVersion.of(dispatch: unit.dispatch, state: unit.state))
            json.member("provider", unit.provider)
            json.member("error_code", unit.errorCode)
            json.member("sent_at", unit.sentAt)
          }
        }
      }
    }
  }
}
