return { before_step = function(ctx) if ctx.step > 4 then ctx.lr_scale = 0 end end }
