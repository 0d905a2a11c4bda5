# Quoting by RFC 4180: a quote stands around a whole cell, or doubled inside a quoted one. Asked before the csv filter, which
# would write the whole line into Logstash's own log.
#
#   separator  between two cells

def register(params)
  mark = Regexp.escape(params.fetch("separator"))
  cell = "(?:\"(?:[^\"]|\"\")*+\"|[^\"#{mark}]*+)"
  @quoted = Regexp.new("\\A#{cell}(?:#{mark}#{cell})*+\\z")
end

def filter(event)
  line = event.get("message")
  if line.include?('"') && !line.match?(@quoted)
    event.set("[reject][reason]", "bad_quoting")
    event.set("[reject][detail]", "a quote is open, or stands inside or after a cell")
  end
  [event]
end
