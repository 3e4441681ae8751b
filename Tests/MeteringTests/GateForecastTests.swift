import Metering
import Testing

@Suite("Forecast of the gate")
struct GateForecastTests {
  @Test("with the window's slots free an SMS goes at once; then each waits for the slot that is a window older")
  func openings() {
    var forecast = GateForecast<Int>(count: 2, window: 1)
    let first = forecast.opening(1, now: 10)
    forecast.issue(1, cost: 1, hold: 0.01, now: 10)
    forecast.issue(2, cost: 1, hold: 0.01, now: 10.2)
    let third = forecast.opening(1, now: 10.3)
    forecast.issue(3, cost: 1, hold: 0.01, now: 10.3)
    let fourth = forecast.opening(1, now: 10.3)
    #expect(first == 10)
    #expect(abs(third - 11.011) < 1e-9)
    #expect(abs(fourth - 11.211) < 1e-9, "the third is before it")
  }

  @Test("an answer moves its slot, and what was not sent takes none")
  func settles() {
    var forecast = GateForecast<Int>(count: 1, window: 1)
    forecast.issue(1, cost: 1, hold: 0.01, now: 0)
    forecast.settle(1, anchor: 0.2)
    let later = forecast.opening(1, now: 0.5)
    #expect(abs(later - 1.201) < 1e-9)
    forecast.issue(2, cost: 1, hold: 0.01, now: 2)
    forecast.settle(2, anchor: nil)
    #expect(forecast.opening(1, now: 2) == 2)
    forecast.settle(7, anchor: 3)
    #expect(forecast.opening(1, now: 2) == 2, "a stranger's report changes nothing")
  }

  @Test("an SMS of several segments waits for as many slots")
  func segments() {
    var forecast = GateForecast<Int>(count: 4, window: 1)
    for id in 0..<4 { forecast.issue(id, cost: 1, hold: 0, now: Double(id) / 10) }
    let opening = forecast.opening(3, now: 0.5)
    #expect(abs(opening - 1.201) < 1e-9)
    let alone = forecast.opening(9, now: 0.5)
    #expect(abs(alone - 1.301) < 1e-9, "larger than the limit: it goes alone")
  }
}
