# A figure of speech quality made from others. The steps are those of the Python runner, so that the doubles are the same. The
# pipeline has seen to it that the sources are there and the field is not.
#
#   field    where the result goes
#   kind     mos_of_r_factor  mean opinion score of a transmission rating (ITU-T G.107 annex B), to 3 digits
#            ratio            the first of the second; nothing where that is not within 0 to 1
#   sources  the fields, in this order

SCALE = 1000.0

def register(params)
  @field = params.fetch("field")
  @kind = params.fetch("kind")
  @sources = params.fetch("sources")
end

def filter(event)
  values = @sources.map { |source| event.get(source) }
  result = @kind == "ratio" ? ratio(*values) : mos(*values)
  event.set(@field, result) unless result.nil?
  [event]
end

def mos(r_factor)
  return 4.5 if r_factor >= 100
  return 1.0 if r_factor <= 0

  mos = 1 + 0.035 * r_factor + r_factor * (r_factor - 60) * (100 - r_factor) * 7e-6
  [1.0, (mos * SCALE + 0.5).floor / SCALE].max
end

def ratio(part, whole)
  part.to_f / whole.to_f unless part.negative? || whole <= 0 || part > whole
end
