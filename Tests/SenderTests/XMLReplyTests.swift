import ServiceKit
import Testing

@testable import Sender

@Suite("An answer as XML")
struct XMLReplyTests {
  private func texts(_ xml: String, _ path: String) throws -> [String]? {
    XMLReply(xml)?.texts(at: try #require(ReplyPath(xml: path)))
  }

  @Test("gives the texts at a path, which may begin anywhere or at the root")
  func paths() throws {
    let xml = "<r><a><b>1</b></a><b>2</b><A><B x='y' n:Code=\"7 &gt; 6\"/></A></r>"
    #expect(try texts(xml, "b") == ["1", "2", ""])
    #expect(try texts(xml, "a/b") == ["1", ""])
    #expect(try texts(xml, "/r/b") == ["2"])
    #expect(try texts(xml, "/b") == [])
    #expect(try texts(xml, "b/@code") == ["7 > 6"])
    #expect(try texts(xml, "r") == ["12"])
  }

  @Test("replaces the five entities and character references, and no others")
  func references() throws {
    #expect(try texts("<a>&lt;&gt;&amp;&quot;&apos;&#x984D;&#65;</a>", "a") == ["<>&\"'額A"])
    #expect(try texts("<a>&nbsp;&file;&#0;&#xD800;&</a>", "a") == ["&nbsp;&file;&#0;&#xD800;&"])
    #expect(try texts("<a>x<![CDATA[<b>&lt;]]>y</a>", "a") == ["x<b>&lt;y"])
  }

  @Test("takes what is not well-formed as far as that is clear")
  func tolerant() throws {
    #expect(try texts("<html><br><status>OK</status></html>", "status") == ["OK"])
    #expect(try texts("</x><status>OK</y></status>", "status") == ["OK"])
    #expect(try texts("<!DOCTYPE html><p>1 < 2</p>", "p") == ["1 < 2"])
    #expect(try texts("<status>OK", "status") == ["OK"])
    #expect(try texts("<a b=c d e='f'/>", "a/@b") == ["c"])
  }

  @Test(
    "is none when it holds no element, declares entities, does not end, or nests without bounds",
    arguments: [
      "", "OK", "1 < 2", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<a", "<a b='", "<!-- <a>", "<![CDATA[", "</a>",
      String(repeating: "<a>", count: 33), String(repeating: "<a/>", count: 5000),
      "<a>" + String(repeating: "<b c='", count: 10_000),
    ])
  func refused(xml: String) { #expect(XMLReply(xml) == nil) }
}
