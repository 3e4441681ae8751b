import Foundation

/// What the name of a table's column says about telephone numbers in it.
public enum ColumnName: Int, Sendable, Comparable {
  /// Nothing, or that they are fax numbers.
  case other
  /// A landline's, or another person's: an emergency contact's.
  case lesser
  /// A telephone's.
  case telephone
  /// A mobile telephone's, or a recipient's.
  case mobile

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// - Parameter name: As it stands in the table, in English or Chinese; case, width, spaces and marks do not matter.
  public init(_ name: String) { self = Self.meaning(of: name) }

  private static func meaning(of name: String) -> ColumnName {
    let plain = name.precomposedStringWithCompatibilityMapping.lowercased()
    let words = Set(
      plain.split { !$0.isLetter && !$0.isNumber }.map { word in
        // `phone2`, `mobiles`
        let bare = word.reversed().drop(while: \.isNumber).reversed()
        return String(bare.count > 3 && bare.last == "s" ? bare.dropLast() : bare[...])
      })
    let joined = plain.filter { $0.isLetter }
    func has(_ list: Set<String>, _ parts: [String]) -> Bool {
      !words.isDisjoint(with: list) || parts.contains { joined.contains($0) }
    }
    // `Phone 1 - Type`, `mobile model`
    guard !has(["fax", "type", "label", "model", "brand", "carrier"], ["傳真", "传真", "類型", "型號"]) else { return .other }
    let isMobile = has(
      ["cell", "hp", "sms", "whatsapp"],
      [
        "mobile", "cellphone", "cellular", "handphone", "msisdn", "手提", "手機", "手机", "流動", "流动", "移動電話", "移动电话", "行動電話",
        "手電",
      ])
    let isTelephone =
      has(["tel", "phone", "telephone"], ["phone", "telephone", "電話", "电话", "聯絡號碼", "联络号码"])
      || [
        "number", "numbers", "recipient", "recipients", "recipientnumber", "contactnumber", "contactno", "號碼", "号码",
        "收件人",
      ]
      .contains(joined)
    guard isMobile || isTelephone else { return .other }
    let isOfAnother = has(
      ["emergency", "spouse", "kin", "guarantor", "referee", "agent"], ["緊急", "紧急", "配偶", "擔保", "担保", "nextofkin"])
    let isLandline = has(
      ["home", "office", "business", "work", "company", "landline", "fixed", "residential", "switchboard", "main"],
      ["住宅", "家居", "屋企", "公司", "辦公", "办公", "固網", "固网", "固定", "室內", "室内", "總機"])
    if isOfAnother || isLandline && !isMobile { return .lesser }
    return isMobile || joined.hasPrefix("recipient") || joined == "收件人" ? .mobile : .telephone
  }
}
