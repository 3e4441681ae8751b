import Foundation

/// One line on standard error that is written over, where somebody watches; else a line now and then.
struct ProgressBar {
  private let width = 30
  private let isWatched = Console.isWatched
  private var last = ""

  /// - Parameter part: From 0 to 1.
  mutating func show(_ part: Double, _ text: String) {
    let filled = Int((min(1, max(0, part)) * Double(width)).rounded())
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    let line = "\(bar) \(text)"
    guard line != last else { return }
    last = line
    // Back to the beginning of the line, and nothing left of what was there.
    if isWatched { Console.write("\r\u{1B}[2K\(line)", to: .standardError) } else { Console.note(text) }
  }

  /// Leaves the line as it is and goes to the next.
  mutating func end() {
    if isWatched, !last.isEmpty { Console.write("\n", to: .standardError) }
    last = ""
  }
}
