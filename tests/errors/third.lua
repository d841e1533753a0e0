return { after_step = function(ctx)
  if ctx.step == 3 then error("enough") end
end }
