import Mustache

// What the rows of long lists are made of tells templates its values by name. Templates find them by reflection else, which
// takes twice as long over a page of 25 messages.

extension MessageListPage.Line: MustacheParent {
  func child(named name: String) -> Any? {
    switch name {
    case "path": path
    case "username": username
    case "message": message
    default: nil
    }
  }
}

extension PanelMessage: MustacheParent {
  func child(named name: String) -> Any? {
    switch name {
    case "id": id
    case "content": content
    case "status": status
    case "paused": paused
    case "messageClass": messageClass
    case "reference": reference
    case "created": created
    case "recipients": recipients
    case "total": total
    case "sent": sent
    case "progress": progress
    case "isOpen": isOpen
    case "position": position
    case "completes": completes
    case "waitingFor": waitingFor
    default: nil
    }
  }
}

extension PanelState: MustacheParent {
  func child(named name: String) -> Any? {
    switch name {
    case "label": label
    case "kind": kind
    default: nil
    }
  }
}

extension PanelTime: MustacheParent {
  func child(named name: String) -> Any? {
    switch name {
    case "iso": iso
    case "text": text
    case "clock": clock
    case "short": short
    default: nil
    }
  }
}
