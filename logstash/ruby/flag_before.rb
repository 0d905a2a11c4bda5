# A contradiction between times: flags the record when in every pair the first time is before the second.
# (Conditions of the pipeline language compare numbers and texts only.)
#
#   flag   name of the contradiction
#   pairs  fields: earlier, later, earlier, later …

def register(params)
  @flag = params.fetch("flag")
  @pairs = params.fetch("pairs").each_slice(2).to_a
end

def filter(event)
  if @pairs.all? { |earlier, later| event.get(earlier).time < event.get(later).time }
    event.set("[@metadata][flags]", Array(event.get("[@metadata][flags]")) << @flag)
  end
  [event]
end
