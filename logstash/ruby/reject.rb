# A line that is no record becomes a document of cdr-reject: the raw line, why, and where it stood. Its id is made of the
# layout and the whole line, so that a line delivered twice is suspended once.
#
#   services  service by layout, for layouts whose records are all of one service
#   raw       keep the raw line; hash: its keyed hash is stored, which the pipeline makes; drop: neither. The detail may repeat
#             a value of the line, so that it goes with it

require "digest"

RAW_CHARACTERS = 8192
SEPARATOR = "\u001f"
KEEP = %w[reject log].freeze

def register(params)
  @services = params.fetch("services")
  @raw = params.fetch("raw")
  raise ArgumentError, "#{@raw} is not keep, hash or drop" unless %w[keep hash drop].include?(@raw)
end

def filter(event)
  line = event.get("message").to_s
  layout = event.get("[@metadata][layout]").to_s
  # The bytes as they are: a line that is no UTF-8 has an id, too.
  event.set("[@metadata][_id]", Digest::SHA256.hexdigest("#{layout}#{SEPARATOR}".b + line.b)[0, 32])

  (event.to_hash.keys - KEEP).each { |name| event.remove("[#{name}]") }
  event.remove("@timestamp") # a reject has no time of its own
  event.set("[cdr][layout]", layout) unless layout.empty?
  service = @services[layout]
  event.set("[service][name]", service) if service
  event.set("[reject][state]", "suspended")
  keep_line(event, line.scrub("\uFFFD")[0, RAW_CHARACTERS])
  event.set("[event][ingested]", LogStash::Timestamp.now)
  # What Filebeat adds there, such as the flag of a line that it has cut, has no place in cdr-reject.
  keep_only(event, "[log][file]", %w[path fingerprint])
  keep_only(event, "[log]", %w[file offset])
  [event]
end

def keep_only(event, object, names)
  members = event.get(object)
  (members.keys - names).each { |name| event.remove("#{object}[#{name}]") } if members.is_a?(Hash)
end

def keep_line(event, text)
  event.set("[reject][raw]", text) if @raw == "keep"
  event.set("[@metadata][hashed_line]", text) if @raw == "hash"
  event.remove("[reject][detail]") unless @raw == "keep"
end
