-- 16 requests a write.
init = function()
  local batch = {}
  for i = 1, 16 do batch[i] = wrk.format(nil, nil) end
  requests = table.concat(batch)
end
request = function() return requests end
