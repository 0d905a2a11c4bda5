# One column that holds a number. Logstash's own conversion takes `12.7` for the whole number 12, `0x1F` for 31 and leaves
# `abc` and NaN in the document, so that the text is held against a strict pattern first.
#
#   column     name under [raw]
#   field      where the number goes; absent: it is only checked
#   type       integer or decimal
#   pattern    what the whole text must look like
#   required   given: an empty cell is a reject
#   divide_by  the file has hundredths, say
#   min, max   both included

def register(params)
  @column = params.fetch("column")
  @field = params["field"]
  @whole = params.fetch("type") == "integer"
  @pattern = Regexp.new("\\A(?:#{params.fetch("pattern")})\\z")
  @required = params["required"]
  @divide_by = params["divide_by"]
  @min = params["min"]
  @max = params["max"]
end

def filter(event)
  return [event] if event.include?("[reject]")

  text = event.get("[raw][#{@column}]")
  if text.nil?
    reject(event, "missing_value", "is empty") if @required
    return [event]
  end
  unless text.match?(@pattern)
    reject(event, "bad_number", "'#{text[0, 80]}' is not a #{@whole ? "whole " : ""}number")
    return [event]
  end

  value = @whole ? text.to_i : text.to_f
  value /= @divide_by if @divide_by
  if @min && value < @min
    reject(event, "bad_number", "'#{text}' is below #{@min}")
  elsif @max && value > @max
    reject(event, "bad_number", "'#{text}' is above #{@max}")
  elsif @field
    event.set(@field, value)
  end
  [event]
end

def reject(event, reason, detail)
  event.set("[reject][reason]", reason)
  event.set("[reject][column]", @column)
  event.set("[reject][detail]", detail)
end
