# What an E.164 number tells, before it is hashed: country, type and zone by the longest prefix that is known for numbers of its
# length. How a number as delivered becomes an E.164 number stands in docs/enrichment.md. A number without a place gives nothing.
#
#   prefixes, dialling    the tables
#   home                  ISO 3166 code of the country whose national numbers occur; empty: none
#   plain                 what digits without + or 00 are: national or international
#   column                name under [raw]
#   country, type, zone   where they go, as far as they are wanted

MOST_DIGITS = 15
LEAST_DIGITS = 7
ANYWHERE = "00"

def register(params)
  @column = params.fetch("column")
  @international = params.fetch("plain") == "international"
  @country = params["country"]
  @type = params["type"]
  @zone = params["zone"]
  read_prefixes(params.fetch("prefixes"))
  read_home(params.fetch("dialling"), params.fetch("home"))
end

def filter(event)
  number = event.get("[raw][#{@column}]")
  digits, found = number.nil? ? nil : place(number)
  return [event] if found.nil?

  country, type = found
  event.set(@country, country) if @country && !country.empty?
  event.set(@type, type) if @type && !type.empty?
  national = !country.empty? && country == @home
  event.set(@zone, national ? "national" : "world-#{digits[0]}") if @zone
  [event]
end

# E.164 digits, and country and type; nil where there is no place.
def place(number)
  digits = number.delete_prefix("+")
  return nil unless digits.match?(/\A[0-9]+\z/)
  return of_digits(digits) if number.start_with?("+")

  access = @access.find { |prefix| digits.start_with?(prefix) }
  return of_digits(digits[access.length..]) if access
  return of_digits(digits) if @international && digits[0] != "0"

  national(digits)
end

def national(digits)
  return nil if @home.empty?

  if !@national.empty? && digits.start_with?(@national)
    found = range(@code + digits[@national.length..])
    return [@code, found] if found
  end
  [@code, range(@code + digits)]
end

def of_digits(digits)
  found = range(digits)
  if found.nil? && digits.length.between?(LEAST_DIGITS, MOST_DIGITS)
    head = @longest.downto(1).map { |length| digits[0, length] }.find { |prefix| @countries[prefix] }
    found = [@countries[head], ""] if head
  end
  [digits, found]
end

def range(digits)
  known = @ranges[digits.length]
  return nil if known.nil?

  [digits.length, @longest].min.downto(1) do |length|
    found = known[digits[0, length]]
    return found if found
  end
  nil
end

# By number of digits, then by prefix; and the country of a prefix where numbers of all lengths agree on it.
def read_prefixes(path)
  @ranges = {}
  @countries = {}
  rows(path).each do |prefix, lengths, country, type|
    same = @countries.fetch(prefix, country) == country && !country.empty?
    @countries[prefix] = same ? country : false
    lengths.split.each { |length| (@ranges[length.to_i] ||= {})[prefix] = [country, type].freeze }
  end
  @longest = @countries.keys.map(&:length).max
end

def read_home(path, home)
  @home = home.to_s
  @code = @national = ""
  @access = [ANYWHERE]
  return if @home.empty?

  row = rows(path).find { |country, *| country == @home }
  raise ArgumentError, "#{@home} is no country with a number plan: see BUSYHOUR_NUMBERS_HOME_COUNTRY" if row.nil?

  _, @code, access, @national = row
  @access = (access.split | [ANYWHERE]).sort_by { |prefix| -prefix.length }
end

def rows(path)
  File.readlines(path, chomp: true).drop(1).map { |line| line.split(",", -1) }
end
