return { afterstep = function(ctx) end }
