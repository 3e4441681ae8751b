/// The GSM 7-bit default alphabet (3GPP TS 23.038) with its extension table.
enum GSMAlphabet {
  /// How many septets a scalar takes; `nil` when it is not in the alphabet.
  static func septets(_ scalar: Unicode.Scalar) -> Int? {
    if basic.contains(scalar) { return 1 }
    return extended.contains(scalar) ? 2 : nil
  }

  private static let basic = Set(
    ("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
      + "abcdefghijklmnopqrstuvwxyzäöñüà").unicodeScalars)

  /// Written as an escape and a second septet.
  private static let extended = Set("\u{C}^{}\\[~]|€".unicodeScalars)
}
