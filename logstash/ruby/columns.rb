# As many cells as the layout has columns, or a reject; then empty cells go, so that an empty cell is an absent field.
#
#   columns  number of columns
#   counts   the numbers of columns that a line may have, those it lacks being the last ones; absent: all of them

def register(params)
  @counts = params["counts"] || [params.fetch("columns")]
end

def filter(event)
  return [event] if event.include?("[reject]")

  cells = event.get("[raw]") || {}
  unless @counts.include?(cells.size)
    event.set("[reject][reason]", "column_count")
    event.set("[reject][detail]", "#{cells.size} columns, not #{@counts.join(" or ")}")
    return [event]
  end
  event.set("[raw]", cells.reject { |_, cell| cell.nil? || cell.empty? })
  [event]
end
