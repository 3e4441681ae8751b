import Contracts
import Testing

@testable import DeadLetter

@Suite("A listing")
struct ListingTests {
  @Test("has columns as wide as their widest cell")
  func columns() {
    #expect(
      Listing.table(["A", "B", "C"], [["1", "long", "x"], ["22", "y", "z"]]) == "A   B     C\n1   long  x\n22  y     z")
  }

  @Test("shows neither numbers nor texts")
  func privacy() async throws {
    try await withDatabase { pool in
      _ = try await LetterStore(pool: pool).open([Samples.letter(Samples.dead(content: "secret text"))])
      let text = Listing.of(try await LetterArchive(pool: pool).letters(.init()))
      #expect(text.contains("timeout"))
      #expect(!text.contains("secret"))
      #expect(!text.contains("91234567"))
    }
  }
}
