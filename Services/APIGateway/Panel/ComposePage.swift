import Contracts
import Hummingbird
import Recipients

/// Writes and sends: what is wrong and when it goes out is said before it is sent.
struct ComposePage: Sendable {
  let panel: Panel
  /// Whether people may add an enquiry number; `SLUICE_PANEL_ENQUIRY`.
  let hasEnquiryNumber: Bool

  struct Content: Sendable {
    var form: ComposeForm
    /// Whose page it is.
    var writer: String
    var classes: [PanelChoice]
    var hasEnquiryNumber: Bool
    var check: Check?
    /// Why it was not sent.
    var problem: PanelProblem?
    /// Somebody has to say once more that this is what they mean.
    var asksToConfirm: Bool
    /// What they are asked.
    var questions: [String]
    /// `SentBefore`'s name of what was sent a moment ago.
    var again: String?
    /// A browser's own field for times shows nothing of a text that is none.
    var sendAtType: String
    var expiresAtType: String
    /// The fields that are wrong, by their names.
    var wrong: [String: Bool]
    /// The recipients are wrong, or some lines of them.
    var isRecipientsWrong: Bool
    /// One of the fields that are folded away has something to be seen.
    var opensOptions: Bool
  }

  /// What `ComposeCheck` found, as the page shows it.
  struct Check: Sendable {
    var found: ComposeCheck
    /// What stands against sending it, where the page does not say it; another name than the page's, which templates
    /// would show instead of none.
    var unsaid: PanelProblem?
    /// How the file was written; for the form again, which is what it was read into.
    var encoding: String?
    /// `The file was read as Big5.`
    var readAs: String?
    /// `nil` where what is wrong leaves no text to measure.
    var size: String?
    var badCount: String?
    var badLines: [ComposeCheck.Line]
    var moreBad: String?
    var doubtCount: String?
    var doubts: [ComposeCheck.Line]
    var moreDoubts: String?
    var heading: String?
    var invisible: String?
    var duplicates: String?
    var columns: [PanelChoice]
    /// Names of columns, as a text may use them.
    var markers: [String]
    var hasMarkers: Bool
    var hasColumns: Bool
    var hasPreviews: Bool
    var forcing: String?
    /// Bad numbers are left out.
    var skips: Bool
  }

  var routes: [Route] {
    let login = ComposeLogin(panel: panel) { visit, form, problem, status in
      page(visit, form, nil, problem: problem, status: status)
    }
    return login.routes + [
      panel.page("/compose") { visit in
        var form = ComposeForm()
        let query = try visit.query
        form.recipients = query["recipients"] ?? ""
        form.content = query["content"] ?? ""
        return page(visit, form, nil)
      },
      // What somebody has written is not lost because they had to log in again meanwhile.
      panel.action(
        "/compose",
        forged: { visit, fields in login.filled(visit, ComposeForm(fields), status: .forbidden) },
        loggedOut: { visit, fields in login.ask(visit, ComposeForm(fields)) }
      ) { visit, fields in
        let form = ComposeForm(fields)
        let check = try await ComposeCheck(form, visit)
        // A form that says nothing of it was sent to be sent.
        guard fields["action"] != "check", fields["action"] != "clean" else { return page(visit, form, check) }
        guard check.isSendable else {
          return page(visit, form, check, problem: check.problem ?? problem(check, visit), status: .badRequest)
        }
        let now = Int(Timestamp.now().seconds)
        var before = SentBefore(PanelCookie.sent.value(in: visit.request, isSecure: panel.isBehindTLS), now: now)
        let content = SentBefore.digest(check.groups, of: visit.principal?.userID.description ?? "")
        let key = SentBefore.digest(key: form.key)
        let sentAt = form.again == content ? nil : before.time(of: content, key: key)
        // What is no Unicode may have been read as what it is not; whoever sends it has seen how it was read.
        let isNewToThem = fields.fileEncoding == .big5
        if isNewToThem || sentAt != nil || check.count > ComposeForm.confirmedBeyond && form.confirmed != check.count {
          let again = sentAt.map { time in
            visit.text(
              "sent_before",
              ["time": visit.clock.time(Timestamp(microseconds: Int64(time) * 1_000_000)).short])
          }
          return page(
            visit, form, check,
            questions: again.map { [$0] } ?? [visit.text.count("confirm_send", check.count)],
            again: again == nil ? form.again : content)
        }
        do {
          var response = try await ComposeSender(visit: visit, form: form, check: check).send()
          before.add(content, key: key, at: now)
          panel.set(.sent, before.cookie, seconds: SentBefore.span, &response)
          return response
        } catch let error as ComposeSender.Interrupted {
          var problem = PanelProblem(error.reason, visit.text)
          problem.message =
            visit.text(
              "sent_partly", ["done": PanelText.grouped(error.done), "total": PanelText.grouped(error.total)])
            + " " + problem.message
          return page(visit, form, check, problem: problem, status: .init(code: error.reason.code.status))
        } catch let error as APIError where error.code != .unauthorized {
          return page(
            visit, form, check, problem: PanelProblem(error, visit.text), status: .init(code: error.code.status))
        }
      },
    ]
  }

