# As many cells as the layout has columns, or a reject; then empty cells go, so that an empty cell is an absent field.
#
#   columns  number of columns

def register(params)
  @columns = params.fetch("columns")
end

def filter(event)
  return [event] if event.include?("[reject]")

  cells = event.get("[raw]") || {}
  if cells.size != @columns
    event.set("[reject][reason]", "column_count")
    event.set("[reject][detail]", "#{cells.size} columns, not #{@columns}")
    return [event]
  end
  event.set("[raw]", cells.reject { |_, cell| cell.nil? || cell.empty? })
  [event]
end
