import Contracts
import Hummingbird

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
    /// Somebody has to say once more that so many is what they mean.
    var asksToConfirm: Bool
    var confirmText: String
  }

  /// What `ComposeCheck` found, as the page shows it.
  struct Check: Sendable {
    var found: ComposeCheck
    /// How the file was written; for the form again, which is what it was read into.
    var encoding: String?
    /// `The file was read as Big5.`
    var readAs: String?
    /// `nil` where what is wrong leaves no text to measure.
    var size: String?
    var badCount: String?
    var duplicates: String?
    var columns: [PanelChoice]
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
        guard fields["action"] != "check" else { return page(visit, form, check) }
        guard check.isSendable else {
          return page(visit, form, check, problem: check.problem ?? problem(check, visit), status: .badRequest)
        }
        // What is no Unicode may have been read as what it is not; whoever sends it has seen how it was read.
        let isNewToThem = fields.fileEncoding == .big5
        if isNewToThem || check.count > ComposeForm.confirmedBeyond && form.confirmed != check.count {
          return page(visit, form, check, asksToConfirm: true)
        }
        do {
          return try await ComposeSender(visit: visit, form: form, check: check).send()
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
    let name = check.badLines.isEmpty ? "compose_incomplete" : "problem_INVALID_RECIPIENTS"
    return PanelProblem(message: visit.text(name))
  }

  private func page(
    _ visit: PanelVisit, _ form: ComposeForm, _ check: ComposeCheck?, problem: PanelProblem? = nil,
    asksToConfirm: Bool = false, status: HTTPResponse.Status = .ok
  ) -> Response {
    visit.page(
      .compose, title: visit.text("nav_compose"), status: status,
      Content(
        form: form, writer: visit.principal?.userID.description ?? "",
        classes: PanelChoice.classes(visit.text, chosen: form.messageClass),
        hasEnquiryNumber: hasEnquiryNumber, check: check.map { Check($0, form, visit) }, problem: problem,
        asksToConfirm: asksToConfirm, confirmText: visit.text.count("confirm_send", check?.count ?? 0)))
  }
}

extension ComposePage.Check {
  init(_ found: ComposeCheck, _ form: ComposeForm, _ visit: PanelVisit) {
    skips = form.skipsInvalid
    let text = visit.text
    self.found = found
    encoding = form.encoding?.rawValue
    readAs = encoding.map { text("file_read_as", ["encoding": $0]) }
    let isMeasured = found.problem == nil || found.characters > 0
    size =
      isMeasured
      ? text(
        found.segmentation.encoding == .gsm7 ? "size_gsm7" : "size_ucs2",
        [
          "characters": PanelText.grouped(found.characters), "segments": String(found.segmentation.segments),
          "left": String(found.segmentation.unitsLeft),
        ]) : nil
    badCount = found.badLines.isEmpty ? nil : text.count("bad_numbers", found.badLines.count)
    duplicates = found.duplicates == 0 ? nil : text.count("duplicate_numbers", found.duplicates)
    columns = found.columns.map { .init(value: $0, label: $0, isChosen: $0 == found.numberColumn) }
    hasColumns = found.columns.count > 1
    hasPreviews = !found.previews.isEmpty
    forcing =
      found.segmentation.forcing.isEmpty
      ? nil : found.segmentation.forcing.prefix(20).map(String.init).joined(separator: " ")
  }
}
