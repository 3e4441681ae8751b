import Contracts
import Crypto

/// A request with an idempotency key, as far as its repeats are known by it. Everything follows from user, key and body.
///
/// Nothing of it tells the key or the body to who reads the database: the hash of the body is keyed, and the answer, which
/// holds numbers and text, is readable only with key and body in hand.
struct KeyedRequest: Sendable {
  let userID: UserID
  let keyHash: [UInt8]
  let bodyHash: [UInt8]
  /// The same for every repeat, so that the scheduler knows one even when the database was away.
  let messageID: MessageID
  private let answerKey: SymmetricKey

  init(userID: UserID, key: IdempotencyKey, body: CanonicalBody) {
    let user = withUnsafeBytes(of: userID.uuid.uuid) { Array($0) }
    let text = Array(key.text.utf8)
    self.userID = userID
    messageID = .derived(from: [user, text, body.bytes])
    keyHash = Self.hash(of: key)
    bodyHash = Array(HMAC<SHA256>.authenticationCode(for: body.bytes, using: SymmetricKey(data: text)))
    answerKey = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: body.bytes), salt: text, info: user, outputByteCount: 32)
  }

  static func hash(of key: IdempotencyKey) -> [UInt8] { Array(SHA256.hash(data: Array(key.text.utf8))) }

  /// The answer as it is stored.
  func seal(_ answer: [UInt8]) throws -> [UInt8] {
    guard let sealed = try AES.GCM.seal(answer, using: answerKey).combined else {
      throw CryptoKitError.incorrectKeySize
    }
    return Array(sealed)
  }

  /// - Throws: When it is not the sealed answer to this request.
  func open(_ sealed: [UInt8]) throws -> [UInt8] {
    Array(try AES.GCM.open(try AES.GCM.SealedBox(combined: sealed), using: answerKey))
  }
}
