return { config = function(c) return 3 end }
