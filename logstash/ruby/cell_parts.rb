# Cells that are themselves pairs, `MLQK=4.5;ICR=0.0`, give a cell to each column that is a part of them; then texts that stand
# for no value (`0` for a time that never was) are taken for empty.
#
#   parts   name under [raw] → cell and key
#   absent  name under [raw] → texts

def register(params)
  @parts = params["parts"] || {}
  @absent = params["absent"] || {}
end

def filter(event)
  cells = event.get("[raw]") || {}
  whole = @parts.values.map(&:first).uniq.to_h { |name| [name, pairs(cells[name])] }
  @parts.each do |column, (name, key)|
    text = whole[name][key].to_s
    text.empty? ? cells.delete(column) : cells[column] = text
  end
  @absent.each { |column, texts| cells.delete(column) if texts.include?(cells[column]) }
  event.set("[raw]", cells)
  [event]
end

def pairs(text)
  text.to_s.split(";", -1).each_with_object({}) do |piece, found|
    key, mark, value = piece.partition("=")
    key = key.rpartition(" ").last
    found[key] = value unless mark.empty? || found.key?(key)
  end
end