  private func problem(_ check: ComposeCheck, _ visit: PanelVisit) -> PanelProblem {
    let name =
      check.badLines.isEmpty
      ? "compose_incomplete" : check.hasOtherProblems ? "lines_not_sent" : "problem_INVALID_RECIPIENTS"
    return PanelProblem(message: visit.text(name))
  }

  private func page(
    _ visit: PanelVisit, _ form: ComposeForm, _ check: ComposeCheck?, problem: PanelProblem? = nil,
    questions: [String] = [], again: String? = nil, status: HTTPResponse.Status = .ok
  ) -> Response {
    var names = (problem?.details ?? check?.problem?.details ?? []).compactMap(\.name)
    if let check, !check.badLines.isEmpty, !form.skipsInvalid { names.append("lines") }
    func type(_ text: String) -> String {
      text.isEmpty || visit.clock.time(local: text) != nil ? "datetime-local" : "text"
    }
    let folded = ["class", "send_at", "expires_at", "reference"]
    return visit.page(
      .compose, title: visit.text("nav_compose"), status: status,
      Content(
        form: form, writer: visit.principal?.userID.description ?? "",
        classes: PanelChoice.classes(visit.text, chosen: form.messageClass),
        hasEnquiryNumber: hasEnquiryNumber, check: check.map { Check($0, form, visit, isSaid: problem != nil) },
        problem: problem,
        asksToConfirm: !questions.isEmpty, questions: questions, again: again, sendAtType: type(form.sendAt),
        expiresAtType: type(form.expiresAt),
        wrong: Dictionary(names.map { ($0, true) }, uniquingKeysWith: { first, _ in first }),
        isRecipientsWrong: names.contains { ["recipients", "lines"].contains($0) },
        opensOptions: names.contains(where: folded.contains)
          || [form.messageClass, form.sendAt, form.expiresAt, form.reference].contains { !$0.isEmpty }))
  }
}

extension ComposePage.Check {
  /// - Parameter isSaid: The page itself says what stands against sending it.
  init(_ found: ComposeCheck, _ form: ComposeForm, _ visit: PanelVisit, isSaid: Bool) {
    skips = form.skipsInvalid
    let text = visit.text
    self.found = found
    unsaid = isSaid ? nil : found.problem
    encoding = form.encoding?.rawValue
    readAs = encoding.map { text("file_read_as", ["encoding": $0]) }
    let isMeasured = found.problem == nil || found.characters > 0
    size =
      isMeasured
      ? text(
        (found.segmentation.encoding == .gsm7 ? "size_gsm7" : "size_ucs2")
          + (found.segmentation.segments == 1 ? "_one" : ""),
        [
          "characters": PanelText.grouped(found.characters), "segments": String(found.segmentation.segments),
          "left": String(found.segmentation.unitsLeft),
        ]) : nil
    (badLines, moreBad) = Self.shown(found.badLines, text)
    badCount =
      found.badLines.isEmpty
      ? nil : text.count(found.hasOtherProblems ? "bad_lines" : "bad_numbers", found.badLines.count)
    (doubts, moreDoubts) = Self.shown(found.doubts, text)
    doubtCount = found.doubts.isEmpty ? nil : text.count("doubtful_numbers", found.doubts.count)
    heading = found.heading.map { text("read_as_heading", ["heading": String($0.prefix(100))]) }
    invisible =
      found.invisible.isEmpty
      ? nil
      : found.invisible.prefix(10).map { $0.count == 1 ? $0.name : "\($0.name) (\($0.count) ×)" }.joined(
        separator: ", ")
    duplicates = found.duplicates == 0 ? nil : text.count("duplicate_numbers", found.duplicates)
    columns = Self.choices(found, text)
    markers = found.column == nil || found.column == .all ? [] : found.columns
    hasMarkers = !markers.isEmpty
    hasColumns = found.columns.count > 1
    hasPreviews = !found.previews.isEmpty
    forcing =
      found.segmentation.forcing.isEmpty
      ? nil : found.segmentation.forcing.prefix(20).map(String.init).joined(separator: " ")
  }

  /// Columns by their places: two of one name are told apart.
  private static func choices(_ found: ComposeCheck, _ text: PanelText) -> [PanelChoice] {
    var choices: [PanelChoice] = []
    if found.needsColumn { choices.append(PanelChoice(value: "", label: text("choose_column"), isChosen: true)) }
    for (place, name) in found.columns.enumerated() {
      let number = String(place + 1)
      let label = name == number ? text("column_at", ["n": number]) : text("column_named", ["n": number, "name": name])
      choices.append(PanelChoice(value: number, label: label, isChosen: found.column == .place(place)))
    }
    if found.mayBeAll {
      choices.append(PanelChoice(value: "all", label: text("column_all"), isChosen: found.column == .all))
    }
    return choices
  }

  /// The first ones, and how many more there are.
  private static func shown(_ lines: [ComposeCheck.Line], _ text: PanelText) -> ([ComposeCheck.Line], String?) {
    let limit = 50
    return (
      Array(lines.prefix(limit)),
      lines.count > limit ? text("more_lines", ["n": PanelText.grouped(lines.count - limit)]) : nil
    )
  }
}
