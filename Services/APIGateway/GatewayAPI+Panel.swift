import Hummingbird
import PhoneNumbers

extension GatewayAPI {
  /// The panel, over these routes.
  func makePanel(over routes: [Route]) -> Panel {
    // Requests are counted where the pages ask the API, not here.
    Panel(
      api: PanelAPI(routes, trail: trail),
      sessions: SessionReader(directory: directory, isBehindTLS: settings.isBehindTLS),
      templates: panel.templates,
      clock: PanelClock(calendar: settings.calendar), queue: queue, reader: reader, addresses: settings.addresses,
      parser: PhoneNumberParser(defaultRegion: settings.defaultRegion, check: settings.numberCheck),
      limits: settings.limits, isBehindTLS: settings.isBehindTLS,
      sessionHours: settings.sessionHours)
  }

  /// Every page of the panel, and what pages are made of.
  func pages(of panel: Panel) -> [Route] {
    self.panel.assets.routes + LoginPages(panel: panel).routes
      + DashboardPage(panel: panel, history: ThroughputHistory(pool: store.pool)).routes
      + ComposePage(panel: panel, hasEnquiryNumber: settings.hasEnquiryNumber).routes
      + MessageListPage(panel: panel).routes + MessageDetailPage(panel: panel).routes
      + QueuePage(panel: panel).routes + UserPages(panel: panel).routes + ProviderPages(panel: panel).routes
      + AuditPage(panel: panel).routes
      + AccountPage(panel: panel).routes + DeadLetterPages(panel: panel).routes + DeadLetterPage(panel: panel).routes
  }
}
