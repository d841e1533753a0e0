return { after_step = function(ctx) ctx.rewind("epoch") end }
