/// The digits of a number as somebody wrote it.
///
/// Read are what keyboards, spreadsheets and telephones write: digits of any script, spaces and hyphens of any kind, dots,
/// brackets around what comes first, `tel:` (RFC 3966), and a spreadsheet's marks for text, `'91234567` and `="91234567"`.
/// Characters that cannot be seen are nothing. An amount, a date, a number in a list (`1. `) or a remark (`(2)`) is no
/// digit of a number, so a text with one of them is none.
struct NumberText: Sendable, Equatable {
  /// From 0 to 9.
  private(set) var digits = ""
  /// A `+` stands before them.
  private(set) var hasPlus = false

  /// - Returns: `nil` for what is not written as a number.
  init?(_ text: String) {
    var signs = text.unicodeScalars.filter { !$0.isInvisible }[...]
    Self.unwrap(&signs)
    var groups = [Group()]
    var isOpen = false
    for sign in signs {
      if sign.properties.numericType == .decimal, let value = sign.properties.numericValue {
        groups[groups.count - 1].digits.append(String(Int(value)))
      } else if sign.isPlus {
        guard !hasPlus, groups.allSatisfy(\.digits.isEmpty) else { return nil }
        hasPlus = true
      } else if "([（".unicodeScalars.contains(sign) {
        // A country, an area, or the 0 that is left out from abroad; nothing else stands in brackets.
        guard !isOpen, groups.reduce(0, { $0 + $1.digits.utf8.count }) <= 4 else { return nil }
        isOpen = true
        groups.append(Group(isBracketed: true))
      } else if ")]）".unicodeScalars.contains(sign) {
        guard isOpen, let last = groups.last, last.digits.utf8.count > 1 || last.digits == "0" || hasPlus else {
          return nil
        }
        isOpen = false
        groups.append(Group())
      } else if sign.isSpace || sign.isHyphen || sign.isDot {
        // Spaces around a hyphen belong to it.
        if groups.last?.digits.isEmpty == false, !isOpen { groups.append(Group()) }
        if let kind = sign.isDot ? Group.Mark.dot : sign.isHyphen ? .hyphen : nil {
          groups[groups.count - 1].mark = kind
        }
      } else {
        return nil
      }
    }
    groups.removeAll(where: \.digits.isEmpty)
    guard !isOpen, !groups.isEmpty, !Self.isAmountOrItem(groups), !Self.isDate(groups) || hasPlus else { return nil }
    digits = groups.map(\.digits).joined()
  }

  /// Digits between two marks.
  private struct Group {
    enum Mark { case dot, hyphen }

    var digits = ""
    /// What stands before them, if that is no space.
    var mark: Mark?
    var isBracketed = false
  }

  private static func unwrap(_ signs: inout Substring.UnicodeScalarView.SubSequence) {
    trim(&signs)
    if signs.starts(with: "=\"".unicodeScalars), signs.count > 3, signs.last == "\"" {
      signs = signs.dropFirst(2).dropLast()
    } else if let first = signs.first, "'’‘＇ʼ`".unicodeScalars.contains(first) {
      signs = signs.dropFirst()
    }
    if String(signs.prefix(4)).lowercased() == "tel:" { signs = signs.dropFirst(4) }
    trim(&signs)
  }

  private static func trim(_ signs: inout Substring.UnicodeScalarView.SubSequence) {
    while let first = signs.first, first.properties.isWhitespace { signs.removeFirst() }
    while let last = signs.last, last.properties.isWhitespace { signs.removeLast() }
  }

  /// `123456.50`, `91234567.0`, `1. 91234567`: a dot that parts fewer than two digits, or one alone that parts fewer than
  /// three from all others.
  private static func isAmountOrItem(_ groups: [Group]) -> Bool {
    let dotted = groups.indices.filter { groups[$0].mark == .dot }
    guard !dotted.isEmpty else { return false }
    let isParted = dotted.contains { place in
      place == 0 || groups[place].digits.utf8.count < 2 || groups[place - 1].digits.utf8.count < 2
    }
    return isParted || groups.count == 2 && groups[1].digits.utf8.count < 3
  }

  /// `1990-01-02`, `2.1.1990`, `02-01-1990`.
  private static func isDate(_ groups: [Group]) -> Bool {
    guard groups.count == 3, groups[1].mark != nil, groups[2].mark == groups[1].mark else { return false }
    let sizes = groups.map(\.digits.utf8.count)
    let values = groups.compactMap { Int($0.digits) }
    guard values.count == 3, sizes.allSatisfy({ $0 <= 4 }) else { return false }
    func isDay(_ one: Int, _ other: Int) -> Bool {
      (1...12).contains(one) && (1...31).contains(other) || (1...31).contains(one) && (1...12).contains(other)
    }
    if sizes[0] == 4, sizes[1] <= 2, sizes[2] <= 2 {
      return (1_900...2_199).contains(values[0]) && isDay(values[1], values[2])
    }
    return sizes[2] == 4 && sizes[0] <= 2 && sizes[1] <= 2 && (1_900...2_199).contains(values[2])
      && isDay(values[0], values[1])
  }
}

extension Unicode.Scalar {
  /// Zero-width characters, direction marks, variation selectors and their like.
  fileprivate var isInvisible: Bool {
    properties.isDefaultIgnorableCodePoint || properties.generalCategory == .format
  }

  fileprivate var isPlus: Bool { "+＋﹢".unicodeScalars.contains(self) }

  /// Not a line break: what stands on two lines is two numbers.
  fileprivate var isSpace: Bool { properties.generalCategory == .spaceSeparator || self == "\t" }

  fileprivate var isHyphen: Bool { properties.generalCategory == .dashPunctuation || self == "\u{2212}" }

  fileprivate var isDot: Bool { ".．·".unicodeScalars.contains(self) }
}
