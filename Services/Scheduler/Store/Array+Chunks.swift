extension Array {
  /// The elements in runs of at most so many and of at most so many bytes; an element beyond that is alone.
  func chunks(of count: Int, bytes limit: Int, size: (Element) -> Int) -> [[Element]] {
    var chunks: [[Element]] = []
    var bytes = 0
    for element in self {
      let own = size(element)
      if let last = chunks.last, last.count < count, bytes + own <= limit {
        chunks[chunks.count - 1].append(element)
        bytes += own
      } else {
        chunks.append([element])
        bytes = own
      }
    }
    return chunks
  }

  /// The elements in runs of at most so many.
  func chunks(of size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
  }
}
