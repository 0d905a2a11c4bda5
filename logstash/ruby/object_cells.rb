# A JSON object becomes one text per column, as if it had been a line of csv. Only what a column names is looked at, in the order
# of the columns; what the two runners would not write alike is a reject.
#
#   parsed   field with what the json filter made of the line
#   columns  name under [raw] → path in the object, such as variables.uuid or callflow.0.created

require "bigdecimal"

LARGEST_WHOLE = 10**18
LEAST, MOST = 1e-4, 1e15 # outside, a decimal would be written with an exponent
BEHIND = /\}\s*[^,\]}\s]/
STRING = /"(?:[^"\\]|\\.)*+"/
NO_TEXT = /[\0\r\n\uFFFD]/

def register(params)
  @parsed = params.fetch("parsed")
  @paths = params.fetch("columns").transform_values { |path| path.split(".", -1) }
end

def filter(event)
  object = event.get(@parsed)
  problem = problem_of(event.get("message"), object)
  return reject(event, "bad_record", "", problem) if problem

  cells = {}
  @paths.each do |column, path|
    text, reason, detail = text_of(value_at(object, path))
    return reject(event, reason, column, detail) if reason

    cells[column] = text unless text.empty?
  end
  event.set("[raw]", cells)
  event.remove(@parsed)
  [event]
end

def problem_of(line, object)
  return "is no JSON object" unless object.is_a?(Hash)
  return "is no JSON: something stands before or behind the object" if line.start_with?("\uFEFF") || more?(line)
  return "is no JSON: half a surrogate pair" if half_a_pair?(line)
  return "is no JSON: a number beyond what a double holds" unless numbers_fit?(object)
end

# The json filter reads the first of several objects and leaves the others.
def more?(line)
  line.match?(BEHIND) && line.gsub(STRING, "").match?(BEHIND)
end

# \uD83D without \uDE00 behind it, or the other way round: no character.
def half_a_pair?(line)
  return false unless line.match?(/\\u[dD]/)

  escapes = line.gsub("\\\\", "").gsub(/\\u[dD][89abAB]\h\h\\u[dD][c-fC-F]\h\h/, "")
  escapes.match?(/\\u[dD][89a-fA-F]\h\h/)
end

# (No recursion: an object may be a thousand levels deep.)
def numbers_fit?(object)
  left = [object]
  until left.empty?
    value = left.pop
    case value
    when Hash then left.concat(value.values)
    when Array then left.concat(value)
    when Numeric then return false unless value.to_f.finite?
    end
  end
  true
end

def value_at(value, path)
  path.each do |key|
    if value.is_a?(Hash)
      value = value[key]
    elsif value.is_a?(Array) && key.match?(/\A[0-9]+\z/)
      value = value[key.to_i]
    else
      return nil
    end
  end
  value
end

# Text, or nil with the reason and the detail of a reject.
def text_of(value)
  case value
  when nil then ""
  when true, false then value.to_s
  when Integer
    return [nil, "bad_number", "#{value} has more than 18 digits"] if value.abs >= LARGEST_WHOLE

    value.to_s
  when Numeric then decimal(value.to_f)
  when String
    return [nil, "bad_encoding", "'#{value[0, 80]}' holds a NUL, a line end or U+FFFD"] if value.match?(NO_TEXT)

    value
  else [nil, "bad_value", "is a #{value.is_a?(Hash) ? "object" : "list"}, no single value"]
  end
end

def decimal(value)
  value += 0.0 # -0.0 is 0.0
  return value.to_s if value.zero? || value.abs.between?(LEAST, MOST.prev_float)

  [nil, "bad_number", "#{value} is too large or too small a number"]
end

def reject(event, reason, column, detail)
  event.set("[reject][reason]", reason)
  event.set("[reject][column]", column) unless column.empty?
  event.set("[reject][detail]", detail)
  event.remove(@parsed)
  [event]
end
