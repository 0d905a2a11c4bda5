# A line that is no record becomes a document of cdr-reject: the raw line, why, and where it stood. Its id is made of the
# layout and the whole line, so that a line delivered twice is suspended once.
#
#   services  service by layout, for layouts whose records are all of one service

require "digest"

RAW_CHARACTERS = 8192
SEPARATOR = "\u001f"
KEEP = %w[reject log].freeze

def register(params)
  @services = params.fetch("services")
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
  event.set("[reject][raw]", line.scrub("\uFFFD")[0, RAW_CHARACTERS])
  event.set("[event][ingested]", LogStash::Timestamp.now)
  %w[path fingerprint].tap do |names|
    file = event.get("[log][file]")
    (file.keys - names).each { |name| event.remove("[log][file][#{name}]") } if file.is_a?(Hash)
  end
  [event]
end
