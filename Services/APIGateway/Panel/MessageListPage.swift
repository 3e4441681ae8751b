import Contracts
import Foundation
import HTTPTypes
import Hummingbird

/// Messages of before: one's own, and for admins everybody's. Searched, by pages, and as a table for a spreadsheet.
struct MessageListPage: Sendable {
  let panel: Panel

  struct Content: Sendable {
    var path: String
    var exportPath: String
    var filter: MessageListFilter
    var quick: [MessageListFilter.Quick]
    var messages: [Line]
    var hasMessages: Bool
    var isFiltered: Bool
    /// The first page, and the one after this.
    var firstPage: String?
    var nextPage: String?
    var showsUser: Bool
    /// What was just sent is not here yet.
    var isLater: Bool
    var problem: PanelProblem?
  }

  struct Line: Sendable {
    var path: String
    var username: String?
    var message: PanelMessage
  }

  /// As many as people look through, and as are written in a few hundredths of a second.
  private static let pageSize = "25"
  private static let own = "/history"
  private static let everybody = "/admin/messages"

  var routes: [Route] {
    [
      panel.page(Self.own) { visit in try await page(visit, Self.own, api: "/api/sms") },
      panel.page("\(Self.own).csv") { visit in try await export(visit, api: "/api/sms") },
      panel.adminPage(Self.everybody) { visit in try await page(visit, Self.everybody, api: "/api/admin/messages") },
      exportOfEverybody,
    ]
  }

  /// What everybody wrote to whom leaves the gateway: the audit keeps who took it.
  private var exportOfEverybody: Route {
    var route = panel.adminPage("\(Self.everybody).csv") { visit in
      visit.context.auditNote?.actor = visit.principal
      let filter = MessageListFilter(try visit.query, visit, isAdmins: true)
      for field in filter.fields where !["phone", "q"].contains(field.name) {
        visit.context.auditNote?.add(field.name, .string(field.value))
      }
      return try await export(visit, api: "/api/admin/messages")
    }
    route.audit = .messagesExport
    return route
  }

  private func page(_ visit: PanelVisit, _ path: String, api: String) async throws -> Response {
    let isAdmins = path == Self.everybody
    let written = try visit.query
    // An id leads to its message.
    if let id = written.trimmed("q").flatMap({ MessageID($0) }) { return visit.redirect("/history/\(id)") }
    do {
      return try await page(visit, isAdmins ? try await visit.naming(written) : written, path, api: api)
    } catch let error as APIError where error.code == .invalidField {
      // What was written stays, to be mended.
      let content = Content(
        path: path, exportPath: path, filter: MessageListFilter(written, visit, isAdmins: isAdmins),
        quick: MessageListFilter.quick(path, visit), messages: [], hasMessages: false, isFiltered: true,
        showsUser: isAdmins, isLater: false, problem: PanelProblem(error, visit.text))
      return visit.page(
        .messages, title: visit.text(isAdmins ? "nav_messages" : "nav_history"), status: .badRequest, content)
    }
  }

  private func page(
    _ visit: PanelVisit, _ query: PanelForm, _ path: String, api: String
  ) async throws -> Response {
    let isAdmins = path == Self.everybody
    let filter = MessageListFilter(query, visit, isAdmins: isAdmins)
    var asked = filter.asked
    asked.append(("limit", Self.pageSize))
    if let cursor = query["cursor"] { asked.append(("cursor", cursor)) }
    let wasSent = query["done"] == "sent"
    let expected = wasSent ? min(query.number("messages") ?? 1, 25) : 0
    let answer = try await visit.searching(asked) { fields in
      try await visit.get(api, fields) { ($0["messages"]?.elements.count ?? 0) >= expected }
    }
    let lines = (answer["messages"]?.elements ?? []).map { json -> Line in
      let message = PanelMessage(json, visit)
      return Line(path: "/history/\(message.id)", username: json["username"]?.text, message: message)
    }
    let content = Content(
      path: path, exportPath: "\(path).csv" + PanelURL.query(filter.fields), filter: filter,
      quick: MessageListFilter.quick(path, visit), messages: lines, hasMessages: !lines.isEmpty,
      isFiltered: !filter.fields.isEmpty, firstPage: query["cursor"].map { _ in path + PanelURL.query(filter.fields) },
      nextPage: answer["next_cursor"]?.text.map { path + PanelURL.query(filter.fields + [("cursor", $0)]) },
      showsUser: isAdmins, isLater: lines.count < expected)
    return visit.page(
      .messages, title: visit.text(isAdmins ? "nav_messages" : "nav_history"), content)
  }

  /// All that the filter finds, as CSV (RFC 4180), page by page while it is read.
  private func export(_ visit: PanelVisit, api: String) async throws -> Response {
    let filter = MessageListFilter(try visit.query, visit, isAdmins: api != "/api/sms")
    let asked = filter.asked + [("limit", "200")]
    // What is wrong with the filter is said before a file begins.
    let first = try await visit.get(api, asked)
    var headers = HTTPFields()
    headers[.contentType] = "text/csv; charset=utf-8"
    headers[.contentDisposition] = "attachment; filename=\"sluice-messages.csv\""
    headers[.cacheControl] = "no-store"
    let body = ResponseBody { writer in
      let names = MessageExport.columns.map { visit.text("column_\($0)", ["zone": visit.clock.zone]) }
      // A byte order mark: spreadsheets take the text for Latin-1 without it.
      try await writer.write(ByteBuffer(string: "\u{FEFF}" + MessageExport.line(names)))
      var page = first
      while true {
        let lines = (page["messages"]?.elements ?? []).map { MessageExport.line(MessageExport.fields($0, visit)) }
        if !lines.isEmpty { try await writer.write(ByteBuffer(string: lines.joined())) }
        guard let cursor = page["next_cursor"]?.text else { break }
        // A list is one request of its reader, however long it is.
        page = try await visit.api(PanelAPI.Call(path: api, query: asked + [("cursor", cursor)], isCounted: true))
      }
      try await writer.finish(nil)
    }
    return Response(status: .ok, headers: headers, body: body)
  }
}

/// One message as a line of the exported table.
enum MessageExport {
  static let columns = [
    "id", "created", "user", "status", "class", "reference", "recipients", "sent", "failed", "first_recipient",
    "content",
  ]

  static func fields(_ json: JSONValue, _ visit: PanelVisit) -> [String] {
    let message = PanelMessage(json, visit)
    return [
      message.id, message.created?.text ?? "", json["username"]?.text ?? visit.principal?.username ?? "",
      message.status.label, message.messageClass, message.reference ?? "", String(message.total),
      String(json["success_count"]?.whole ?? 0), String(json["failed_count"]?.whole ?? 0),
      json["recipients"]?.elements.first?.text ?? "", message.content,
    ]
  }

  /// A line, with what a spreadsheet would take for a formula made text (OWASP "CSV Injection").
  static func line(_ fields: [String]) -> String {
    fields.map { field in
      // A sign with a combining mark is another character to Swift, and the same sign to a spreadsheet.
      let signs = field.unicodeScalars
      let isPhone = signs.first == "+" && signs.dropFirst().allSatisfy { ("0"..."9").contains($0) }
      let isFormula = !isPhone && signs.first.map { "=+-@\t\r\n＝＋－＠".unicodeScalars.contains($0) } == true
      let text = isFormula ? "'\(field)" : field
      guard text.unicodeScalars.contains(where: { "\r\n,\"".unicodeScalars.contains($0) }) else { return text }
      return "\"" + text.unicodeScalars.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
    }.joined(separator: ",") + "\r\n"
  }
}
