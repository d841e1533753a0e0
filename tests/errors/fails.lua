return {
  after_step = function(ctx)
    local t = nil
    return t.x
  end
}
