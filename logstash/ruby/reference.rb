# Fields from a reference table, a CSV file that the Python runner reads, too (docs/enrichment.md). A table that is not there fills
# nothing; a bad one stops the pipeline at its start, naming the line.
#
#   folder    folder of the tables; empty: none
#   table     name of the file, without .csv
#   key       column that holds the keys
#   by        field whose value is looked up
#   keywords  column → field, for texts
#   integers  column → field, for whole numbers
#   columns   every column that the table may have

require "csv"

def register(params)
  @by = params.fetch("by")
  @fields = {}.merge(params["keywords"] || {}, params["integers"] || {})
  @integers = (params["integers"] || {}).keys
  folder = params.fetch("folder").to_s
  path = File.join(folder, "#{params.fetch("table")}.csv")
  @rows = !folder.empty? && File.file?(path) ? read(path, params.fetch("key"), params.fetch("columns")) : {}
end

def filter(event)
  row = @rows[event.get(@by)]
  return [event] if row.nil?

  @fields.each { |column, field| event.set(field, row[column]) if row[column] && !event.include?(field) }
  [event]
end

def read(path, key, columns)
  header = nil
  rows = {}
  File.read(path, mode: "r:bom|utf-8").split(/\r\n|\n|\r/, -1).each.with_index(1) do |line, number|
    next if line.empty?

    where = "#{path}, line #{number}"
    cells = cells_of(line, where)
    header ? add(rows, header.zip(cells), cells.size == header.size, key, where) : header = head(cells, key, columns, where)
  end
  rows
end

def cells_of(line, where)
  CSV.parse_line(line).map { |cell| cell.to_s }
rescue CSV::MalformedCSVError, ArgumentError
  raise ArgumentError, "#{where}: not UTF-8, or a quote is open, or stands inside or after a cell"
end

def head(cells, key, columns, where)
  unknown = cells - [key] - columns
  return cells if cells.include?(key) && unknown.empty? && cells.uniq == cells

  raise ArgumentError, "#{where}: the columns are #{key} and any of #{columns.join(", ")}, each once"
end

def add(rows, pairs, whole, key, where)
  row = pairs.to_h
  raise ArgumentError, "#{where}: as many columns as the header are wanted" unless whole
  raise ArgumentError, "#{where}: #{key} is empty, or occurs twice" if row[key].empty? || rows.key?(row[key])

  rows[row[key]] = row.reject { |_, cell| cell.empty? }.to_h { |column, cell| [column, value(column, cell, where)] }
end

def value(column, cell, where)
  raise ArgumentError, "#{where}: #{column} has white space around it" if cell.match?(/\A[ \t\v\f]|[ \t\v\f]\z/)
  return cell unless @integers.include?(column)
  raise ArgumentError, "#{where}: #{column} is no whole number of at most nine digits" unless cell.match?(/\A[0-9]{1,9}\z/)

  cell.to_i
end
