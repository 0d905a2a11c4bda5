# Last step before the store: leaves what the mappings know and nothing else, since they refuse unknown fields, and stamps
# when it was written. What Filebeat and Logstash add of their own (agent, host, tags, @version …) ends here.
#
#   keep  top-level fields of a document

FILE_FIELDS = %w[path fingerprint].freeze

def register(params)
  @keep = params.fetch("keep")
end

def filter(event)
  (event.to_hash.keys - @keep).each { |name| event.remove("[#{name}]") }
  keep_only(event, "[log]", %w[file offset])
  keep_only(event, "[log][file]", FILE_FIELDS)
  flags = Array(event.get("[@metadata][flags]")).uniq
  event.set("[cdr][flags]", flags) unless flags.empty?
  event.set("[event][ingested]", LogStash::Timestamp.now)
  @keep.each { |name| drop_empty(event, "[#{name}]") }
  [event]
end

# A field that was taken away again leaves its parents behind, as objects without anything in them.
def drop_empty(event, field)
  found = event.get(field)
  return unless found.is_a?(Hash)

  found.each_key { |name| drop_empty(event, "#{field}[#{name}]") }
  event.remove(field) if event.get(field).empty?
end

def keep_only(event, field, names)
  found = event.get(field)
  (found.keys - names).each { |name| event.remove("#{field}[#{name}]") } if found.is_a?(Hash)
end
