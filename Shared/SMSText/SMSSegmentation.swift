/// How many SMS a text takes, and why.
///
/// The text is taken as it is, without normalisation. An escape pair or a surrogate pair is never split, so a segment may end
/// one unit early.
public struct SMSSegmentation: Sendable, Hashable {
  /// GSM-7 if every character allows it.
  public let encoding: SMSEncoding
  /// How many SMS are sent; an empty text is one.
  public let segments: Int
  /// The text's length in the encoding's units.
  public let units: Int
  /// How many more units the last segment holds. When a single SMS is full the next unit makes two of it.
  public let unitsLeft: Int
  /// The characters that force UCS-2, each once, in order of appearance.
  public let forcing: [Character]

  /// Counts a text.
  public init(_ text: String) {
    var forcing: [Character] = []
    var seen: Set<Character> = []
    for character in text where character.unicodeScalars.contains(where: { GSMAlphabet.septets($0) == nil }) {
      if seen.insert(character).inserted { forcing.append(character) }
    }
    let encoding: SMSEncoding = forcing.isEmpty ? .gsm7 : .ucs2
    var packing = Packing(capacity: encoding.partCapacity)
    var units = 0
    for scalar in text.unicodeScalars {
      let width = encoding == .gsm7 ? GSMAlphabet.septets(scalar) ?? 1 : UTF16.width(scalar)
      units += width
      packing.add(width)
    }
    self.encoding = encoding
    self.units = units
    self.forcing = forcing
    if units <= encoding.singleCapacity {
      segments = 1
      unitsLeft = encoding.singleCapacity - units
    } else {
      segments = packing.parts
      unitsLeft = encoding.partCapacity - packing.used
    }
  }
}

/// Fills parts one after the other with pieces that cannot be split.
private struct Packing {
  let capacity: Int
  var parts = 1
  var used = 0

  init(capacity: Int) { self.capacity = capacity }

  mutating func add(_ width: Int) {
    if used + width > capacity {
      parts += 1
      used = 0
    }
    used += width
  }
}
