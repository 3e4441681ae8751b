# The providers of a providers file as the arguments of mock-provider, one a line: NAME[:RATE[:WINDOW_S]].
# It reads just these three keys, in block or flow style; the services check the file properly.
function value(key,   text) {
  text = $0
  if (!match(text, "(^|[ {,-])" key ":[ \t]*[\"']?[A-Za-z0-9._-]+")) return ""
  text = substr(text, RSTART, RLENGTH)
  sub(".*" key ":[ \t]*[\"']?", "", text)
  return text
}
function flush() {
  if (name != "") print name (rate == "" ? "" : ":" rate (window == "" ? "" : ":" window))
  name = rate = window = ""
}
{ sub(/(^|[ \t])#.*/, "") }
/^providers:/ { inside = 1 }
/^[a-z_]+:/ && !/^providers:/ { inside = 0 }
!inside { next }
/^[ \t]*-/ { flush() }
value("name") != "" && name == "" { name = value("name") }
value("rate") != "" && rate == "" { rate = value("rate") }
value("window_s") != "" && window == "" && !/health:/ && !health { window = value("window_s") }
/^[ \t]*health:[ \t]*$/ { health = 1; next }
/^[ \t]*[a-z_]+:[ \t]*($|[{[])/ || /^[ \t]*-/ { health = 0 }
END { flush() }
