local best = 0
return { after_step = function(ctx) best = best + 1 end }
