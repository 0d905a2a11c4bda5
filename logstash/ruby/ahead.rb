# A record whose time lies further ahead of the clock than a limit is a reject: a switch's clock is wrong, or the file's.
#
#   hours  the limit

def register(params)
  @hours = params.fetch("hours").to_i
end

def filter(event)
  time = event.timestamp
  if time.to_i * 1000 + time.usec / 1000 > (Time.now.to_f * 1000).floor + @hours * 3_600_000
    event.set("[reject][reason]", "future_time")
    event.set("[reject][detail]", "#{time} is more than #{@hours} h ahead of the clock (ingest.ahead.hours)")
  end
  [event]
end
