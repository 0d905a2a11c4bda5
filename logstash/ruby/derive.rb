# A field made from others by arithmetic. The pipeline has seen to it that the sources are there and the field is not.
#
#   field    where the result goes
#   kind     seconds_between  seconds from the first time to the second; a negative span gives no field
#            time_plus        time moved by seconds, to the nearest millisecond (halves up), within 1970 to 2099
#            time_minus       likewise, back
#            sum              of numbers
#            difference       of two numbers, 0 when it would be negative
#   sources  the fields, in this order

FIRST_MS = 0
LAST_MS = 4_102_444_800_000 # 2100-01-01

def register(params)
  @field = params.fetch("field")
  @kind = params.fetch("kind")
  @sources = params.fetch("sources")
end

def filter(event)
  values = @sources.map { |source| event.get(source) }
  case @kind
  when "seconds_between"
    span = milliseconds(values[1]) - milliseconds(values[0])
    event.set(@field, span / 1000.0) unless span.negative?
  when "time_plus" then move(event, values[0], values[1])
  when "time_minus" then move(event, values[0], -values[1])
  when "sum" then event.set(@field, values.sum)
  when "difference" then event.set(@field, values[0] > values[1] ? values[0] - values[1] : 0)
  end
  [event]
end

def move(event, time, seconds)
  moved = milliseconds(time) + (seconds * 1000 + 0.5).floor
  if moved < FIRST_MS || moved >= LAST_MS
    event.set("[reject][reason]", "bad_time")
    event.set("[reject][detail]", "#{@field} would be outside 1970 to 2099: #{seconds}")
    return
  end
  event.set(@field, LogStash::Timestamp.at(moved / 1000, moved % 1000 * 1000))
end

def milliseconds(time)
  time.to_i * 1000 + time.usec / 1000
end
