# A dead letter: a document that Elasticsearch refused, with the plugin's account of it, which holds the whole document, too.
# Of that only what Elasticsearch said is kept. The line and the layout travelled along with the document.

QUOTED = '"((?:[^"\\\\]|\\\\.)*)"'
ERROR = /"error"=>\{"type"=>#{QUOTED}, "reason"=>#{QUOTED}/
CAUSE = /"caused_by"=>\{"type"=>#{QUOTED}, "reason"=>#{QUOTED}/

def register(params); end

def filter(event)
  account = event.get("[@metadata][dead_letter_queue][reason]").to_s
  answer = account.rpartition(", response: ").last
  event.set("message", event.get("[@metadata][line]"))
  event.set("[@metadata][layout]", event.get("[cdr][layout]"))
  event.set("[reject][reason]", "store_refused")
  event.set("[reject][detail]", words(answer))
  [event]
end

def words(answer)
  error, cause = answer.match(ERROR), answer.match(CAUSE)
  return answer[0, 500] unless error

  text = "#{plain(error[1])}: #{plain(error[2])}"
  cause ? "#{text} (#{plain(cause[2])})" : text
end

def plain(text)
  text.gsub(/\\(.)/, '\1')
end
