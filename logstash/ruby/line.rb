# The physical line, before anything reads it: too long, not UTF-8, NUL or a line end inside → reject, in this order.
# A blank line, the header and a line of types are no records and end here. What the line looked like is kept for the reject.
#
#   max_bytes  longest line taken, in bytes
#   header     the header line as the layout has it; absent: files of this layout have none
#   separator  between two cells of the header
#   strip      given: white space around cells is no part of them
#   types      what a line of types looks like

WHITE = " \t\v\f"
BOM = "\uFEFF"

def register(params)
  @max_bytes = params.fetch("max_bytes")
  @header = params["header"]
  @separator = Regexp.new(Regexp.escape(params["separator"].to_s))
  @strip = params["strip"]
  @names = @header && cells(@header)
  @types = params["types"] && Regexp.new("\\A(?:#{params["types"]})\\z")
end

def filter(event)
  line = event.get("message").to_s.dup.force_encoding(Encoding::UTF_8)
  line = line.byteslice(0, line.bytesize - 1) while line.end_with?("\r")
  # With a header, a byte order mark is the header's; without, it stands before the first record and is no part of it.
  line = line.delete_prefix(BOM) if !@header && event.get("[log][offset]").to_i.zero?
  return [] if no_record?(line.delete_prefix(BOM), line)

  event.set("message", line)
  problem = problem_of(line)
  if problem
    event.set("[reject][reason]", problem[0])
    event.set("[reject][detail]", problem[1])
  end
  [event]
end

def no_record?(line, whole)
  return true if line.empty? || line == @header
  return false unless @header && line.valid_encoding?

  header?(line) || (!@types.nil? && whole.match?(@types))
end

# The header may be quoted, or have white space around its cells where the layout says so.
def header?(line)
  cells(line) == @names
end

def cells(line)
  line.split(@separator, -1).map do |cell|
    cell = cell.gsub(/\A[#{WHITE}]+|[#{WHITE}]+\z/, "") if @strip
    cell.match?(/\A".*"\z/) ? cell[1..-2] : cell
  end
end

# Filebeat and the codecs replace what is no UTF-8 by U+FFFD: one in a line tells that bytes were lost on the way.
def problem_of(line)
  return ["line_too_long", "#{line.bytesize} bytes, more than #{@max_bytes}"] if line.bytesize > @max_bytes
  return ["bad_encoding", "is not UTF-8"] if !line.valid_encoding? || line.include?("\uFFFD")
  return ["bad_encoding", "holds a NUL byte"] if line.include?("\0")
  return ["bad_encoding", "holds a line end"] if line.match?(/[\r\n]/)
end
