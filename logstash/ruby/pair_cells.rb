# A line of pairs, `key=value;key=value`, becomes one text per column: of two pairs with the same key the first one, and what has
# no `=` is no pair. A key has no blanks: of `transaction answered: timestamp=1` it is `timestamp`. (The kv filter would take quotes and brackets off the values.)
#
#   separator  between two pairs
#   equals     between key and value; the first one counts
#   after      the pairs begin behind this text; a line without it is a reject
#   columns    name under [raw] → key

def register(params)
  @separator = Regexp.new(Regexp.escape(params.fetch("separator")))
  @equals = params.fetch("equals")
  @after = params["after"]
  @columns = params.fetch("columns")
end

def filter(event)
  text = event.get("message")
  if @after
    text = text.partition(@after)
    return reject(event, "has no '#{@after}', behind which the pairs would stand") if text[1].empty?

    text = text[2]
  end
  found = pairs(text)
  return reject(event, "has no pair key#{@equals}value") if found.empty?

  cells = @columns.transform_values { |key| found[key] }
  event.set("[raw]", cells.reject { |_, cell| cell.nil? || cell.empty? })
  [event]
end

def pairs(text)
  text.split(@separator, -1).each_with_object({}) do |piece, found|
    key, mark, value = piece.partition(@equals)
    key = key.rpartition(" ").last
    found[key] = value unless mark.empty? || found.key?(key)
  end
end

def reject(event, detail)
  event.set("[reject][reason]", "bad_record")
  event.set("[reject][detail]", detail)
  [event]
end
