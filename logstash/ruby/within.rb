# A time with an offset of its own may lie outside the years that its text was checked for: it is a bad time then.
#
#   field   the time
#   column  name under [raw] that it came from
#   text    field with the text it was read from

FIRST = 0
LAST = 4_102_444_800 # 2100-01-01

def register(params)
  @field = params.fetch("field")
  @column = params.fetch("column")
  @text = params.fetch("text")
end

def filter(event)
  time = event.get(@field)
  return [event] if time.nil? || event.include?("[reject]") || time.to_i.between?(FIRST, LAST - 1)

  event.set("[reject][reason]", "bad_time")
  event.set("[reject][column]", @column)
  event.set("[reject][detail]", "#{event.get(@text)} is outside 1970 to 2099")
  [event]
end
