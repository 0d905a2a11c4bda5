"""Traffic in time: what a week looks like, which days are holidays, growth, promotions, and the noise of the rate itself."""
