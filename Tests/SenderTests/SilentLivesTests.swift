import Foundation
import Testing

@testable import Sender

@Suite("Silent senders")
struct SilentLivesTests {
  private let first = UUID()
  private let second = UUID()

  @Test("a life is silent after 3 s without a beat, another that beats never is")
  func silence() {
    var lives = SilentLives()
    let start = ContinuousClock.now
    for step in 0...12 {
      let now = start + .milliseconds(500 * step)
      let silent = lives.look([first: 7, second: Int64(step)], now: now)
      #expect(silent == (step < 6 ? [:] : [first: 7]), "after \(500 * step) ms")
    }
  }

  @Test("after a pause of its own, or of the database, a sender watches for 3 s before it judges")
  func pause() {
    var lives = SilentLives()
    let start = ContinuousClock.now
    for step in 0...5 { _ = lives.look([first: 7], now: start + .milliseconds(500 * step)) }
    let back = start + .seconds(60)
    for step in 0...5 {
      let silent = lives.look([first: 7], now: back + .milliseconds(500 * step))
      #expect(silent.isEmpty, "nobody could have beaten")
    }
    let silent = lives.look([first: 7], now: back + .seconds(3))
    #expect(silent == [first: 7])
  }

  @Test("a life that comes back is new")
  func again() {
    var lives = SilentLives()
    let start = ContinuousClock.now
    for step in 0...5 { _ = lives.look([first: 7], now: start + .milliseconds(500 * step)) }
    let beating = lives.look([first: 8], now: start + .seconds(3))
    #expect(beating.isEmpty)
    _ = lives.look([:], now: start + .milliseconds(3500))
    let back = lives.look([first: 8], now: start + .seconds(4))
    #expect(back.isEmpty)
  }
}
