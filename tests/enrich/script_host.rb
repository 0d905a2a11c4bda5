# Runs one script of logstash/ruby as Logstash's ruby filter does, over events given as JSON: {"path":…, "params":{…}, "events":[…]}
# on the standard input, the events that came out (with "@metadata") or {"error":…} on the standard output.

require "json"
require "time"

module LogStash
  class Timestamp
    def self.now = "NOW"
  end
end

class Event
  def initialize(fields) = @fields = fields

  def get(field) = path(field).reduce(@fields) { |node, name| node.is_a?(Hash) ? node[name] : nil }

  def include?(field)
    *parents, last = path(field)
    node = parents.reduce(@fields) { |found, name| found.is_a?(Hash) ? found[name] : nil }
    node.is_a?(Hash) && node.key?(last)
  end

  def set(field, value)
    *parents, last = path(field)
    parents.reduce(@fields) { |node, name| node[name] ||= {} }[last] = value
  end

  def remove(field)
    *parents, last = path(field)
    node = parents.reduce(@fields) { |found, name| found.is_a?(Hash) ? found[name] : nil }
    node.delete(last) if node.is_a?(Hash)
  end

  def to_hash = @fields.reject { |name, _| name == "@metadata" }

  def timestamp = Time.iso8601(@fields["@timestamp"])

  def everything = @fields

  private

  def path(field) = field.start_with?("[") ? field[1..-2].split("][") : [field]
end

job = JSON.parse($stdin.read)
begin
  host = Object.new
  host.instance_eval(File.read(job["path"], encoding: "utf-8"), job["path"])
  host.register(job["params"])
  events = job["events"].flat_map { |fields| host.filter(Event.new(fields)).map(&:everything) }
  puts JSON.generate(events)
rescue ArgumentError => error
  puts JSON.generate({ "error" => error.message })
end
